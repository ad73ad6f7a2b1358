//! Voices in order of preference: the first that can speak does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Settings, Voice, VoiceError};

/// Speaks with the first of its voices that succeeds; the call never falls silent because an engine is missing.
pub struct Chain {
    voices: Vec<Link>,
}

struct Link {
    voice: Arc<dyn Voice>,
    failures: AtomicU64,
}

impl Chain {
    pub fn new(voices: Vec<Arc<dyn Voice>>) -> Self {
        Self {
            voices: voices
                .into_iter()
                .map(|voice| Link {
                    voice,
                    failures: AtomicU64::new(0),
                })
                .collect(),
        }
    }

    /// The names of the voices, the preferred one first.
    pub fn names(&self) -> Vec<&'static str> {
        self.voices.iter().map(|link| link.voice.name()).collect()
    }

    /// How often each voice has failed since the start, in order of preference.
    pub fn failures(&self) -> Vec<(&'static str, u64)> {
        self.voices
            .iter()
            .map(|link| (link.voice.name(), link.failures.load(Ordering::Relaxed)))
            .collect()
    }

    /// Speaks, and tells which voice did.
    ///
    /// A voice's name in `settings.voice` belongs to the preferred engine; the others use their own choice.
    pub fn speak_by(
        &self,
        text: &str,
        settings: &Settings,
    ) -> Result<(Vec<i16>, &'static str), VoiceError> {
        let mut first = None;
        for (place, link) in self.voices.iter().enumerate() {
            let own = Settings {
                voice: if place == 0 {
                    settings.voice.clone()
                } else {
                    String::new()
                },
                ..settings.clone()
            };
            match link.try_speak(text, &own) {
                Ok(samples) => return Ok((samples, link.voice.name())),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| VoiceError::Unavailable {
            voice: "any".to_owned(),
            reason: "no voice is configured".to_owned(),
            remedy: "Build with the feature espeak, or name a voice in [mouth].".to_owned(),
        }))
    }
}

impl Link {
    fn try_speak(&self, text: &str, settings: &Settings) -> Result<Vec<i16>, VoiceError> {
        // A panic in one engine is its bug; the next one speaks. Nothing of ours is half changed behind the reference.
        let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.voice.speak(text, settings)
        }));
        let result = attempt.unwrap_or_else(|_| {
            Err(VoiceError::Failed {
                voice: self.voice.name().to_owned(),
                chars: text.chars().count(),
                reason: "it panicked".to_owned(),
            })
        });
        if let Err(error) = &result {
            self.failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(voice = self.voice.name(), %error, "a voice failed");
        }
        result
    }
}

impl Voice for Chain {
    fn name(&self) -> &'static str {
        self.voices.first().map_or("none", |link| link.voice.name())
    }

    fn speak(&self, text: &str, settings: &Settings) -> Result<Vec<i16>, VoiceError> {
        self.speak_by(text, settings).map(|(samples, _)| samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says one sample: how many characters it was given; 0 fails, more than nine panics.
    struct Counting(&'static str, bool);

    impl Voice for Counting {
        fn name(&self) -> &'static str {
            self.0
        }

        fn speak(&self, text: &str, settings: &Settings) -> Result<Vec<i16>, VoiceError> {
            assert!(!self.1 || text.len() < 10, "too long");
            if self.1 {
                return Err(VoiceError::Failed {
                    voice: self.0.to_owned(),
                    chars: text.len(),
                    reason: "test".to_owned(),
                });
            }
            Ok(vec![text.len() as i16, settings.voice.len() as i16])
        }
    }

    #[test]
    fn the_next_voice_speaks_when_one_fails_or_panics() {
        let chain = Chain::new(vec![
            Arc::new(Counting("first", true)),
            Arc::new(Counting("second", false)),
        ]);
        let settings = Settings {
            voice: "faber".to_owned(),
            ..Settings::default()
        };
        assert_eq!(
            chain.speak_by("bom dia", &settings).expect("second speaks"),
            (vec![7, 0], "second")
        );
        assert_eq!(
            chain
                .speak_by("bom dia, dona Maria", &settings)
                .expect("second speaks")
                .1,
            "second"
        );
        assert_eq!(chain.failures(), [("first", 2), ("second", 0)]);
    }

    #[test]
    fn when_all_fail_the_first_reason_is_told() {
        let chain = Chain::new(vec![
            Arc::new(Counting("first", true)),
            Arc::new(Counting("second", true)),
        ]);
        let error = chain
            .speak("oi", &Settings::default())
            .expect_err("none speaks");
        assert!(error.to_string().contains("first"), "{error}");
        assert!(matches!(
            Chain::new(Vec::new()).speak("oi", &Settings::default()),
            Err(VoiceError::Unavailable { .. })
        ));
    }
}
