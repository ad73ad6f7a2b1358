//! The voices of a server: phrases in one manner of speaking, asked for from the media path and spoken off it.

use std::sync::Arc;

#[cfg(feature = "espeak")]
use super::patient::Patient;
use super::phrases::{self, Keep, Phrases};
use crate::config::Config;
use crate::mouth::cache::CacheStats;
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
    /// Recorded prompts first, then the voice of Piper that is configured, then the embedded one.
    ///
    /// A voice of Piper that cannot be opened is told in the log and left out: calls go on with the embedded one.
    ///
    /// # Errors
    /// No voice can be opened; recordings that cannot be used.
    pub fn open(config: &Config) -> Result<Self, VoiceError> {
        let chain = Chain::new(chain(config)?);
        let recorded = phrases::recordings(&config.speech.recordings).map_err(|mistakes| {
            let reasons: Vec<String> = mistakes
                .iter()
                .map(|mistake| crate::telemetry::chain(mistake))
                .collect();
            VoiceError::Unavailable {
                voice: config.speech.recordings.display().to_string(),
                reason: reasons.join("; "),
                remedy: "Correct index.toml or its WAV files.".into(),
            }
        })?;
        let mut phrases = Phrases::new(chain, CACHED)
            .with_recordings(recorded)
            .with_identity(&identity(config));
        if config.speech.cache > 0 {
            phrases = phrases.with_directory(config.data.join("phrases"), config.speech.cache);
        }
        Ok(Self {
            phrases: Arc::new(phrases),
            settings: config.voice.clone(),
        })
    }

    /// The sound of `text`, if it was spoken before.
    pub fn known(&self, text: &str) -> Option<Arc<[i16]>> {
        self.phrases.ready(text, &self.settings)
    }

    /// Speaks `text`. Takes milliseconds: not for the media path.
    pub fn speak(&self, text: &str) -> Option<Arc<[i16]>> {
        self.sound(text, Keep::InMemory)
    }

    /// Speaks a phrase of the script's own, which names nobody and no amount: it outlives the process.
    pub fn prepare(&self, text: &str) -> Option<Arc<[i16]>> {
        self.sound(text, Keep::OnDisk)
    }

    /// Like [`Voices::speak`], on a thread that may wait.
    pub async fn speak_apart(&self, text: String) -> Option<Arc<[i16]>> {
        let voices = self.clone();
        tokio::task::spawn_blocking(move || voices.speak(&text))
            .await
            .ok()
            .flatten()
    }

    /// What is kept in memory, and how often it served.
    pub fn stats(&self) -> CacheStats {
        self.phrases.stats()
    }

    fn sound(&self, text: &str, keep: Keep) -> Option<Arc<[i16]>> {
        match self.phrases.sound(text, &self.settings, keep) {
            Ok(sound) => Some(sound),
            Err(error) => {
                failed(&error);
                None
            }
        }
    }
}

/// What a phrase on disk must have been spoken by to be used again.
fn identity(config: &Config) -> String {
    let model = config.speech.piper.as_deref();
    // Another file under the same name is another voice.
    let size = model
        .and_then(|path| std::fs::metadata(path).ok())
        .map_or(0, |meta| meta.len());
    let model = model.map_or(String::new(), |path| path.display().to_string());
    format!("{} {model} {size}", env!("CARGO_PKG_VERSION"))
}

fn failed(error: &VoiceError) {
    crate::telemetry::VoiceFailed {
        reason: error.to_string(),
    }
    .emit();
}

#[cfg(feature = "espeak")]
fn chain(config: &Config) -> Result<Vec<Arc<dyn Voice>>, VoiceError> {
    let espeak = crate::mouth::tts::espeak::Espeak::open(None)?;
    let mut voices: Vec<Arc<dyn Voice>> = Vec::new();
    if let Some(model) = &config.speech.piper {
        match piper(model, config, espeak.clone()) {
            Ok(voice) => voices.push(Arc::new(Patient::new(voice, config.speech.patience))),
            Err(error) => failed(&error),
        }
    }
    voices.push(Arc::new(espeak));
    Ok(voices)
}

#[cfg(all(feature = "espeak", feature = "piper"))]
fn piper(
    model: &std::path::Path,
    config: &Config,
    espeak: crate::mouth::tts::espeak::Espeak,
) -> Result<Arc<dyn Voice>, VoiceError> {
    use crate::mouth::tts::piper::Piper;
    let library = config.speech.onnxruntime.as_deref();
    Piper::open(model, library, espeak).map(|piper| Arc::new(piper) as Arc<dyn Voice>)
}

#[cfg(all(feature = "espeak", not(feature = "piper")))]
fn piper(
    _: &std::path::Path,
    _: &Config,
    _: crate::mouth::tts::espeak::Espeak,
) -> Result<Arc<dyn Voice>, VoiceError> {
    Err(VoiceError::Unavailable {
        voice: "piper".into(),
        reason: "this program was built without it".into(),
        remedy: "build with the feature piper".into(),
    })
}

#[cfg(not(feature = "espeak"))]
fn chain(_: &Config) -> Result<Vec<Arc<dyn Voice>>, VoiceError> {
    Err(VoiceError::Unavailable {
        voice: "espeak".into(),
        reason: "this program was built without it".into(),
        remedy: "build with the feature espeak".into(),
    })
}
