//! What is being said: which clause occupies which samples, what was heard of it, pause and cut without a click.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::media::{FRAME, Frame, RATE, SILENCE};

/// Samples over which sound that is cut fades out: 5 ms.
const FADE: usize = RATE as usize / 200;
/// Silence between two sentences, in frames.
const SENTENCE_GAP: u32 = 11;
/// Silence between two clauses of a sentence, in frames.
const CLAUSE_GAP: u32 = 6;

/// Silence before a clause that is begun anew, in frames.
const BREATH: u32 = 10;

/// A clause waiting for its turn. Its sound may come later than its place in the queue.
#[derive(Clone, Debug)]
struct Clause {
    id: u32,
    sound: Option<Arc<[i16]>>,
    /// Frames of silence after it.
    gap: u32,
    /// Barge-in is refused while it plays.
    mandatory: bool,
    /// The last of its utterance.
    last: bool,
}

/// What happened to a clause in this frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    /// Its first samples went out.
    Began(u32),
    /// Its last samples went out.
    Ended { id: u32, last: bool },
}

/// The queue of clauses and the place in the first of them.
#[derive(Debug, Default)]
pub struct Playout {
    queue: VecDeque<Clause>,
    /// Next sample of the first clause.
    at: usize,
    /// Frames of silence still owed before the next clause.
    rest: u32,
    paused: bool,
    /// The frame to send next: sound that was stopped in the middle fades out.
    tail: Option<Frame>,
}

impl Playout {
    /// Queues a clause. `text` decides how long the pause after it is.
    pub fn add(&mut self, id: u32, text: &str, mandatory: bool, last: bool) {
        let gap = if text.ends_with(['.', '?', '!']) {
            SENTENCE_GAP
        } else {
            CLAUSE_GAP
        };
        self.queue.push_back(Clause {
            id,
            sound: None,
            gap: if last { 0 } else { gap },
            mandatory,
            last,
        });
    }

    /// Gives a clause its sound. Clauses that were cut in the meantime are unknown, and ignored.
    pub fn supply(&mut self, id: u32, sound: Arc<[i16]>) {
        if let Some(clause) = self.queue.iter_mut().find(|clause| clause.id == id) {
            clause.sound = Some(sound);
        }
    }

    /// The next 20 ms, and what they mean for the clauses. Silence while paused, empty, or waiting for a voice.
    pub fn next_frame(&mut self, played: &mut Vec<Played>) -> Frame {
        let mut frame = SILENCE;
        if let Some(tail) = self.tail.take() {
            return tail;
        }
        if self.paused || self.queue.is_empty() {
            return frame;
        }
        if self.rest > 0 {
            self.rest -= 1;
            return frame;
        }
        let Some(clause) = self.queue.front() else {
            return frame;
        };
        let Some(sound) = clause.sound.clone() else {
            return frame;
        };
        let (id, last, gap) = (clause.id, clause.last, clause.gap);
        if self.at == 0 {
            played.push(Played::Began(id));
        }
        let from = &sound[self.at.min(sound.len())..];
        let n = from.len().min(FRAME);
        frame[..n].copy_from_slice(&from[..n]);
        self.at += n;
        if self.at >= sound.len() {
            played.push(Played::Ended { id, last });
            self.queue.pop_front();
            self.at = 0;
            self.rest = gap;
        }
        frame
    }

    /// Stops within 5 ms, ready to go on.
    pub fn pause(&mut self) {
        self.keep_tail();
        self.paused = true;
    }

    /// Goes on one frame before the place where it was stopped, so that no syllable is lost.
    pub fn resume(&mut self) {
        if std::mem::take(&mut self.paused) {
            // Sample 0 would announce the clause a second time.
            self.at = self.at.saturating_sub(FRAME).max(usize::from(self.at > 0));
        }
    }

    /// Begins the present clause anew, after a breath. What sounded stops within 5 ms.
    pub fn begin_again(&mut self) {
        self.keep_tail();
        if self.at > 0 {
            self.rest = BREATH;
        }
        self.at = 0;
        self.paused = false;
    }

    /// Drops everything that was not said. Stops within 5 ms.
    pub fn cut(&mut self) {
        self.keep_tail();
        self.queue.clear();
        self.at = 0;
        self.rest = 0;
        self.paused = false;
    }

    /// Fades out what would have come next, if something is sounding.
    fn keep_tail(&mut self) {
        if self.paused || self.rest > 0 || self.at == 0 {
            return;
        }
        let Some(sound) = self.queue.front().and_then(|clause| clause.sound.as_ref()) else {
            return;
        };
        let mut tail = SILENCE;
        for (i, (out, sample)) in tail
            .iter_mut()
            .zip(&sound[self.at.min(sound.len())..])
            .take(FADE)
            .enumerate()
        {
            let kept = i32::from(*sample) * (FADE - i) as i32 / FADE as i32;
            *out = i16::try_from(kept).unwrap_or(*sample);
        }
        self.tail = Some(tail);
    }

    /// Nothing left to say.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.rest == 0
    }

    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether what plays now must be heard to its end.
    pub fn is_mandatory(&self) -> bool {
        self.queue.front().is_some_and(|clause| clause.mandatory)
    }

    /// Clauses not yet finished.
    pub fn clauses_left(&self) -> usize {
        self.queue.len()
    }

    /// Milliseconds of sound left, as far as it is known.
    pub fn left_ms(&self) -> u64 {
        let samples: usize = self
            .queue
            .iter()
            .filter_map(|clause| clause.sound.as_ref())
            .map(|sound| sound.len())
            .sum();
        (samples.saturating_sub(self.at) as u64) * 1_000 / u64::from(RATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playing(samples: usize) -> Playout {
        let mut playout = Playout::default();
        playout.add(1, "Bom dia.", false, true);
        playout.supply(1, (0..samples).map(|i| (i % 1_000) as i16 + 1).collect());
        playout
    }

    #[test]
    fn every_sample_goes_out_once_and_in_order() {
        let mut playout = playing(1_000);
        let mut played = Vec::new();
        let sent: Vec<i16> = (0..7)
            .flat_map(|_| playout.next_frame(&mut played))
            .collect();
        assert_eq!(
            &sent[..1_000],
            &(0..1_000).map(|i| i as i16 + 1).collect::<Vec<_>>()[..]
        );
        assert!(sent[1_000..].iter().all(|sample| *sample == 0));
        assert_eq!(
            played,
            [Played::Began(1), Played::Ended { id: 1, last: true }]
        );
        assert!(playout.is_empty());
    }

    #[test]
    fn a_pause_is_silent_within_five_milliseconds_and_goes_on_one_frame_early() {
        let mut playout = playing(1_000);
        let mut played = Vec::new();
        playout.next_frame(&mut played);
        playout.next_frame(&mut played);
        playout.pause();
        let fading = playout.next_frame(&mut played);
        assert!(
            fading[..FADE - 1].iter().all(|sample| *sample != 0)
                && fading[FADE..].iter().all(|sample| *sample == 0)
        );
        assert_eq!(playout.next_frame(&mut played), SILENCE);
        playout.resume();
        assert_eq!(playout.next_frame(&mut played)[0], 161);
        assert_eq!(played, [Played::Began(1)], "the clause began once");
    }

    #[test]
    fn a_cut_leaves_nothing() {
        let mut playout = playing(10_000);
        let mut played = Vec::new();
        playout.next_frame(&mut played);
        playout.cut();
        assert_ne!(playout.next_frame(&mut played), SILENCE, "it fades");
        assert_eq!(playout.next_frame(&mut played), SILENCE);
    }

    #[test]
    fn a_clause_without_sound_waits() {
        let mut playout = Playout::default();
        playout.add(7, "Um instante.", false, true);
        let mut played = Vec::new();
        assert_eq!(playout.next_frame(&mut played), SILENCE);
        assert!(!playout.is_empty() && played.is_empty());
        playout.supply(7, vec![9; 160].into());
        assert_eq!(playout.next_frame(&mut played), [9; FRAME]);
    }
}
