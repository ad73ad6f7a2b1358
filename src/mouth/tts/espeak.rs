//! The voice that needs nothing installed: the C library espeak-ng, linked in, with its data in the binary.
//!
//! The library keeps everything in global variables, so one thread owns it and everyone else sends it jobs.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_int, c_short, c_void};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use espeak_rs_sys as sys;
use parking_lot::Mutex;

use super::data;
use super::{Settings, Voice, VoiceError, finish};
use crate::media::resample;
use crate::mouth::lexicon;

/// Texts that may wait for the thread. It speaks a thousand times faster than a person, so a full queue means that it is stuck.
const WAITING: usize = 256;
/// A text takes milliseconds; after this the library is considered stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer texts are mistakes of the script.
const LONGEST: usize = 10_000;
/// The voice when none is asked for.
const DEFAULT_VOICE: &str = "pt-br";
/// Words a minute that the library can speak.
const RATES: std::ops::RangeInclusive<u32> = 80..=450;

/// The queue of the one thread that owns the library.
static OWNER: Mutex<Option<SyncSender<Job>>> = Mutex::new(None);

/// A handle to the library; cheap to clone, shared by all calls.
#[derive(Clone)]
pub struct Espeak {
    queue: SyncSender<Job>,
    data: PathBuf,
    domestic: Vec<(String, String)>,
}

/// How [`Espeak::speak_raw`] speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Manner {
    /// Language and variant, as in `pt-br+f4`.
    pub voice: String,
    /// Words a minute, 80–450.
    pub rate: u32,
    /// 0–99.
    pub pitch: u32,
    /// How much the pitch moves, 0–99.
    pub range: u32,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            voice: DEFAULT_VOICE.to_owned(),
            rate: 165,
            pitch: 50,
            range: 50,
        }
    }
}

impl Espeak {
    /// Starts the library, once in a process, with its data under `cache`, or in the user's cache directory.
    pub fn open(cache: Option<&Path>) -> Result<Self, VoiceError> {
        let data =
            data::unpack(cache).map_err(|error| unavailable(&error.to_string(), data::REMEDY))?;
        let mut owner = OWNER.lock();
        let queue = match owner.as_ref() {
            Some(queue) => queue.clone(),
            None => owner.insert(start(&data)?).clone(),
        };
        Ok(Self {
            queue,
            data,
            domestic: Vec::new(),
        })
    }

    /// Words that this installation spells its own way, before the lexicon.
    #[must_use]
    pub fn with_lexicon(mut self, domestic: Vec<(String, String)>) -> Self {
        self.domestic = domestic;
        self
    }

    /// Speaks text as it stands, in any variant: for the simulated debtor. 8 kHz, −20 dBov.
    pub fn speak_raw(&self, text: &str, manner: &Manner) -> Result<Vec<i16>, VoiceError> {
        let voice = self.known(&manner.voice)?;
        let task = Task::Speak(Manner {
            voice,
            ..manner.clone()
        });
        let Answer { samples, rate, .. } = self.ask(text, task)?;
        let speech = finish::finish(&resample::floats(&samples), rate)
            .map_err(|error| failed(text, &error.to_string()))?;
        if speech.is_empty() {
            Err(failed(text, "nothing in it can be spoken"))
        } else {
            Ok(speech)
        }
    }

    /// The phonemes of each clause in the International Phonetic Alphabet, as Piper's voices were trained on.
    ///
    /// `text` is one clause: the library takes punctuation out.
    pub fn phonemes(&self, text: &str, voice: &str) -> Result<String, VoiceError> {
        let voice = self.known(voice)?;
        Ok(self.ask(text, Task::Phonemes(voice))?.phonemes)
    }

    /// The variants that can stand behind the `+` of a voice, sorted.
    pub fn variants(&self) -> Vec<String> {
        data::variants(&self.data)
    }

    /// The library ignores a variant that it does not know; the user should rather hear of it.
    fn known(&self, voice: &str) -> Result<String, VoiceError> {
        let voice = if voice.is_empty() {
            DEFAULT_VOICE
        } else {
            voice
        };
        match voice.split_once('+') {
            Some((_, variant)) if !data::is_variant(&self.data, variant) => {
                Err(VoiceError::Unavailable {
                    voice: format!("espeak {voice}"),
                    reason: format!("there is no variant {variant}"),
                    remedy: format!("Variants: {}", self.variants().join(", ")),
                })
            }
            _ => Ok(voice.to_owned()),
        }
    }

    fn ask(&self, text: &str, task: Task) -> Result<Answer, VoiceError> {
        if text.len() > LONGEST {
            return Err(failed(text, "it is longer than 10,000 bytes"));
        }
        let clean = CString::new(latin(text)).map_err(|error| failed(text, &error.to_string()))?;
        let (answer, answered) = sync_channel(1);
        self.queue
            .try_send(Job {
                text: clean,
                task,
                answer,
            })
            .map_err(|error| match error {
                TrySendError::Full(_) => failed(text, "too many texts are waiting"),
                TrySendError::Disconnected(_) => failed(text, "the thread of the voice has ended"),
            })?;
        match answered.recv_timeout(PATIENCE) {
            Ok(answer) => answer.map_err(|reason| failed(text, &reason)),
            Err(RecvTimeoutError::Timeout) => Err(failed(text, "the library does not answer")),
            Err(RecvTimeoutError::Disconnected) => {
                Err(failed(text, "the thread of the voice has ended"))
            }
        }
    }
}

impl Voice for Espeak {
    fn name(&self) -> &'static str {
        "espeak"
    }

    fn speak(&self, text: &str, settings: &Settings) -> Result<Vec<i16>, VoiceError> {
        let manner = Manner {
            voice: settings.voice.clone(),
            rate: settings.rate,
            pitch: settings.pitch,
            ..Manner::default()
        };
        self.speak_raw(&lexicon::respell(text, &self.domestic), &manner)
    }
}

struct Job {
    text: CString,
    task: Task,
    answer: SyncSender<Result<Answer, String>>,
}

enum Task {
    Speak(Manner),
    Phonemes(String),
}

#[derive(Default)]
struct Answer {
    samples: Vec<i16>,
    rate: u32,
    phonemes: String,
}

fn start(data: &Path) -> Result<SyncSender<Job>, VoiceError> {
    let (queue, jobs) = sync_channel(WAITING);
    let (ready, started) = sync_channel(1);
    let data = data.to_owned();
    std::thread::Builder::new()
        .name("espeak".to_owned())
        .spawn(move || match Library::initialise(&data) {
            Ok(library) => {
                let _ = ready.send(Ok(()));
                library.work(&jobs);
            }
            Err(reason) => {
                let _ = ready.send(Err(reason));
            }
        })
        .map_err(|error| unavailable(&error.to_string(), "Allow the process another thread."))?;
    match started.recv_timeout(PATIENCE) {
        Ok(Ok(())) => Ok(queue),
        Ok(Err(reason)) => Err(unavailable(&reason, data::REMEDY)),
        Err(_) => Err(unavailable("the library does not start", data::REMEDY)),
    }
}

/// Proof that the library is initialised, and that this thread is the one that may call it.
struct Library {
    rate: u32,
}

thread_local! {
    /// Where the callback puts what the library renders.
    static RENDERED: RefCell<Vec<i16>> = const { RefCell::new(Vec::new()) };
}

impl Library {
    fn initialise(data: &Path) -> Result<Self, String> {
        let path =
            CString::new(data.as_os_str().as_encoded_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: only this thread calls the library (OWNER holds its single queue); the path outlives the call.
        let rate = unsafe {
            sys::espeak_Initialize(
                sys::espeak_AUDIO_OUTPUT_AUDIO_OUTPUT_SYNCHRONOUS,
                0,
                path.as_ptr(),
                sys::espeakINITIALIZE_DONT_EXIT as c_int,
            )
        };
        // SAFETY: as above; `collect` keeps to the contract of the callback.
        unsafe { sys::espeak_SetSynthCallback(Some(collect)) };
        u32::try_from(rate)
            .ok()
            .filter(|&rate| rate > 0)
            .map(|rate| Self { rate })
            .ok_or_else(|| format!("its data in {} cannot be used", data.display()))
    }

    fn work(&self, jobs: &Receiver<Job>) {
        while let Ok(Job { text, task, answer }) = jobs.recv() {
            let result = match task {
                Task::Speak(manner) => self.speak(&text, &manner),
                Task::Phonemes(voice) => Self::phonemes(&text, &voice),
            };
            // Whoever asked may have lost patience.
            let _ = answer.send(result);
        }
    }

    fn speak(&self, text: &CStr, manner: &Manner) -> Result<Answer, String> {
        Self::choose(&manner.voice)?;
        let rate = manner.rate.clamp(*RATES.start(), *RATES.end());
        Self::set(sys::espeak_PARAMETER_espeakRATE, rate);
        Self::set(sys::espeak_PARAMETER_espeakPITCH, manner.pitch.min(99));
        Self::set(sys::espeak_PARAMETER_espeakRANGE, manner.range.min(99));
        RENDERED.with_borrow_mut(Vec::clear);
        // SAFETY: this thread owns the library; the text outlives the call, which returns when all is rendered.
        let code = unsafe {
            sys::espeak_Synth(
                text.as_ptr().cast::<c_void>(),
                text.count_bytes() + 1,
                0,
                sys::espeak_POSITION_TYPE_POS_CHARACTER,
                0,
                sys::espeakCHARS_UTF8,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        let samples = RENDERED.with_borrow_mut(std::mem::take);
        if code == sys::espeak_ERROR_EE_OK {
            Ok(Answer {
                samples,
                rate: self.rate,
                ..Answer::default()
            })
        } else {
            Err(format!("espeak-ng error {code}"))
        }
    }

    fn phonemes(text: &CStr, voice: &str) -> Result<Answer, String> {
        Self::choose(voice)?;
        let mut phonemes: Vec<String> = Vec::new();
        let mut rest = text.as_ptr().cast::<c_void>();
        while !rest.is_null() {
            // SAFETY: this thread owns the library; it moves `rest` forward within the text, and to null at its end.
            let clause = unsafe {
                sys::espeak_TextToPhonemes(
                    &raw mut rest,
                    sys::espeakCHARS_UTF8 as c_int,
                    sys::espeakPHONEMES_IPA as c_int,
                )
            };
            if clause.is_null() {
                break;
            }
            // SAFETY: a string that is valid until the next call of the library, and is copied here.
            phonemes.push(
                unsafe { CStr::from_ptr(clause) }
                    .to_string_lossy()
                    .trim()
                    .to_owned(),
            );
        }
        phonemes.retain(|clause| !clause.is_empty());
        Ok(Answer {
            phonemes: phonemes.join(" "),
            ..Answer::default()
        })
    }

    fn choose(voice: &str) -> Result<(), String> {
        let name = CString::new(voice).map_err(|error| error.to_string())?;
        // SAFETY: this thread owns the library; the name outlives the call.
        let code = unsafe { sys::espeak_SetVoiceByName(name.as_ptr()) };
        if code == sys::espeak_ERROR_EE_OK {
            Ok(())
        } else {
            Err(format!(
                "it has no voice {voice}; the languages in the box are pt-br and pt"
            ))
        }
    }

    fn set(parameter: sys::espeak_PARAMETER, value: u32) {
        // SAFETY: this thread owns the library. All values are in the range of their parameter.
        unsafe {
            sys::espeak_SetParameter(parameter, c_int::try_from(value).unwrap_or(c_int::MAX), 0)
        };
    }
}

/// Called by the library, in its thread, for each piece of sound; 0 means: go on.
unsafe extern "C" fn collect(
    samples: *mut c_short,
    length: c_int,
    _events: *mut sys::espeak_EVENT,
) -> c_int {
    if let (false, Ok(length)) = (samples.is_null(), usize::try_from(length)) {
        // SAFETY: the library passes `length` samples that it leaves alone until the callback returns.
        let piece = unsafe { std::slice::from_raw_parts(samples, length) };
        RENDERED.with_borrow_mut(|rendered| rendered.extend_from_slice(piece));
    }
    0
}

/// The text in letters that the data in the box knows.
///
/// Other alphabets make the library look for a dictionary of another language, and read through a null pointer when it is
/// not there: a debtor's name in Greek letters would end the server.
fn latin(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            'ß' => out.push_str("ss"),
            'Ð' | 'ð' => out.push('d'),
            'Þ' | 'þ' => out.push('t'),
            '–' | '—' => out.push_str(", "),
            '‘' | '’' => out.push('\''),
            '…' => out.push_str("..."),
            'ª' | 'º' | '°' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{ff}' => {
                out.push(letter)
            }
            '\u{100}'..='\u{17f}' => out.push(base_letter(letter)),
            ' '..='~' => out.push(letter),
            _ => out.push(' '),
        }
    }
    out
}

/// Latin Extended-A without its accents, as the names of immigrants' children are written here anyway.
fn base_letter(letter: char) -> char {
    const BASES: &str = "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllll\
                         nnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    let place = (letter as usize).saturating_sub(0x100);
    BASES
        .as_bytes()
        .get(place)
        .map_or(' ', |&base| char::from(base))
}

fn unavailable(reason: &str, remedy: &str) -> VoiceError {
    VoiceError::Unavailable {
        voice: "espeak".to_owned(),
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn failed(text: &str, reason: &str) -> VoiceError {
    VoiceError::Failed {
        voice: "espeak".to_owned(),
        chars: text.chars().count(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_letters_become_latin_or_silence() {
        assert_eq!(latin("José Müller, 2ª parcela"), "José Müller, 2ª parcela");
        assert_eq!(
            latin("Strauß Đorđe Łukasz Çağlar Žižek"),
            "Strauss dorde lukasz Çaglar zizek"
        );
        assert_eq!(latin("Γιώργος 😀\0 a…"), "           a...");
        for letter in '\u{100}'..='\u{17f}' {
            assert!(base_letter(letter).is_ascii_lowercase(), "{letter}");
        }
    }
}
