//! When a turn begins and ends. The wait after the last sound depends on what was understood so far: nobody waits
//! after a "sim" that nothing can follow, and nobody is cut off in the middle of a number.

use std::time::Duration;

use crate::base::Moment;
use crate::media::FRAME_MS;

/// How long the line must be silent before a turn is over, and how much voice begins one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Voiced frames in a row that begin a turn. A click is shorter.
    pub onset_frames: u32,
    /// Silence after an answer that nothing can follow.
    pub complete: Duration,
    /// Silence after an answer that could go on.
    pub complete_so_far: Duration,
    /// Silence while the answer is not one yet, or anything may be said.
    pub unfinished: Duration,
    /// Silence while digits are missing: people look them up, and pause between groups.
    pub digits_missing: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            onset_frames: 3,
            complete: ms(120),
            complete_so_far: ms(350),
            unfinished: ms(800),
            digits_missing: ms(1_200),
        }
    }
}

/// What kind of answer is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// So many digits.
    pub digits: Option<usize>,
    /// Free speech: what the grammar calls an end is none.
    pub open: bool,
}

/// What was understood up to the present silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The grammar may end here.
    pub is_final: bool,
    /// And nothing can follow.
    pub complete: bool,
    pub digits: usize,
}

/// What a frame changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// A turn began, with the sound of this moment.
    Started(Moment),
    /// Nobody has spoken since this moment, in a turn.
    Silent(Moment),
    /// Someone speaks, in a turn.
    Speaking,
    /// Nothing is going on.
    Idle,
}

/// Follows the voice of one line.
#[derive(Clone, Debug)]
pub struct Endpointer {
    pace: Pace,
    /// Voiced frames in a row, while no turn is on.
    run: u32,
    turn: Option<Turn>,
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    started: Moment,
    /// End of the last voiced frame.
    voiced_until: Moment,
    voiced_frames: u32,
}

impl Endpointer {
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            run: 0,
            turn: None,
        }
    }

    /// Takes the verdict on the frame that ended at `now`.
    pub fn hear(&mut self, voiced: bool, now: Moment) -> Edge {
        match &mut self.turn {
            Some(turn) if voiced => {
                turn.voiced_until = now;
                turn.voiced_frames += 1;
                Edge::Speaking
            }
            Some(turn) => Edge::Silent(turn.voiced_until),
            None => self.await_turn(voiced, now),
        }
    }

    fn await_turn(&mut self, voiced: bool, now: Moment) -> Edge {
        self.run = if voiced { self.run + 1 } else { 0 };
        if self.run < self.pace.onset_frames {
            return Edge::Idle;
        }
        let started = now - Duration::from_millis(FRAME_MS) * self.run;
        self.turn = Some(Turn {
            started,
            voiced_until: now,
            voiced_frames: self.run,
        });
        Edge::Started(started)
    }

    /// Whether the turn is over, given what was understood.
    pub fn is_over(&self, standing: Standing, expect: Expect, now: Moment) -> bool {
        self.turn
            .is_some_and(|turn| now.since(turn.voiced_until) >= self.patience(standing, expect))
    }

    /// The silence that ends the turn.
    pub fn patience(&self, standing: Standing, expect: Expect) -> Duration {
        match expect.digits {
            _ if expect.open => self.pace.unfinished,
            Some(count) if standing.digits >= count && standing.is_final => self.pace.complete,
            Some(_) if standing.digits > 0 && !standing.complete => self.pace.digits_missing,
            _ if standing.complete => self.pace.complete,
            _ if standing.is_final => self.pace.complete_so_far,
            _ => self.pace.unfinished,
        }
    }

    /// Begin and end of the voice in this turn.
    pub fn span(&self) -> Option<(Moment, Moment)> {
        self.turn.map(|turn| (turn.started, turn.voiced_until))
    }

    /// How long someone really spoke in this turn.
    pub fn voiced(&self) -> Duration {
        Duration::from_millis(FRAME_MS) * self.turn.map_or(0, |turn| turn.voiced_frames)
    }

    /// Ends the turn; the next voice begins another.
    pub fn reset(&mut self) {
        (self.run, self.turn) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIM: Standing = Standing {
        is_final: true,
        complete: true,
        digits: 0,
    };
    const SO_FAR: Standing = Standing {
        is_final: true,
        complete: false,
        digits: 0,
    };
    const CLOSED: Expect = Expect {
        digits: None,
        open: false,
    };

    fn at(frame: u64) -> Moment {
        Moment::from_millis(frame * FRAME_MS)
    }

    /// Speaks for `voiced` frames; gives the silence, in milliseconds, after which the turn was over.
    fn silence_until_over(standing: Standing, expect: Expect) -> u64 {
        let mut endpointer = Endpointer::new(Pace::default());
        (1..=20).for_each(|i| assert_ne!(endpointer.hear(true, at(i)), Edge::Silent(at(i))));
        let over = |i: &u64| {
            endpointer.hear(false, at(20 + i));
            endpointer.is_over(standing, expect, at(20 + i))
        };
        (1..200).find(over).expect("a turn ends") * FRAME_MS
    }

    #[test]
    fn three_frames_begin_a_turn() {
        let mut endpointer = Endpointer::new(Pace::default());
        let edges: Vec<Edge> = [true, true, false, true, true, true]
            .iter()
            .zip(1..)
            .map(|(v, i)| endpointer.hear(*v, at(i)))
            .collect();
        assert_eq!(edges[..5], [Edge::Idle; 5]);
        assert_eq!(edges[5], Edge::Started(at(3)));
    }

    #[test]
    fn waits_as_long_as_the_answer_needs() {
        assert_eq!(silence_until_over(SIM, CLOSED), 120);
        assert_eq!(silence_until_over(SO_FAR, CLOSED), 360);
        assert_eq!(silence_until_over(Standing::default(), CLOSED), 800);
        assert_eq!(
            silence_until_over(
                SIM,
                Expect {
                    open: true,
                    ..CLOSED
                }
            ),
            800
        );
    }

    #[test]
    fn counts_digits() {
        let cpf = Expect {
            digits: Some(11),
            open: false,
        };
        assert_eq!(
            silence_until_over(
                Standing {
                    digits: 3,
                    ..SO_FAR
                },
                cpf
            ),
            1_200
        );
        assert_eq!(
            silence_until_over(
                Standing {
                    digits: 11,
                    ..SO_FAR
                },
                cpf
            ),
            120
        );
        // "não sei" where digits are expected.
        assert_eq!(silence_until_over(SIM, cpf), 120);
    }

    #[test]
    fn tells_when_the_voice_ended() {
        let mut endpointer = Endpointer::new(Pace::default());
        (1..=10).for_each(|i| assert_ne!(endpointer.hear(true, at(i)), Edge::Silent(at(i))));
        assert_eq!(endpointer.hear(false, at(11)), Edge::Silent(at(10)));
        assert_eq!(endpointer.span(), Some((at(0), at(10))));
        assert_eq!(endpointer.voiced(), Duration::from_millis(200));
    }
}
