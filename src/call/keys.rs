//! Keys of the telephone: single answers, and numbers key by key.

use std::time::Duration;

use super::core::Call;
use super::timers::Timer;
use super::{Event, HeardTurn};
use crate::base::Moment;
use crate::mind::dialogue::Heard;

/// The next key of a number comes within this time.
const KEYS: Duration = Duration::from_secs(4);
/// Within this time the same key from two sources is one: a tone is heard when it has lasted a while.
const DOUBLED: Duration = Duration::from_millis(300);
/// Where a key was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The wire said so: RFC 4733, Twilio's or AudioSocket's event.
    Wire,
    /// Two tones in the sound.
    Tone,
}

impl Call {
    pub(super) fn hear_key(&mut self, key: char, source: Source, now: Moment) {
        // The same key may come as an event of the wire and as a tone in the sound.
        let doubled = self.last_key.is_some_and(|(last, from, at)| {
            last == key && from != source && now.since(at) < DOUBLED
        });
        if self.is_over() || doubled {
            return;
        }
        self.last_key = Some((key, source, now));
        self.caller_spoke = true;
        let Some(listen) = self.listen.clone() else {
            return;
        };
        if self.playout.is_mandatory() {
            if self.playout.clauses_left() == 1 {
                self.early_key = Some(key);
            }
            self.say_again(now);
            return;
        }
        self.withdraw();
        self.cut(now);
        self.timers.stop(Timer::NoInput);
        match key {
            '*' => {
                self.keys.clear();
                self.timers.set(
                    Timer::NoInput,
                    now + Duration::from_secs(u64::from(listen.noinput_s)),
                );
                return;
            }
            '#' => {}
            digit => self.keys.push(digit),
        }
        let wanted = listen.keys.unwrap_or(1);
        if self.keys.len() < wanted && key != '#' {
            self.timers.set(Timer::Keys, now + KEYS);
            self.timers.set(
                Timer::NoInput,
                now + KEYS + Duration::from_secs(u64::from(listen.noinput_s)),
            );
            return;
        }
        self.timers.stop(Timer::Keys);
        let keys = std::mem::take(&mut self.keys);
        if keys.is_empty() {
            return;
        }
        let (state, at) = (self.dialogue.state().to_owned(), now.millis());
        let heard = HeardTurn {
            state,
            text: keys.clone(),
            intent: None,
            confidence: 1.0,
            keyed: true,
            t0_ms: at,
            t1_ms: at,
            endpoint_ms: 0,
        };
        self.tell(Event::Heard(heard));
        self.yes = Some((at, at, 1.0));
        self.answered = Some((now, now));
        self.ear.abandon();
        self.speaking_since = None;
        self.answer(&Heard::Keys(keys), now);
    }
}
