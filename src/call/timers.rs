//! Deadlines, by name.

use crate::base::Moment;

/// Why a call wakes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The caller has not answered the question.
    NoInput,
    /// Speech over a prompt has lasted long enough to be meant.
    BargeIn,
    /// No further key has come.
    Keys,
    /// An effect takes too long.
    Effect,
    /// The call has lasted too long.
    Limit,
    /// What was said last has been heard.
    Drain,
    /// The wire owes a word about what it has played.
    Heard,
    /// The world takes so long that the caller should be told.
    Filler,
    /// Nobody has come to a telephone that screens its calls.
    Screened,
    /// A transcriber takes too long.
    Opinion,
}

const TIMERS: [Timer; 10] = [
    Timer::NoInput,
    Timer::BargeIn,
    Timer::Keys,
    Timer::Effect,
    Timer::Limit,
    Timer::Drain,
    Timer::Heard,
    Timer::Filler,
    Timer::Screened,
    Timer::Opinion,
];

/// One deadline for each name.
#[derive(Clone, Debug, Default)]
pub struct Timers([Option<Moment>; TIMERS.len()]);

impl Timers {
    pub fn set(&mut self, timer: Timer, at: Moment) {
        self.0[timer as usize] = Some(at);
    }

    pub fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub fn is_set(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    /// The earliest deadline that has come; it is cleared.
    pub fn expired(&mut self, now: Moment) -> Option<Timer> {
        let due = TIMERS
            .into_iter()
            .filter(|timer| self.0[*timer as usize].is_some_and(|at| at <= now));
        let first = due.min_by_key(|timer| self.0[*timer as usize])?;
        self.stop(first);
        Some(first)
    }

    pub fn earliest(&self) -> Option<Moment> {
        self.0.iter().flatten().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_once() {
        let mut timers = Timers::default();
        timers.set(Timer::Limit, Moment(30));
        timers.set(Timer::NoInput, Moment(10));
        timers.set(Timer::Keys, Moment(99));
        assert_eq!(timers.earliest(), Some(Moment(10)));
        assert_eq!(timers.expired(Moment(50)), Some(Timer::NoInput));
        assert_eq!(timers.expired(Moment(50)), Some(Timer::Limit));
        assert_eq!(timers.expired(Moment(50)), None);
        assert_eq!(timers.earliest(), Some(Moment(99)));
    }
}
