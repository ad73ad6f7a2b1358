//! Recordings, heard as a whole: find the speech, give it the quiet around it that a call would have, recognise it.

use std::ops::Range;
use std::sync::Arc;

use super::asr::{Graph, Hypothesis, Recognizer};
use super::vad::{Settings, Vad};
use crate::media::{FRAME, RATE};

/// Sound around the voice that is recognised with it: 0.25 s.
const MARGIN: usize = RATE as usize / 4;
/// Quiet that the network wants before the first sound and behind the last: 0.3 s. Without it the first of three digits
/// was lost in a fourth of the recordings that begin with speech.
const QUIET: usize = RATE as usize * 3 / 10;
/// Steps in which a recording's level is looked at (10 ms), and of a piece of its background (60 ms).
const STEP: usize = RATE as usize / 100;
const PIECE: usize = 6 * STEP;
/// Sound counts so far above the background and so far below the loudest, in dB.
const ABOVE_DB: f32 = 10.0;
const BELOW_DB: f32 = 30.0;
/// A recording whose peak is lower than -30 dBFS is raised to -12 dBFS: the model has heard nothing so faint.
const FAINT: i16 = 1_036;
const RAISED: f32 = 8_200.0;

/// The samples from the first voice to the last, and a little around them; all of them when there is no voice.
pub fn speech(samples: &[i16]) -> Range<usize> {
    // A recording may begin in the middle of a word.
    let mut vad = Vad::new(Settings {
        warm_up_frames: 0,
        ..Settings::default()
    });
    let mut voiced = samples
        .as_chunks::<FRAME>()
        .0
        .iter()
        .enumerate()
        .filter(|(_, frame)| vad.hear(frame))
        .map(|(i, _)| i);
    let Some(first) = voiced.next() else {
        return 0..samples.len();
    };
    let last = voiced.last().unwrap_or(first);
    (first * FRAME).saturating_sub(MARGIN)..samples.len().min((last + 1) * FRAME + MARGIN)
}

/// What was said in a recording, best first; times count from its beginning.
pub fn recognise(
    recognizer: &mut Recognizer,
    graph: &Arc<Graph>,
    samples: &[i16],
) -> Vec<Hypothesis> {
    let (samples, origin) = prepared(samples);
    recognizer.start(graph.clone());
    recognizer.feed(&samples);
    let mut hypotheses = recognizer.finish();
    let ms = |at: usize| (at * 1_000 / RATE as usize) as u32;
    for word in hypotheses
        .iter_mut()
        .flat_map(|hypothesis| &mut hypothesis.words)
    {
        for time in [&mut word.t0_ms, &mut word.t1_ms] {
            *time = match origin {
                Origin::Later(skipped) => *time + ms(skipped),
                Origin::Earlier(added) => time.saturating_sub(ms(added)),
            };
        }
    }
    hypotheses
}

/// Where what is recognised begins, seen from the recording, in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Later(usize),
    Earlier(usize),
}

/// The speech of a recording without offset and at a sensible level, with quiet around it.
fn prepared(samples: &[i16]) -> (Vec<i16>, Origin) {
    let level = levelled(samples);
    let range = speech(&level);
    let heard = &level[range.clone()];
    let (before, behind) = missing_quiet(heard);
    let background = background(heard);
    let mut all = Vec::with_capacity(before + heard.len() + behind);
    all.extend(there_and_back(&background).take(before));
    all.extend(heard);
    all.extend(there_and_back(&background).take(behind));
    let origin = match range.start.checked_sub(before) {
        Some(skipped) => Origin::Later(skipped),
        None => Origin::Earlier(before - range.start),
    };
    (all, origin)
}

/// The samples without their mean; louder when they are very faint.
fn levelled(samples: &[i16]) -> Vec<i16> {
    let sum: i64 = samples.iter().map(|&sample| i64::from(sample)).sum();
    let mean = (sum / samples.len().max(1) as i64) as i16;
    let centred = || samples.iter().map(|&sample| sample.saturating_sub(mean));
    let peak = centred().map(i16::unsigned_abs).max().unwrap_or(0);
    if peak == 0 || peak > FAINT as u16 {
        return centred().collect();
    }
    let gain = RAISED / f32::from(peak);
    centred()
        .map(|sample| (f32::from(sample) * gain) as i16)
        .collect()
}

/// Samples of quiet that are missing before the first sound and behind the last.
fn missing_quiet(samples: &[i16]) -> (usize, usize) {
    let levels = levels(samples);
    let mut sorted = levels.clone();
    sorted.sort_by(f32::total_cmp);
    let share = |part: f32| sorted[(part * (sorted.len() - 1) as f32) as usize];
    if sorted.is_empty() {
        return (QUIET, QUIET);
    }
    let (floor, top) = (share(0.1), share(0.95));
    let loud = (floor + ABOVE_DB).max(top - BELOW_DB).min(top - 6.0);
    let sounds = |level: &f32| *level > loud;
    let before = levels.iter().position(sounds).unwrap_or(0) * STEP;
    let behind = levels.iter().rev().position(sounds).unwrap_or(0) * STEP;
    (QUIET.saturating_sub(before), QUIET.saturating_sub(behind))
}

/// Mean power of every 10 ms in dB, over one step of 16 bits squared.
fn levels(samples: &[i16]) -> Vec<f32> {
    let power = |step: &[i16]| {
        let sum: f32 = step.iter().map(|&sample| f32::from(sample).powi(2)).sum();
        10.0 * (sum / STEP as f32 + 1.0).log10()
    };
    samples.chunks_exact(STEP).map(power).collect()
}

/// The quietest 60 ms; digital silence when all of it is speech.
fn background(samples: &[i16]) -> Vec<i16> {
    let levels = levels(samples);
    let top = levels.iter().copied().fold(0.0, f32::max);
    let pieces = levels.windows(PIECE / STEP).enumerate();
    let quietest = pieces
        .map(|(i, piece)| (i, piece.iter().copied().fold(0.0, f32::max)))
        .min_by(|left, right| left.1.total_cmp(&right.1));
    match quietest {
        Some((i, level)) if level < top - 20.0 => samples[i * STEP..][..PIECE].to_vec(),
        _ => vec![0; PIECE],
    }
}

/// A piece forwards, then backwards, and so on: without a click where it is joined.
fn there_and_back(piece: &[i16]) -> impl Iterator<Item = i16> {
    piece.iter().chain(piece.iter().rev()).copied().cycle()
}

#[cfg(test)]
mod tests {
    use super::super::asr::toy::{Toy, model};
    use super::*;

    fn golden() -> Vec<i16> {
        let wav = include_bytes!("../../models/golden/golden.wav");
        wav[44..]
            .as_chunks::<2>()
            .0
            .iter()
            .map(|bytes| i16::from_le_bytes(*bytes))
            .collect()
    }

    #[test]
    fn finds_the_speech_in_silence() {
        let recording = [vec![0; 8_000], golden(), vec![0; 16_000]].concat();
        let found = speech(&recording);
        assert!((5_000..10_000).contains(&found.start), "{found:?}");
        assert!((18_000..26_000).contains(&found.end), "{found:?}");
        assert_eq!(speech(&[0; 1_000]), 0..1_000);
    }

    /// As somebody cuts recordings: from the first sound to the last.
    #[test]
    fn speech_without_quiet_around_it_gets_some() {
        let golden = golden();
        let cut = &golden[6_000..12_000];
        let (prepared, origin) = prepared(cut);
        assert!(prepared.len() >= cut.len() && prepared.len() <= cut.len() + 2 * QUIET);
        assert!(matches!(origin, Origin::Earlier(_) | Origin::Later(_)));
        let (with_quiet, origin) = super::prepared(&[vec![0; 8_000], golden].concat());
        assert!(matches!(origin, Origin::Later(4_000..)), "{origin:?}");
        assert!(with_quiet.len() < 24_000);
    }

    #[test]
    fn offset_and_faintness_do_not_matter() {
        let graph = Arc::new(Graph::compile(
            &Toy::choice(&[("dia dois de abril", "D"), ("sim", "S")]),
            &model(),
        ));
        let mut recognizer = Recognizer::new(model());
        let shifted: Vec<i16> = golden().iter().map(|&s| s / 2 + 3_000).collect();
        let faint: Vec<i16> = golden().iter().map(|&s| s / 60).collect();
        for recording in [shifted, faint] {
            assert_eq!(
                recognise(&mut recognizer, &graph, &recording)[0].tags,
                ["D"]
            );
        }
    }

    #[test]
    fn nothing_at_all_is_no_speech() {
        let graph = Arc::new(Graph::compile(&Toy::choice(&[("sim", "S")]), &model()));
        let mut recognizer = Recognizer::new(model());
        for length in [0, 1, 79, 80, 500] {
            let _ = recognise(&mut recognizer, &graph, &vec![0; length]);
            let _ = recognise(&mut recognizer, &graph, &vec![i16::MIN; length]);
        }
    }

    #[test]
    fn times_count_from_the_beginning() {
        let graph = Arc::new(Graph::compile(
            &Toy::choice(&[("dia dois de abril", "D")]),
            &model(),
        ));
        let recording = [vec![0; 8_000], golden()].concat();
        let best = &recognise(&mut Recognizer::new(model()), &graph, &recording)[0];
        assert!(best.words[0].t0_ms >= 1_000, "{best:?}");
    }
}
