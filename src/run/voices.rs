//! The voice service: a cache in memory, and the voice itself off the media path.

use std::sync::Arc;

use crate::mouth::cache::PhraseCache;
use crate::mouth::tts::{Settings, Voice};

/// Sound kept in memory, in samples: 64 MiB, about an hour.
const CACHED: usize = 32 * 1024 * 1024;

/// Speaks clauses, each text once.
#[derive(Clone)]
pub struct Voices {
    voice: Arc<dyn Voice>,
    settings: Settings,
    cache: Arc<PhraseCache>,
}

impl Voices {
    pub fn new(voice: Arc<dyn Voice>, settings: Settings) -> Self {
        Self { voice, settings, cache: Arc::new(PhraseCache::new(CACHED)) }
    }

    /// The sound of `text`, if it was spoken before.
    pub fn known(&self, text: &str) -> Option<Arc<[i16]>> {
        self.cache.get(text, self.voice.name(), &self.settings)
    }

    /// Speaks `text`. Takes milliseconds: not for the media path.
    pub fn speak(&self, text: &str) -> Option<Arc<[i16]>> {
        if let Some(known) = self.known(text) {
            return Some(known);
        }
        match self.voice.speak(text, &self.settings) {
            Ok(samples) => {
                let sound: Arc<[i16]> = samples.into();
                self.cache.put(text, self.voice.name(), &self.settings, sound.clone());
                Some(sound)
            }
            Err(error) => {
                crate::telemetry::VoiceFailed { voice: self.voice.name(), reason: error.to_string() }.emit();
                None
            }
        }
    }

    /// Like [`Voices::speak`], on a thread that may wait.
    pub async fn speak_apart(&self, text: String) -> Option<Arc<[i16]>> {
        let voices = self.clone();
        tokio::task::spawn_blocking(move || voices.speak(&text)).await.ok().flatten()
    }
}
