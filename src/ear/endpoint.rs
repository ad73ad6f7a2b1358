//! When a turn begins and ends. The wait after the last sound depends on what was understood so far: nobody waits
//! after a "sim" that nothing can follow, and nobody is cut off in the middle of a number.

use std::time::Duration;

use super::cadence::Cadence;
use crate::base::Moment;
use crate::media::FRAME_MS;

/// How long the line must be silent before a turn is over, and how much voice begins one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Voiced frames in a row that begin a turn. A click is shorter.
    pub onset_frames: u32,
    /// Silence after an answer that nothing can follow.
    pub complete: Duration,
    /// Silence after an answer that could go on, when the voice fell at its end. Between "pode" and "ser" on a telephone
    /// it is silent for 100 ms.
    pub falling: Duration,
    /// The same, when the voice tells nothing.
    pub level: Duration,
    /// Silence after a value that more words would make another one: "vinte", "vinte e cinco".
    pub value: Duration,
    /// The same, when the voice rose or was held, or the grammar expects more: people who say "sim…" so are looking
    /// for more words.
    pub held: Duration,
    /// Silence while the answer is not one yet, or anything may be said.
    pub unfinished: Duration,
    /// Silence while digits are missing: people look them up, and pause between groups.
    pub digits_missing: Duration,
    /// However slowly a caller speaks, no silence inside a turn is waited out for longer.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            onset_frames: 3,
            complete: ms(80),
            falling: ms(120),
            level: ms(140),
            value: ms(200),
            held: ms(560),
            unfinished: ms(800),
            digits_missing: ms(1_700),
            longest: ms(2_000),
        }
    }
}

/// Voice shorter than this is a digit or two, or a "não"; a refusal has more words.
const WORDS: Duration = Duration::from_millis(900);
/// A turn that lasts longer has no end of its own, and the silence that then ends it.
const ENDLESS: Duration = Duration::from_secs(14);
const BREATH: Duration = Duration::from_millis(260);

const FRAME_TIME: Duration = Duration::from_millis(FRAME_MS);
/// A silence inside a turn that is shorter than this is how words are spoken, not how a caller pauses.
const PAUSE: Duration = Duration::from_millis(180);

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
    /// And yet the grammar's weights make more words likelier than the end.
    pub expects_more: bool,
    pub digits: usize,
    /// It names a value, such as a date or an amount: more words would make it another one.
    pub has_value: bool,
    /// It was heard clearly.
    pub clear: bool,
    /// How long the caller spoke.
    pub voiced: Duration,
    /// How the voice ended.
    pub cadence: Cadence,
}

/// What a frame changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Somebody may be about to speak: two voiced frames. [`Edge::Started`] or [`Edge::Idle`] follows.
    Stirring(Moment),
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
    /// The longest pause that this caller made inside a turn, fading from turn to turn.
    pause: Duration,
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
            pause: Duration::ZERO,
        }
    }

    /// Takes the verdict on the frame that ended at `now`.
    pub fn hear(&mut self, voiced: bool, now: Moment) -> Edge {
        match &mut self.turn {
            Some(turn) if voiced => {
                let pause = now.since(turn.voiced_until).saturating_sub(FRAME_TIME);
                if pause >= PAUSE {
                    self.pause = self.pause.max(pause);
                }
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
        let started = now - Duration::from_millis(FRAME_MS) * self.run;
        if self.run < self.pace.onset_frames {
            return match self.run {
                2.. => Edge::Stirring(started),
                _ => Edge::Idle,
            };
        }
        self.turn = Some(Turn {
            started,
            voiced_until: now,
            voiced_frames: self.run,
        });
        Edge::Started(started)
    }

    /// Whether the turn is over, given what was understood.
    pub fn is_over(&self, standing: Standing, expect: Expect, now: Moment) -> bool {
        self.turn.is_some_and(|turn| {
            let patience = self.patience(standing, expect);
            // Whoever does not stop talking is answered at the first breath.
            let patience = match now.since(turn.started) > ENDLESS {
                true => patience.min(BREATH),
                false => patience,
            };
            now.since(turn.voiced_until) >= patience
        })
    }

    /// The silence that ends the turn.
    pub fn patience(&self, standing: Standing, expect: Expect) -> Duration {
        match expect.digits {
            _ if expect.open => self.at_this_pace(self.pace.unfinished),
            // A word or two where digits are expected is most likely the first of them.
            Some(count) if standing.digits < count && standing.voiced < WORDS => {
                self.at_this_pace(self.pace.digits_missing)
            }
            Some(count) if standing.digits > 0 && standing.digits < count => {
                self.at_this_pace(self.pace.digits_missing)
            }
            Some(_) if standing.digits > 0 && !standing.is_final => {
                self.at_this_pace(self.pace.digits_missing)
            }
            _ if !standing.is_final => self.at_this_pace(self.pace.unfinished),
            // Something else than digits, or digits misheard.
            Some(_) if standing.digits == 0 && !standing.has_value => {
                self.after_an_answer(standing).max(self.pace.held)
            }
            // Digits that were hardly understood may be fewer than they seem.
            Some(_) if !standing.clear => self.at_this_pace(self.pace.digits_missing),
            // So many digits are the value; the pauses between them are over.
            Some(count) if standing.digits >= count => self.after_an_answer(Standing {
                has_value: false,
                ..standing
            }),
            _ => self.after_an_answer(standing),
        }
    }

    /// Who has said enough to be answered may yet go on: the grammar knows whether he can, his voice whether he will.
    fn after_an_answer(&self, standing: Standing) -> Duration {
        if standing.expects_more {
            return self.at_this_pace(self.pace.held);
        }
        match (standing.complete, standing.cadence) {
            (true, Cadence::Falls | Cadence::Level) => self.pace.complete,
            // He means to go on, though not with anything that we listen for.
            (true, Cadence::Rises) => self.pace.held,
            (false, Cadence::Rises) => self.at_this_pace(self.pace.held),
            (false, _) if standing.has_value => self.pace.value,
            (false, Cadence::Falls) => self.pace.falling,
            (false, Cadence::Level) => self.pace.level,
        }
    }

    /// A caller who was seen to pause for longer is waited for a little longer than that.
    fn at_this_pace(&self, patience: Duration) -> Duration {
        let learned = (self.pause * 5 / 4).min(self.pace.longest);
        patience.max(learned)
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
        self.pause = self.pause * 9 / 10;
    }

    /// Forgets the caller.
    pub fn forget(&mut self) {
        self.reset();
        self.pause = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIM: Standing = Standing {
        is_final: true,
        complete: true,
        expects_more: false,
        digits: 0,
        has_value: false,
        clear: true,
        voiced: Duration::from_secs(1),
        cadence: Cadence::Level,
    };
    const SO_FAR: Standing = Standing {
        complete: false,
        ..SIM
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
        let stirring = |frame| Edge::Stirring(at(frame));
        assert_eq!(
            edges[..5],
            [Edge::Idle, stirring(0), Edge::Idle, Edge::Idle, stirring(3)]
        );
        assert_eq!(edges[5], Edge::Started(at(3)));
    }

    #[test]
    fn waits_as_long_as_the_answer_needs() {
        let open = Expect {
            open: true,
            ..CLOSED
        };
        let ending = |cadence| Standing { cadence, ..SO_FAR };
        assert_eq!(silence_until_over(SIM, CLOSED), 80);
        assert_eq!(silence_until_over(SO_FAR, CLOSED), 140);
        let value = Standing {
            has_value: true,
            ..SO_FAR
        };
        assert_eq!(silence_until_over(value, CLOSED), 200);
        assert_eq!(silence_until_over(ending(Cadence::Falls), CLOSED), 120);
        assert_eq!(silence_until_over(ending(Cadence::Rises), CLOSED), 560);
        let expecting = Standing {
            expects_more: true,
            ..ending(Cadence::Falls)
        };
        assert_eq!(silence_until_over(expecting, CLOSED), 560);
        assert_eq!(silence_until_over(Standing::default(), CLOSED), 800);
        assert_eq!(silence_until_over(SIM, open), 800);
    }

    #[test]
    fn counts_digits() {
        let cpf = Expect {
            digits: Some(11),
            open: false,
        };
        let said = |digits| Standing { digits, ..SO_FAR };
        assert_eq!(silence_until_over(said(3), cpf), 1_700);
        assert_eq!(silence_until_over(said(11), cpf), 140);
        let complete = Standing { digits: 11, ..SIM };
        assert_eq!(silence_until_over(complete, cpf), 80);
        // "não sei" where digits are expected.
        assert_eq!(silence_until_over(SIM, cpf), 560);
    }

    #[test]
    fn learns_how_long_a_caller_pauses() {
        let mut endpointer = Endpointer::new(Pace::default());
        let voiced = |i: u64| i <= 10 || i > 60;
        for i in 1..=70 {
            endpointer.hear(voiced(i), at(i));
        }
        // He paused for a second, and is given a quarter more.
        let patience = endpointer.patience(Standing::default(), CLOSED);
        assert_eq!(patience, Duration::from_millis(1_250));
        assert_eq!(endpointer.patience(SIM, CLOSED), Duration::from_millis(80));
        endpointer.forget();
        let patience = endpointer.patience(Standing::default(), CLOSED);
        assert_eq!(patience, Duration::from_millis(800));
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
