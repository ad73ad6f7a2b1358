//! The second opinion of a server: a transcriber, off the media path, for what calls could not make out.

use std::sync::Arc;

use crate::call::{Graphs, Question, Writing};
use crate::config::Hearing;
use crate::ear::asr::transcribe::{Ticket, TranscribeError, Transcriber, Transcribers, Transcript};

/// Workers that write down turns, and what they are read by.
pub struct SecondOpinion(Transcribers);

impl SecondOpinion {
    /// The engine that is configured. One that cannot be opened is told in the log and left out: calls go on without.
    pub fn open(config: &Hearing) -> Option<Self> {
        let path = config.whisper.as_deref()?;
        let opened = transcriber(path).and_then(|engine| {
            Transcribers::start(&engine, config.workers, config.waiting).map_err(|error| {
                TranscribeError::Failed {
                    engine: engine.name(),
                    reason: error.to_string(),
                }
            })
        });
        opened.inspect_err(failed).ok().map(Self)
    }

    /// Has a turn written down and read; `answer` is called in a worker's thread, with `None` when there is nothing to
    /// read.
    ///
    /// # Errors
    /// As many turns as may wait are waiting.
    pub fn ask(
        &self,
        question: Question,
        graphs: Arc<Graphs>,
        answer: impl FnOnce(Option<Writing>) + Send + 'static,
    ) -> Result<Ticket, TranscribeError> {
        let Question {
            sound,
            rules,
            phrases,
        } = question;
        let read = move |written: Result<Transcript, TranscribeError>| match written {
            Ok(transcript) if transcript.text.is_empty() => answer(None),
            Ok(transcript) => {
                let readings = graphs.read(&rules, &phrases, &transcript.text);
                let readings = readings.unwrap_or_default();
                let best = readings.first().filter(|best| best.is_accepted());
                answer(Some(Writing {
                    tags: best.map(|best| best.tags.clone()),
                    confidence: transcript.confidence * best.map_or(0.0, |best| best.confidence),
                    text: transcript.text,
                }));
            }
            Err(TranscribeError::Stopped) => answer(None),
            Err(error) => {
                failed(&error);
                answer(None);
            }
        };
        // No hint: over noise a model writes down the words that it was told to expect.
        let asked = self.0.submit(sound, "", read);
        asked.inspect_err(failed)
    }
}

fn failed(error: &TranscribeError) {
    crate::telemetry::TranscriberFailed {
        reason: error.to_string(),
    }
    .emit();
}

/// Opens a model of whisper.cpp.
///
/// # Errors
/// A file that is no model, or a program that was built without the engine.
#[cfg(feature = "whisper")]
pub fn transcriber(path: &std::path::Path) -> Result<Arc<dyn Transcriber>, TranscribeError> {
    use crate::ear::asr::whisper::Whisper;
    // A core for each turn: more threads for one would take turns with each other.
    Ok(Arc::new(Whisper::open(path, 1)?))
}

/// Tells that the engine is missing.
///
/// # Errors
/// Always.
#[cfg(not(feature = "whisper"))]
pub fn transcriber(_: &std::path::Path) -> Result<Arc<dyn Transcriber>, TranscribeError> {
    Err(TranscribeError::Unavailable {
        engine: "whisper",
        reason: "this program was built without it".to_owned(),
        remedy: "Build with the feature whisper.".to_owned(),
    })
}
