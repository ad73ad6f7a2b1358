//! A voice that may be slow, given only so much time: a caller does not wait for an engine.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use crate::mouth::tts::{Settings, Voice, VoiceError};

/// Texts that may wait for the engine; one more is refused at once, and the next voice says it.
const WAITING: usize = 4;

/// A text, how to say it, and who waits for it.
type Task = (String, Settings, SyncSender<Result<Vec<i16>, VoiceError>>);

/// Asks `voice` on a thread of its own, and gives up after `patience`.
pub struct Patient {
    name: &'static str,
    tasks: SyncSender<Task>,
    patience: Duration,
}

impl Patient {
    pub fn new(voice: Arc<dyn Voice>, patience: Duration) -> Self {
        let (tasks, waiting) = sync_channel::<Task>(WAITING);
        let name = voice.name();
        // Ends when the last sender is gone.
        std::thread::spawn(move || {
            for (text, settings, answer) in waiting {
                let attempt = std::panic::AssertUnwindSafe(|| voice.speak(&text, &settings));
                let spoken = std::panic::catch_unwind(attempt)
                    .unwrap_or_else(|_| Err(failed(voice.name(), &text, "it panicked")));
                // Whoever asked may have given up.
                let _ = answer.send(spoken);
            }
        });
        Self {
            name,
            tasks,
            patience,
        }
    }
}

impl Voice for Patient {
    fn name(&self) -> &'static str {
        self.name
    }

    fn speak(&self, text: &str, settings: &Settings) -> Result<Vec<i16>, VoiceError> {
        let (answer, spoken) = sync_channel(1);
        match self
            .tasks
            .try_send((text.to_owned(), settings.clone(), answer))
        {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(failed(self.name, text, "too many texts wait for it"));
            }
            Err(TrySendError::Disconnected(_)) => {
                return Err(failed(self.name, text, "its thread has ended"));
            }
        }
        match spoken.recv_timeout(self.patience) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(failed(
                self.name,
                text,
                &format!("it took more than {} ms", self.patience.as_millis()),
            )),
            Err(RecvTimeoutError::Disconnected) => {
                Err(failed(self.name, text, "its thread has ended"))
            }
        }
    }
}

fn failed(voice: &str, text: &str, reason: &str) -> VoiceError {
    VoiceError::Failed {
        voice: voice.to_owned(),
        chars: text.chars().count(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use parking_lot::Mutex;

    use super::*;

    /// Says one sample once it is let go; panics at an empty text.
    struct Held(Mutex<Receiver<()>>);

    impl Voice for Held {
        fn name(&self) -> &'static str {
            "held"
        }

        fn speak(&self, text: &str, _: &Settings) -> Result<Vec<i16>, VoiceError> {
            assert!(!text.is_empty());
            let _ = self.0.lock().recv();
            Ok(vec![1])
        }
    }

    fn held(patience: Duration) -> (SyncSender<()>, Patient) {
        let (go, wait) = sync_channel(1);
        (go, Patient::new(Arc::new(Held(Mutex::new(wait))), patience))
    }

    #[test]
    fn a_voice_in_time_is_heard() {
        let (go, voice) = held(Duration::from_secs(60));
        go.send(()).expect("the voice waits");
        assert_eq!(
            voice.speak("bom dia", &Settings::default()).expect("said"),
            [1]
        );
    }

    #[test]
    fn a_slow_or_busy_voice_is_given_up() {
        let (_go, voice) = held(Duration::from_millis(1));
        let reasons: Vec<String> = (0..=WAITING + 2)
            .map(|_| {
                voice
                    .speak("bom dia", &Settings::default())
                    .expect_err("held")
                    .to_string()
            })
            .collect();
        assert!(reasons[0].contains("more than 1 ms"), "{reasons:?}");
        assert!(
            reasons[WAITING + 2].contains("too many texts"),
            "{reasons:?}"
        );
    }

    #[test]
    fn a_voice_that_panics_goes_on_with_the_next_text() {
        let (go, voice) = held(Duration::from_secs(60));
        assert!(voice.speak("", &Settings::default()).is_err());
        go.send(()).expect("the voice waits");
        assert!(voice.speak("bom dia", &Settings::default()).is_ok());
    }
}
