//! The voices of a server: phrases in one manner of speaking, asked for from the media path and spoken off it.

use std::sync::Arc;

use super::phrases::{Keep, Phrases};
use crate::mouth::tts::{Chain, Settings, Voice, VoiceError};

/// Sound kept in memory, in bytes: 64 MiB, about an hour.
const CACHED: usize = 64 * 1024 * 1024;

/// Speaks clauses, each text once.
#[derive(Clone)]
pub struct Voices {
    phrases: Arc<Phrases>,
    settings: Settings,
}

impl Voices {
    /// Every voice that this program was built with, the embedded one last.
    ///
    /// # Errors
    /// No voice can be opened.
    pub fn open(settings: &Settings) -> Result<Self, VoiceError> {
        Ok(Self {
            phrases: Arc::new(Phrases::new(Chain::new(embedded()?), CACHED)),
            settings: settings.clone(),
        })
    }

    /// The sound of `text`, if it was spoken before.
    pub fn known(&self, text: &str) -> Option<Arc<[i16]>> {
        self.phrases.ready(text, &self.settings)
    }

    /// Speaks `text`. Takes milliseconds: not for the media path.
    pub fn speak(&self, text: &str) -> Option<Arc<[i16]>> {
        match self.phrases.sound(text, &self.settings, Keep::InMemory) {
            Ok(sound) => Some(sound),
            Err(error) => {
                crate::telemetry::VoiceFailed {
                    reason: error.to_string(),
                }
                .emit();
                None
            }
        }
    }

    /// Like [`Voices::speak`], on a thread that may wait.
    pub async fn speak_apart(&self, text: String) -> Option<Arc<[i16]>> {
        let voices = self.clone();
        tokio::task::spawn_blocking(move || voices.speak(&text))
            .await
            .ok()
            .flatten()
    }
}

#[cfg(feature = "espeak")]
fn embedded() -> Result<Vec<Arc<dyn Voice>>, VoiceError> {
    Ok(vec![Arc::new(crate::mouth::tts::espeak::Espeak::open(
        None,
    )?)])
}

#[cfg(not(feature = "espeak"))]
fn embedded() -> Result<Vec<Arc<dyn Voice>>, VoiceError> {
    Err(VoiceError::Unavailable {
        voice: "espeak".into(),
        reason: "this program was built without it".into(),
        remedy: "build with the feature espeak".into(),
    })
}
