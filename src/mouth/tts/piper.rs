//! Piper's neural voices, through ONNX Runtime where that is installed.
//!
//! The phonemes come from our own espeak-ng thread: the crate's own way to them has no lock around the C library.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::session::Session;
use parking_lot::Mutex;
use piper_rs::{ModelConfig, Piper as Engine};

use super::espeak::Espeak;
use super::{Settings, Voice, VoiceError, finish};
use crate::media::RATE;
use crate::mouth::lexicon;

/// The version of the interface that the crate `ort` was built for: ONNX Runtime 1.24.
const LEAST_VERSION: u32 = 24;
/// Words a minute of a voice at its own speed.
const OWN_RATE: f32 = 165.0;
/// Silence between two sentences, in samples (0.2 s).
const PAUSE: usize = RATE as usize / 5;
/// Names under which the library is looked for when no path is given.
#[cfg(target_os = "linux")]
const LIBRARIES: &[&str] = &["libonnxruntime.so", "libonnxruntime.so.1"];
#[cfg(target_os = "macos")]
const LIBRARIES: &[&str] = &["libonnxruntime.dylib"];
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
const LIBRARIES: &[&str] = &["onnxruntime.dll"];

const LIBRARY_REMEDY: &str = "Install ONNX Runtime 1.24 or newer (its library is in the PyPI wheel `onnxruntime`) and set \
                              ORT_DYLIB_PATH to the file libonnxruntime.so.";
const MODEL_REMEDY: &str = "Add a voice with `combinado models add piper-faber-medium FILES`.";

/// The path of ONNX Runtime once it was found to be usable. A process can load it once only.
static RUNTIME: OnceLock<PathBuf> = OnceLock::new();
/// One search at a time.
static SEARCH: Mutex<()> = Mutex::new(());

/// One voice of Piper.
pub struct Piper {
    /// The engine changes while it runs: one sentence at a time.
    engine: Mutex<Engine>,
    espeak: Espeak,
    /// The voice of espeak-ng whose phonemes the model was trained on.
    phonemes: String,
    length_scale: f32,
    domestic: Vec<(String, String)>,
}

/// What the voice's own configuration says that the engine keeps for itself.
#[derive(serde::Deserialize)]
struct About {
    espeak: AboutEspeak,
    inference: AboutInference,
}

#[derive(serde::Deserialize)]
struct AboutEspeak {
    voice: String,
}

#[derive(serde::Deserialize)]
struct AboutInference {
    length_scale: f32,
}

impl Piper {
    /// Loads a voice: `model` is its `.onnx`, beside which lies its `.onnx.json`.
    ///
    /// `library` is the path of ONNX Runtime; without it `ORT_DYLIB_PATH` and the system's directories are searched.
    pub fn open(model: &Path, library: Option<&Path>, espeak: Espeak) -> Result<Self, VoiceError> {
        let mut config = model.as_os_str().to_owned();
        config.push(".json");
        let text = std::fs::read_to_string(&config).map_err(|error| {
            unavailable(
                &format!("{}: {error}", Path::new(&config).display()),
                MODEL_REMEDY,
            )
        })?;
        let wrong = |error: serde_json::Error| {
            unavailable(
                &format!("{}: {error}", Path::new(&config).display()),
                MODEL_REMEDY,
            )
        };
        let about: About = serde_json::from_str(&text).map_err(wrong)?;
        let config: ModelConfig = serde_json::from_str(&text).map_err(wrong)?;
        if !model.is_file() {
            return Err(unavailable(
                &format!("{} is no file", model.display()),
                MODEL_REMEDY,
            ));
        }
        load_runtime(library)?;
        let session = session(model)
            .map_err(|error| unavailable(&format!("{}: {error}", model.display()), MODEL_REMEDY))?;
        Ok(Self {
            engine: Mutex::new(Engine::from_session(session, config)),
            espeak,
            phonemes: about.espeak.voice,
            length_scale: about.inference.length_scale,
            domestic: Vec::new(),
        })
    }

    /// Words that this installation spells its own way, before the lexicon.
    #[must_use]
    pub fn with_lexicon(mut self, domestic: Vec<(String, String)>) -> Self {
        self.domestic = domestic;
        self
    }

    fn sentence(&self, text: &str, settings: &Settings) -> Result<(Vec<f32>, u32), VoiceError> {
        let phonemes = self.phonemes_of(text)?;
        let speaker = settings.voice.parse().ok();
        let length = self.length_scale * OWN_RATE / settings.rate.clamp(60, 400) as f32;
        let mut engine = self.engine.lock();
        // The crate unwraps what the model answers; a model of another kind must not end the call.
        let attempt = std::panic::AssertUnwindSafe(|| {
            engine.create(&phonemes, true, speaker, Some(length), None, None)
        });
        match std::panic::catch_unwind(attempt) {
            Ok(Ok(sound)) => Ok(sound),
            Ok(Err(error)) => Err(failed(text, &error.to_string())),
            Err(_) => Err(failed(text, "the model is not one of Piper's")),
        }
    }

    /// Phonemes with the punctuation between the clauses, which tells the model where the melody rises and falls.
    fn phonemes_of(&self, sentence: &str) -> Result<String, VoiceError> {
        let mut out = String::new();
        for (clause, mark) in pieces(sentence, &[',', ';', ':', '.', '!', '?']) {
            if clause.chars().any(char::is_alphanumeric) {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(&decompose(&without_switches(
                    &self.espeak.phonemes(clause, &self.phonemes)?,
                )));
                out.extend(mark);
            }
        }
        Ok(out)
    }
}

impl Voice for Piper {
    fn name(&self) -> &'static str {
        "piper"
    }

    fn speak(&self, text: &str, settings: &Settings) -> Result<Vec<i16>, VoiceError> {
        let text = lexicon::respell(text, &self.domestic);
        let mut speech: Vec<i16> = Vec::new();
        for (sentence, mark) in pieces(&text, &['.', '!', '?']) {
            if !sentence.chars().any(char::is_alphanumeric) {
                continue;
            }
            let whole = format!("{sentence}{}", mark.unwrap_or('.'));
            let (sound, rate) = self.sentence(&whole, settings)?;
            let part =
                finish::finish(&sound, rate).map_err(|error| failed(&whole, &error.to_string()))?;
            if !speech.is_empty() {
                speech.resize(speech.len() + PAUSE, 0);
            }
            speech.extend(part);
        }
        if speech.is_empty() {
            Err(failed(&text, "nothing in it can be spoken"))
        } else {
            Ok(speech)
        }
    }
}

/// Finds ONNX Runtime and hands it to `ort`, once in a process.
///
/// `ort` waits for ever when the library is missing or too old, so it is not touched before this has opened the library
/// itself and read its version.
fn load_runtime(library: Option<&Path>) -> Result<(), VoiceError> {
    let _one = SEARCH.lock();
    if RUNTIME.get().is_some() {
        return Ok(());
    }
    let path = find_runtime(library).map_err(|reason| unavailable(&reason, LIBRARY_REMEDY))?;
    let builder =
        ort::init_from(&path).map_err(|error| unavailable(&error.to_string(), LIBRARY_REMEDY))?;
    builder
        .with_name("combinado")
        .with_telemetry(false)
        .commit();
    let _ = RUNTIME.set(path);
    Ok(())
}

/// The first library that can be used, or why none can.
fn find_runtime(library: Option<&Path>) -> Result<PathBuf, String> {
    let named = library.map(Path::to_owned);
    let named = named.or_else(|| {
        std::env::var_os("ORT_DYLIB_PATH")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    });
    let candidates = named.map_or_else(
        || LIBRARIES.iter().map(PathBuf::from).collect(),
        |path| vec![path],
    );
    let mut reasons = Vec::new();
    for path in candidates {
        match probe(&path) {
            Ok(()) => return Ok(path),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("; "))
}

/// Opens the library and asks for its version, as `ort` would.
fn probe(path: &Path) -> Result<(), String> {
    /// The start of ONNX Runtime's `OrtApiBase`, which is the same in all versions.
    #[repr(C)]
    struct ApiBase {
        api: unsafe extern "C" fn(u32) -> *const std::ffi::c_void,
        version: unsafe extern "C" fn() -> *const std::ffi::c_char,
    }
    type GetBase = unsafe extern "C" fn() -> *const ApiBase;
    // SAFETY: the file is the one that the operator named, or the system's own of that name; loading runs its initialisers.
    let library = unsafe { libloading::Library::new(path) }
        .map_err(|error| format!("{} ({error})", path.display()))?;
    // SAFETY: the type is that of `OrtGetApiBase` in onnxruntime_c_api.h.
    let get: libloading::Symbol<GetBase> = unsafe { library.get(b"OrtGetApiBase\0") }
        .map_err(|_| format!("{} is not ONNX Runtime", path.display()))?;
    // SAFETY: takes nothing; gives a pointer to a table that lives as long as the library, or null.
    let base = unsafe { get().as_ref() }
        .ok_or_else(|| format!("{} gives no interface", path.display()))?;
    // SAFETY: gives a string that lives as long as the library.
    let version = unsafe { std::ffi::CStr::from_ptr((base.version)()) }
        .to_string_lossy()
        .into_owned();
    let minor: u32 = version
        .split('.')
        .nth(1)
        .and_then(|part| part.parse().ok())
        .unwrap_or(0);
    // SAFETY: answers null for a version that it does not know.
    let known = unsafe { !(base.api)(LEAST_VERSION).is_null() };
    if minor < LEAST_VERSION || !known {
        return Err(format!(
            "{} is version {version}; 1.{LEAST_VERSION} or newer is needed",
            path.display()
        ));
    }
    Ok(())
}

fn session(model: &Path) -> Result<Session, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    // One thread: many calls share the machine, and spinning threads would starve the media.
    let builder = Session::builder()
        .map_err(|error| told(&error))?
        .with_intra_threads(1)
        .map_err(|error| told(&error))?;
    let mut builder = builder
        .with_intra_op_spinning(false)
        .map_err(|error| told(&error))?;
    builder
        .commit_from_file(model)
        .map_err(|error| told(&error))
}

/// The text between `marks`, each with the mark that ended it. A mark within a number or an abbreviation ends nothing.
fn pieces<'a>(text: &'a str, marks: &[char]) -> Vec<(&'a str, Option<char>)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, mark) in text
        .char_indices()
        .filter(|(_, letter)| marks.contains(letter))
    {
        let after = at + mark.len_utf8();
        if text[after..].chars().next().is_none_or(char::is_whitespace) {
            pieces.push((text[start..at].trim(), Some(mark)));
            start = after;
        }
    }
    pieces.push((text[start..].trim(), None));
    pieces
}

/// espeak-ng marks words of another language as in `(en)wˈiːkˌɛnd(pt-br)`.
fn without_switches(phonemes: &str) -> String {
    let mut depth = 0_u32;
    let mut keep = |letter: &char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    phonemes.chars().filter(|letter| keep(letter)).collect()
}

/// Accents as marks of their own, as in the voices' tables of phonemes.
fn decompose(phonemes: &str) -> String {
    let mut out = String::with_capacity(phonemes.len() + 8);
    for letter in phonemes.chars() {
        match letter {
            'ã' => out.push_str("a\u{303}"),
            'õ' => out.push_str("o\u{303}"),
            'ẽ' => out.push_str("e\u{303}"),
            'ĩ' => out.push_str("i\u{303}"),
            'ũ' => out.push_str("u\u{303}"),
            'ç' => out.push_str("c\u{327}"),
            _ => out.push(letter),
        }
    }
    out
}

fn unavailable(reason: &str, remedy: &str) -> VoiceError {
    VoiceError::Unavailable {
        voice: "piper".to_owned(),
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn failed(text: &str, reason: &str) -> VoiceError {
    VoiceError::Failed {
        voice: "piper".to_owned(),
        chars: text.chars().count(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_marks_and_not_inside_words() {
        assert_eq!(
            pieces("Bom dia. Tudo bem?", &['.', '?']),
            [("Bom dia", Some('.')), ("Tudo bem", Some('?')), ("", None)]
        );
        assert_eq!(
            pieces("site credora.com.br agora", &['.']),
            [("site credora.com.br agora", None)]
        );
        assert_eq!(pieces("", &['.']), [("", None)]);
    }

    #[test]
    fn phonemes_are_as_the_models_know_them() {
        assert_eq!(without_switches("o (en)wˈiːk(pt-br) bom"), "o wˈiːk bom");
        assert_eq!(without_switches("a) b (c"), "a b ");
        assert_eq!(decompose("pˈãʊ̃"), "pˈa\u{303}ʊ\u{303}");
    }

    #[test]
    fn what_is_no_runtime_is_told_and_never_waited_for() {
        assert!(probe(Path::new("/nowhere/libonnxruntime.so")).is_err());
        let other = ["libc.so.6", "libSystem.dylib"]
            .iter()
            .find_map(|name| probe(Path::new(name)).err());
        assert!(other.is_some_and(|reason| !reason.is_empty()));
    }
}
