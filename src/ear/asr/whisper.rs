//! whisper.cpp as a transcriber: free Portuguese of whole utterances, with a model that the user adds.

use std::ffi::{c_int, c_void};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
};

use super::transcribe::{TranscribeError, Transcriber, Transcript, without_ghosts};
use crate::media::{RATE, resample};

/// What the model listens to, in samples a second.
const MODEL_RATE: u32 = 16_000;
/// Encoder positions a second of sound.
const POSITIONS: usize = 50;
/// Positions beyond the sound: 0.64 s. Without room behind the last word, the model repeats itself.
const MARGIN: usize = 32;
/// The model was trained on 30 s; less context than this (2.56 s) makes it guess.
const LEAST_CONTEXT: usize = 128;
/// Longer speech is cut: the window of the model.
const LONGEST: usize = 30 * RATE as usize;
/// Less than this is no word, and the library answers with nothing.
const SHORTEST: usize = RATE as usize / 10;
/// Nobody speaks faster than this many tokens a second.
const TOKENS_A_SECOND: usize = 9;
/// Tokens of the hint that are given to the model.
const LONGEST_HINT: usize = 64;

const REMEDY: &str = "Add one with `combinado models add whisper-base FILE`.";

/// A model in memory, shared by all workers; each utterance gets a state of its own.
pub struct Whisper {
    context: WhisperContext,
    /// Cloned for every utterance: setting the language leaks a few bytes each time.
    params: FullParams<'static, 'static>,
}

impl Whisper {
    /// Loads a ggml file; `threads` are those of one utterance.
    pub fn open(model: &Path, threads: usize) -> Result<Self, TranscribeError> {
        let size = std::fs::metadata(model)
            .map_err(|error| unavailable(&format!("{}: {error}", model.display())))?
            .len();
        if size < 1_000_000 {
            return Err(unavailable(&format!(
                "{} is too small to be a model",
                model.display()
            )));
        }
        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false).flash_attn(false);
        let context = WhisperContext::new_with_params(model, parameters).map_err(|error| {
            unavailable(&format!(
                "{} is no ggml model of whisper.cpp ({error})",
                model.display()
            ))
        })?;
        let mut params = params(threads, context.is_multilingual());
        // Without a token for the blank, keeping it back throws through the C interface and ends the process.
        params.set_suppress_blank(
            (0..context.n_vocab())
                .any(|token| context.token_to_str(token).is_ok_and(|text| text == " ")),
        );
        Ok(Self { context, params })
    }

    fn run(
        &self,
        samples: &[f32],
        seconds: usize,
        hint: &str,
        stop: &AtomicBool,
    ) -> Result<WhisperState, TranscribeError> {
        let hint = self.tokens(hint)?;
        let mut params = self.params.clone();
        params.set_audio_ctx(context_size(
            samples.len(),
            self.context.model_n_audio_ctx(),
        ));
        params.set_max_tokens(
            c_int::try_from(8 + seconds * TOKENS_A_SECOND)
                .unwrap_or(224)
                .min(224),
        );
        if !hint.is_empty() {
            params.set_tokens(&hint);
        }
        // SAFETY: `stop` outlives `full`, which is the only place where the library calls back, and is only read.
        // The safe setter of the crate casts a doubly boxed closure to a singly boxed one.
        unsafe {
            params.set_abort_callback(Some(is_stopped));
            params
                .set_abort_callback_user_data(std::ptr::from_ref(stop).cast_mut().cast::<c_void>());
        }
        let mut state = self
            .context
            .create_state()
            .map_err(|error| failed(&error))?;
        let done = state.full(params, samples);
        if stop.load(Ordering::Relaxed) {
            return Err(TranscribeError::Stopped);
        }
        done.map_err(|error| failed(&error))?;
        Ok(state)
    }

    fn tokens(&self, hint: &str) -> Result<Vec<c_int>, TranscribeError> {
        let hint = hint.replace('\0', " ");
        if hint.trim().is_empty() {
            return Ok(Vec::new());
        }
        // Never more tokens than bytes: the crate takes a negative count for a length when the room is too small.
        let mut tokens = self
            .context
            .tokenize(&hint, hint.len() + 1)
            .map_err(|error| failed(&error))?;
        tokens.drain(..tokens.len().saturating_sub(LONGEST_HINT));
        Ok(tokens)
    }
}

impl Transcriber for Whisper {
    fn name(&self) -> &'static str {
        "whisper"
    }

    fn transcribe_until(
        &self,
        samples_8k: &[i16],
        hint: &str,
        stop: &AtomicBool,
    ) -> Result<Transcript, TranscribeError> {
        let samples = &samples_8k[..samples_8k.len().min(LONGEST)];
        if samples.len() < SHORTEST {
            return Ok(Transcript::default());
        }
        let mut wide =
            resample::from_telephone(samples, MODEL_RATE).map_err(|error| failed(&error))?;
        let seconds = samples.len().div_ceil(RATE as usize);
        // The library wants a second at least; silence behind the last word does no harm.
        wide.resize(
            wide.len().max(MODEL_RATE as usize) + MODEL_RATE as usize / 10,
            0.0,
        );
        let state = self.run(&wide, seconds, hint, stop)?;
        Ok(without_ghosts(read(&state)))
    }
}

fn params(threads: usize, multilingual: bool) -> FullParams<'static, 'static> {
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    params.set_n_threads(c_int::try_from(threads.clamp(1, 16)).unwrap_or(1));
    params.set_language(Some(if multilingual { "pt" } else { "en" }));
    params.set_translate(false);
    params.set_no_context(true);
    params.set_single_segment(true);
    params.set_no_timestamps(true);
    // Otherwise nonsense is decoded again, up to five times, at higher temperatures.
    params.set_temperature_inc(0.0);
    params.set_suppress_nst(true);
    params.set_print_progress(false);
    params.set_print_realtime(false);
    params.set_print_special(false);
    params.set_print_timestamps(false);
    params
}

/// Encoder positions for so many samples at 16 kHz: the whole window costs ten times as much as a short answer needs.
fn context_size(samples: usize, most: c_int) -> c_int {
    let needed = (samples * POSITIONS).div_ceil(MODEL_RATE as usize) + MARGIN;
    let whole = needed.next_multiple_of(32).max(LEAST_CONTEXT);
    c_int::try_from(whole).unwrap_or(most).min(most)
}

fn read(state: &WhisperState) -> Transcript {
    let mut text = String::new();
    let (mut sum, mut count, mut no_speech) = (0.0_f32, 0.0_f32, 0.0_f32);
    for segment in state.as_iter() {
        // A model may break a letter in two; the grammar's parser skips what is no word.
        text.push_str(&segment.to_str_lossy().unwrap_or_default());
        no_speech = no_speech.max(segment.no_speech_probability());
        for token in (0..segment.n_tokens()).filter_map(|n| segment.get_token(n)) {
            sum += token.token_probability();
            count += 1.0;
        }
    }
    let confidence = if count > 0.0 { sum / count } else { 0.0 };
    Transcript {
        text: text.trim().to_owned(),
        confidence,
        no_speech,
    }
}

/// Called after the encoder and before each token; `true` ends the work.
unsafe extern "C" fn is_stopped(stop: *mut c_void) -> bool {
    // SAFETY: the pointer is the `&AtomicBool` that `run` keeps alive.
    unsafe { &*stop.cast::<AtomicBool>().cast_const() }.load(Ordering::Relaxed)
}

fn unavailable(reason: &str) -> TranscribeError {
    TranscribeError::Unavailable {
        engine: "whisper",
        reason: reason.to_owned(),
        remedy: REMEDY.to_owned(),
    }
}

fn failed(error: &dyn std::fmt::Display) -> TranscribeError {
    TranscribeError::Failed {
        engine: "whisper",
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_fits_the_speech() {
        assert_eq!(context_size(16_000, 1_500), 128);
        assert_eq!(context_size(5 * 16_000, 1_500), 288);
        assert_eq!(context_size(30 * 16_000, 1_500), 1_500);
    }

    #[test]
    fn a_missing_or_wrong_file_is_told_with_a_remedy() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let small = directory.path().join("small.bin");
        std::fs::write(&small, b"ggml").expect("writable");
        let wrong = directory.path().join("wrong.bin");
        std::fs::write(&wrong, vec![7; 1_500_000]).expect("writable");
        for path in [directory.path().join("none.bin"), small, wrong] {
            let error = Whisper::open(&path, 1).err().expect("no model");
            assert!(error.to_string().contains("models add"), "{error}");
        }
    }
}
