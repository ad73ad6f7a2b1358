//! Recordings, heard as a whole: find the speech, then recognise it.

use std::ops::Range;
use std::sync::Arc;

use super::asr::{Graph, Hypothesis, Recognizer};
use super::vad::{Settings, Vad};
use crate::media::{FRAME, RATE};

/// Sound around the voice that is recognised with it: 0.25 s.
const MARGIN: usize = RATE as usize / 4;

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
    let speech = speech(samples);
    let offset_ms = (speech.start * 1_000 / RATE as usize) as u32;
    recognizer.start(graph.clone());
    recognizer.feed(&samples[speech]);
    let mut hypotheses = recognizer.finish();
    for word in hypotheses
        .iter_mut()
        .flat_map(|hypothesis| &mut hypothesis.words)
    {
        word.t0_ms += offset_ms;
        word.t1_ms += offset_ms;
    }
    hypotheses
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
