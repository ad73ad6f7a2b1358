//! What was heard of what was said: which clause occupies which samples of the leg, and when the wire confirmed them.
//!
//! A clause is *handed over* when its last sample goes to the line and *heard* when the wire says that it was played
//! (Twilio's mark), or, on wires that say nothing, when the sound that is in flight must have been. What is flushed
//! before that was not heard.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::media::{FRAME, FRAME_MS};

/// Longest wait for a confirmation after it was due: the peer may have forgotten it.
const CAP: Duration = Duration::from_millis(1_500);

/// How far a clause got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Heard to its end, by the wire's own word or by its delay.
    Heard,
    /// To its end, but the wire never confirmed it.
    Unconfirmed,
    /// Stopped in the middle, or dropped on its way.
    Cut,
}

/// A clause on the leg. Samples count from the first that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub clause: u32,
    pub mandatory: bool,
    pub from_sample: u64,
    pub to_sample: u64,
    /// When the last of them was handed to the line, and when it was heard.
    pub handed_ms: u64,
    pub heard_ms: Option<u64>,
    pub fate: Fate,
}

/// A clause that is being said, or was and is not confirmed.
#[derive(Clone, Debug)]
struct Open {
    clause: u32,
    mandatory: bool,
    last: bool,
    began: Moment,
    from: u64,
    /// End, moment of the last sample, and when the wait for its confirmation ends.
    handed: Option<(u64, Moment, Moment)>,
}

/// What the call learns when a clause was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    pub clause: u32,
    pub mandatory: bool,
    /// The last clause of its utterance.
    pub last: bool,
    pub began: Moment,
    pub ended: Moment,
}

/// The account of one leg.
#[derive(Clone, Debug, Default)]
pub struct PlayLedger {
    /// The wire confirms what it has played.
    pub marks: bool,
    in_flight: Duration,
    frames: u64,
    open: VecDeque<Open>,
    /// Spans that were not told yet.
    closed: VecDeque<Span>,
}

impl PlayLedger {
    pub fn new(in_flight: Duration, marks: bool) -> Self {
        Self {
            marks,
            in_flight,
            ..Self::default()
        }
    }

    /// A frame goes out.
    pub fn send(&mut self) {
        self.frames += 1;
    }

    /// A clause begins with the frame that goes out now.
    pub fn begin(&mut self, clause: u32, mandatory: bool, now: Moment) {
        self.open.push_back(Open {
            clause,
            mandatory,
            last: false,
            began: now,
            from: self.frames * FRAME as u64,
            handed: None,
        });
    }

    /// The clause's last sample lies in the frame that goes out now.
    pub fn hand_over(&mut self, clause: u32, last: bool, now: Moment) {
        let end = (self.frames + 1) * FRAME as u64;
        let played = now + Duration::from_millis(FRAME_MS) + self.in_flight;
        let due = if self.marks { played + CAP } else { played };
        if let Some(open) = self.find(clause) {
            open.handed = Some((end, now, due));
            open.last = last;
        }
    }

    /// The wire has played a clause to its end, and with it all before it.
    pub fn confirm(&mut self, clause: u32, now: Moment) -> Vec<Confirmed> {
        let Some(at) = self
            .open
            .iter()
            .position(|open| open.clause == clause && open.handed.is_some())
        else {
            return Vec::new();
        };
        let heard: Vec<Open> = self.open.drain(..=at).collect();
        heard
            .into_iter()
            .filter_map(|open| self.close(open, Some(now), Fate::Heard))
            .collect()
    }

    /// Clauses whose time has come without a word from the wire.
    pub fn overdue(&mut self, now: Moment) -> Vec<Confirmed> {
        let mut found = Vec::new();
        let fate = if self.marks {
            Fate::Unconfirmed
        } else {
            Fate::Heard
        };
        while let Some(open) = self
            .open
            .pop_front_if(|open| open.handed.is_some_and(|(.., due)| due <= now))
        {
            found.extend(self.close(open, (!self.marks).then_some(now), fate));
        }
        found
    }

    /// When [`PlayLedger::overdue`] has something to tell at the latest.
    pub fn next_due(&self) -> Option<Moment> {
        self.open.front()?.handed.map(|(.., due)| due)
    }

    /// Everything is confirmed.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// What is being said stops here for good. What the wire still holds is dropped too, where it can be.
    pub fn cut(&mut self, now: Moment) {
        let end = self.frames * FRAME as u64;
        for open in std::mem::take(&mut self.open) {
            match open.handed {
                // It is in flight, and nothing can stop it.
                Some(_) if !self.marks => self.open.push_back(open),
                _ => {
                    let span = span(
                        &open,
                        open.handed.map_or(end, |(end, ..)| end),
                        now,
                        None,
                        Fate::Cut,
                    );
                    self.closed.push_back(span);
                }
            }
        }
    }

    /// The clause that is being said stops here, and is begun anew. What lies before it stays in flight.
    pub fn stop(&mut self, now: Moment) {
        let end = self.frames * FRAME as u64;
        if let Some(open) = self.open.pop_back_if(|open| open.handed.is_none()) {
            self.closed
                .push_back(span(&open, end, now, None, Fate::Cut));
        }
    }

    /// The next span whose fate is known.
    pub fn take(&mut self) -> Option<Span> {
        self.closed.pop_front()
    }

    fn find(&mut self, clause: u32) -> Option<&mut Open> {
        self.open
            .iter_mut()
            .find(|open| open.clause == clause && open.handed.is_none())
    }

    fn close(&mut self, open: Open, heard: Option<Moment>, fate: Fate) -> Option<Confirmed> {
        let (end, handed, _) = open.handed?;
        self.closed.push_back(span(&open, end, handed, heard, fate));
        Some(Confirmed {
            clause: open.clause,
            mandatory: open.mandatory,
            last: open.last,
            began: open.began,
            ended: handed,
        })
    }
}

fn span(open: &Open, to_sample: u64, handed: Moment, heard: Option<Moment>, fate: Fate) -> Span {
    Span {
        clause: open.clause,
        mandatory: open.mandatory,
        from_sample: open.from,
        to_sample,
        handed_ms: handed.millis(),
        heard_ms: heard.map(Moment::millis),
        fate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    /// Says two clauses of two and three frames; the last frame goes out at 80 ms.
    fn said(marks: bool) -> PlayLedger {
        let mut ledger = PlayLedger::new(Duration::from_millis(60), marks);
        for frame in 0..5_u64 {
            let now = ms(frame * FRAME_MS);
            match frame {
                0 => ledger.begin(1, true, now),
                2 => ledger.begin(2, true, now),
                _ => {}
            }
            match frame {
                1 => ledger.hand_over(1, false, now),
                4 => ledger.hand_over(2, true, now),
                _ => {}
            }
            ledger.send();
        }
        ledger
    }

    #[test]
    fn a_clause_counts_when_the_wire_has_played_it() {
        let mut ledger = said(true);
        assert!(ledger.overdue(ms(500)).is_empty());
        let heard = ledger.confirm(2, ms(170));
        assert_eq!(heard.len(), 2, "a mark confirms what lies before it");
        assert!(!heard[0].last && heard[1].last);
        assert!(ledger.is_settled());
        let spans: Vec<Span> = std::iter::from_fn(|| ledger.take()).collect();
        assert_eq!((spans[0].from_sample, spans[0].to_sample), (0, 320));
        assert_eq!((spans[1].from_sample, spans[1].to_sample), (320, 800));
        assert_eq!((spans[1].handed_ms, spans[1].heard_ms), (80, Some(170)));
    }

    #[test]
    fn a_wire_without_marks_is_believed_after_its_delay() {
        let mut ledger = said(false);
        assert_eq!(ledger.next_due(), Some(ms(100)));
        assert_eq!(ledger.overdue(ms(100)).len(), 1);
        assert!(ledger.overdue(ms(150)).is_empty());
        assert_eq!(ledger.overdue(ms(160)).len(), 1);
    }

    #[test]
    fn a_mark_that_never_comes_is_not_waited_for_for_ever() {
        let mut ledger = said(true);
        assert_eq!(ledger.overdue(ms(3_000)).len(), 2);
        assert!(std::iter::from_fn(|| ledger.take()).all(|span| span.fate == Fate::Unconfirmed));
    }

    #[test]
    fn what_is_dropped_was_not_heard() {
        let mut ledger = said(true);
        ledger.cut(ms(90));
        assert!(ledger.confirm(2, ms(100)).is_empty());
        assert!(std::iter::from_fn(|| ledger.take()).all(|span| span.fate == Fate::Cut));
        // A wire that cannot drop anything plays it all the same.
        let mut ledger = said(false);
        ledger.cut(ms(90));
        assert_eq!(ledger.overdue(ms(160)).len(), 2);
    }
}
