//! Free speech to text, after the end of the sentence: the second opinion, and the ear for open questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use parking_lot::Mutex;

/// An engine that writes down a whole utterance. Takes tenths of a second of a core: never called on the media path.
pub trait Transcriber: Send + Sync {
    /// Its name in the configuration: `whisper`.
    fn name(&self) -> &'static str;

    /// Writes down `samples_8k` (8 kHz mono), giving up soon after `stop` is set.
    ///
    /// `hint` is text that may have come before: words and names that are likely now. It may be empty.
    fn transcribe_until(
        &self,
        samples_8k: &[i16],
        hint: &str,
        stop: &AtomicBool,
    ) -> Result<Transcript, TranscribeError>;

    /// Writes down `samples_8k` (8 kHz mono).
    fn transcribe(&self, samples_8k: &[i16], hint: &str) -> Result<Transcript, TranscribeError> {
        self.transcribe_until(samples_8k, hint, &AtomicBool::new(false))
    }
}

/// What was understood. Empty text means: no words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    pub text: String,
    /// Mean probability of the tokens, 0–1.
    pub confidence: f32,
    /// Probability that nobody spoke, 0–1.
    pub no_speech: f32,
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TranscribeError {
    #[error("the recogniser {engine} is not available: {reason}. {remedy}")]
    Unavailable {
        engine: &'static str,
        reason: String,
        remedy: String,
    },
    #[error("the recogniser {engine} failed: {reason}")]
    Failed {
        engine: &'static str,
        reason: String,
    },
    #[error("the transcription was stopped")]
    Stopped,
    #[error("too many utterances are waiting to be transcribed")]
    Busy,
}

/// What an engine trained on subtitles writes when it heard nothing: in small letters, without punctuation.
const GHOSTS: &[&str] = &[
    "amara org",
    "e ai pessoal",
    "e aí pessoal",
    "inscreva se no canal",
    "inscreva se no nosso canal",
    "ative o sininho",
    "legenda adriana zanotto",
    "legendado por",
    "legendas em português",
    "legendas pela comunidade",
    "legendas por",
    "muito obrigado por assistir",
    "o que é que é isso",
    "obrigada por assistir",
    "obrigado por assistir",
    "não se esqueça de se inscrever",
    "se inscreva no canal",
    "subtitulos realizados por",
    "tradução e legendas",
    "transcrição e legendas",
    "thank you for watching",
    "thanks for watching",
];

/// A word or short phrase said this often in a row was not said.
const LOOP: usize = 5;
/// Above this probability of silence, unsure words are no words.
const SILENT: f32 = 0.6;
const UNSURE: f32 = 0.5;

/// Takes out what nobody said: sounds in brackets, subtitles' closing words, endless repetition, guesses over silence.
pub fn without_ghosts(mut transcript: Transcript) -> Transcript {
    let spoken = without_brackets(&transcript.text);
    let words = plain_words(&spoken);
    let plain = words.join(" ");
    let silent = transcript.no_speech > SILENT && transcript.confidence < UNSURE;
    let ghost = GHOSTS
        .iter()
        .any(|ghost| format!(" {plain} ").contains(&format!(" {ghost} ")));
    transcript.text = if words.is_empty() || silent || ghost || is_loop(&words) {
        String::new()
    } else {
        spoken
    };
    transcript
}

/// `[Música]`, `(risos)`, `*suspiro*` and notes are not words.
fn without_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut close = None;
    for letter in text.chars() {
        match (close, letter) {
            (Some(end), _) if letter == end => close = None,
            (Some(_), _) => {}
            (None, '[') => close = Some(']'),
            (None, '(') => close = Some(')'),
            (None, '*') => close = Some('*'),
            (None, '♪' | '♫') => out.push(' '),
            (None, _) => out.push(letter),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain_words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Whether one phrase of up to four words, `LOOP` times and more, makes up most of the text. Digits may repeat: "zero zero zero".
fn is_loop(words: &[String]) -> bool {
    (1..=4).any(|length| {
        let enough = if length == 1 { 2 * LOOP } else { LOOP };
        words.len() >= enough * length && {
            let repeated = (length..words.len())
                .filter(|&n| words[n] == words[n - length])
                .count();
            repeated >= (enough - 1) * length && 5 * (repeated + length) >= 4 * words.len()
        }
    })
}

/// Threads that transcribe for all calls. Dropping it lets the threads end after what they are doing.
pub struct Transcribers {
    queue: SyncSender<Job>,
}

/// An utterance on its way. Dropping it tells the engine that nobody wants the answer any more.
#[must_use = "dropping the ticket stops the transcription"]
pub struct Ticket(Arc<AtomicBool>);

/// What is done with an answer, in the worker's thread: sending it on.
type Answer = Box<dyn FnOnce(Result<Transcript, TranscribeError>) + Send>;

struct Job {
    samples: Vec<i16>,
    hint: String,
    stop: Arc<AtomicBool>,
    answer: Answer,
}

impl Transcribers {
    /// Starts `threads` workers, before which `waiting` utterances may wait.
    pub fn start(
        engine: &Arc<dyn Transcriber>,
        threads: usize,
        waiting: usize,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(waiting);
        let jobs = Arc::new(Mutex::new(jobs));
        for n in 0..threads.max(1) {
            let (engine, jobs) = (engine.clone(), jobs.clone());
            std::thread::Builder::new()
                .name(format!("transcribe-{n}"))
                .spawn(move || work(&*engine, &jobs))?;
        }
        Ok(Self { queue })
    }

    /// Queues an utterance; `answer` is called exactly once.
    pub fn submit(
        &self,
        samples: Vec<i16>,
        hint: &str,
        answer: impl FnOnce(Result<Transcript, TranscribeError>) + Send + 'static,
    ) -> Result<Ticket, TranscribeError> {
        let stop = Arc::new(AtomicBool::new(false));
        let job = Job {
            samples,
            hint: hint.to_owned(),
            stop: stop.clone(),
            answer: Box::new(answer),
        };
        match self.queue.try_send(job) {
            Ok(()) => Ok(Ticket(stop)),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                Err(TranscribeError::Busy)
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn work(engine: &dyn Transcriber, jobs: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting, so the next worker waits for the lock instead of the queue.
        let Ok(Job {
            samples,
            hint,
            stop,
            answer,
        }) = jobs.lock().recv()
        else {
            return;
        };
        if stop.load(Ordering::Relaxed) {
            answer(Err(TranscribeError::Stopped));
            continue;
        }
        let attempt =
            std::panic::AssertUnwindSafe(|| engine.transcribe_until(&samples, &hint, &stop));
        let result = std::panic::catch_unwind(attempt).unwrap_or_else(|_| {
            Err(TranscribeError::Failed {
                engine: engine.name(),
                reason: "it panicked".to_owned(),
            })
        });
        answer(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> String {
        without_ghosts(Transcript {
            text: text.to_owned(),
            confidence: 0.9,
            no_speech: 0.1,
        })
        .text
    }

    #[test]
    fn what_nobody_said_is_taken_out() {
        for ghost in [
            "Legendas pela comunidade Amara.org",
            " [Música]",
            "(risos) ♪",
            "Inscreva-se no canal!",
            "Obrigado por assistir.",
            "e aí, pessoal, tudo bem",
            "tá bom, tá bom, tá bom, tá bom, tá bom, tá bom, tá bom",
            "é é é é é é é é é é é é",
            "",
        ] {
            assert_eq!(heard(ghost), "", "{ghost}");
        }
    }

    #[test]
    fn what_people_say_stays() {
        for said in [
            "sim, quero pagar",
            "zero zero zero três três três",
            "obrigado",
            "não não não não",
            "tá bom tá bom",
            "tchau, tchau",
        ] {
            assert_eq!(heard(said), said);
        }
        assert_eq!(
            heard("[barulho] pode ser dia dez (pausa)"),
            "pode ser dia dez"
        );
    }

    #[test]
    fn a_guess_over_silence_is_nothing() {
        let guess = Transcript {
            text: "É isso aí.".to_owned(),
            confidence: 0.3,
            no_speech: 0.8,
        };
        assert_eq!(without_ghosts(guess).text, "");
    }

    /// Answers with the number of samples; panics on none; waits for `stop` on one.
    struct Counter;

    impl Transcriber for Counter {
        fn name(&self) -> &'static str {
            "counter"
        }

        fn transcribe_until(
            &self,
            samples: &[i16],
            hint: &str,
            stop: &AtomicBool,
        ) -> Result<Transcript, TranscribeError> {
            assert!(!samples.is_empty(), "nothing to count");
            while samples.len() == 1 {
                if stop.load(Ordering::Relaxed) {
                    return Err(TranscribeError::Stopped);
                }
                std::thread::yield_now();
            }
            Ok(Transcript {
                text: format!("{hint}{}", samples.len()),
                ..Transcript::default()
            })
        }
    }

    #[test]
    fn workers_answer_stop_and_survive_a_panic() {
        let engine: Arc<dyn Transcriber> = Arc::new(Counter);
        let workers = Transcribers::start(&engine, 1, 2).expect("threads");
        let (send, receive) = sync_channel(8);
        let submit = |length: usize| {
            let send = send.clone();
            workers.submit(vec![0; length], "n=", move |answer| {
                send.send(answer.map(|t| t.text)).expect("the test waits")
            })
        };
        let _broken = submit(0).expect("room");
        assert!(matches!(
            receive.recv(),
            Ok(Err(TranscribeError::Failed { .. }))
        ));
        let endless = submit(1).expect("room");
        let _second = submit(5).expect("room");
        let mut tickets = Vec::new();
        let full = (0..4).any(|_| submit(7).map(|ticket| tickets.push(ticket)).is_err());
        assert!(full, "the queue is bounded");
        drop(endless);
        assert!(matches!(receive.recv(), Ok(Err(TranscribeError::Stopped))));
        assert_eq!(receive.recv().expect("answers").expect("counts"), "n=5");
    }
}
