//! whisper.cpp for real: a model of 4 MB, made here, that always says the same sentence.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

use combinado::call::{Event, HeardTurn};
use combinado::ear::asr::transcribe::{TranscribeError, Transcriber, Transcribers};
use combinado::ear::asr::whisper::Whisper;
use combinado::media::{FRAME, SILENCE};
use combinado::mouth::tts::espeak::{Espeak, Manner};
use combinado::run::Server;
use combinado::sim::client::AudioSocketClient;
use combinado::wire::Leg;
use tokio::time::{Duration, MissedTickBehavior, interval};

use crate::calls::{self, REAL_TIME};

const WORDS: [&str; 7] = [" sim", " quero", " pagar", " o", " boleto", " amanhã", "."];
const SENTENCE: &str = "sim quero pagar o boleto amanhã.";

fn model() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = write_model(directory.path(), &WORDS);
    (directory, path)
}

fn write_model(folder: &Path, words: &[&str]) -> PathBuf {
    let path = folder.join("ggml-test.bin");
    std::fs::write(&path, ggml::model(words)).expect("writable");
    path
}

fn speech(millis: usize) -> Vec<i16> {
    (0..8 * millis)
        .map(|n| (3_000.0 * (n as f64 * 0.3).sin() * (n as f64 * 0.004).sin()) as i16)
        .collect()
}

#[test]
fn the_sentence_of_the_model_is_heard() {
    let (_directory, path) = model();
    let whisper = Whisper::open(&path, 1).expect("the model loads");
    for millis in [100, 700, 3_000, 40_000] {
        let transcript = whisper
            .transcribe(&speech(millis), "")
            .expect("transcribes");
        assert_eq!(transcript.text, SENTENCE, "{millis} ms");
        assert!(transcript.confidence > 0.5, "{transcript:?}");
    }
    assert_eq!(
        whisper
            .transcribe(&speech(50), "")
            .expect("too short is no error")
            .text,
        ""
    );
    whisper
        .transcribe(
            &speech(1_000),
            "acordo, boleto\0 e Pix ".repeat(40).as_str(),
        )
        .expect("a hint of any length");
}

#[test]
fn one_model_serves_many_workers_and_can_be_stopped() {
    let (_directory, path) = model();
    let whisper: Arc<dyn Transcriber> = Arc::new(Whisper::open(&path, 1).expect("the model loads"));
    let stopped = whisper.transcribe_until(&speech(2_000), "", &AtomicBool::new(true));
    assert!(
        matches!(stopped, Err(TranscribeError::Stopped)),
        "{stopped:?}"
    );
    let workers = Transcribers::start(&whisper, 2, 8).expect("threads");
    let (send, receive) = sync_channel(4);
    let tickets: Vec<_> = (0..4)
        .map(|_| {
            let send = send.clone();
            workers
                .submit(speech(1_500), "", move |answer| {
                    send.send(answer).expect("the test waits")
                })
                .expect("room")
        })
        .collect();
    for _ in &tickets {
        assert_eq!(
            receive
                .recv()
                .expect("an answer")
                .expect("transcribes")
                .text,
            SENTENCE
        );
    }
}

/// Says something that no grammar knows to the first question of a call. What the server made of it.
async fn say_gibberish(server: &Server, folder: &Path) -> HeardTurn {
    let sound = Espeak::open(None)
        .unwrap()
        .speak_raw(
            "batatinha quando nasce se esparrama pelo chão",
            &Manner::default(),
        )
        .unwrap();
    let mut events = server.events();
    let address = server.audiosocket.unwrap();
    let mut leg = AudioSocketClient::connect(address, uuid::Uuid::now_v7())
        .await
        .unwrap();
    let mut saying = sound.as_chunks::<FRAME>().0.iter();
    let mut asked = false;
    let mut tick = interval(Duration::from_millis(20));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..50 * 60 {
        tick.tick().await;
        leg.pull();
        leg.push(match asked {
            true => saying.next().unwrap_or(&SILENCE),
            false => &SILENCE,
        });
        while let Ok((call, event)) = events.try_recv() {
            match event {
                Event::Said { .. } => asked = true,
                Event::Heard(turn) => {
                    leg.hang_up();
                    calls::written(server, call).await;
                    replay(folder, &call.to_string());
                    return turn;
                }
                _ => {}
            }
        }
    }
    panic!("nothing was heard");
}

/// What was written down stands in the log, and the call replays without any transcriber.
fn replay(folder: &Path, call: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_combinado"))
        .args(["replay", call])
        .env("COMBINADO__SERVER__DATA", folder)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}

/// With a model in the configuration, what was not understood is; with one that cannot be opened, calls go on without.
#[test]
fn a_server_has_written_down_what_it_could_not_make_out() {
    let _alone = REAL_TIME.lock();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (words, text) in [(Some([" sim", " senhor"]), "sim senhor"), (None, "")] {
        let folder = tempfile::tempdir().unwrap();
        let path = match words {
            Some(words) => write_model(folder.path(), &words),
            None => folder.path().join("missing.bin"),
        };
        runtime.block_on(async {
            let server = calls::server(folder.path(), |config| {
                config.hearing.whisper = Some(path);
            })
            .await;
            let turn = say_gibberish(&server, folder.path()).await;
            assert_eq!(turn.text, text, "{turn:?}");
            assert_eq!(turn.intent.as_deref(), words.map(|_| "SIM"), "{turn:?}");
            server.shut_down().await;
        });
    }
}

/// The old ggml form of whisper.cpp's models, filled so that the decoder can say one sentence only.
///
/// All matrices are zero, so what leaves the decoder at a position is its positional embedding; that of position 3 + j
/// is the embedding of word j.
mod ggml {
    use super::Write;

    const STATE: usize = 32;
    const VOCABULARY: usize = 51_865;
    /// Tokens with a text in the file; the loader adds the special ones.
    const TEXTS: usize = 50_257;
    const AUDIO: usize = 1_500;
    const TEXT: usize = 448;
    const MELS: usize = 80;
    const END_OF_TEXT: usize = 50_257;
    /// Position of the last of the four tokens that the decoder is started with.
    const FIRST: usize = 3;
    const WORD: usize = 1_000;
    /// Where GPT-2's vocabulary, which these models share, has the blank.
    const BLANK: usize = 220;

    pub fn model(words: &[&str]) -> Vec<u8> {
        let mut out = Vec::with_capacity(4_400_000);
        ints(&mut out, &[0x6767_6d6c]);
        ints(
            &mut out,
            &[VOCABULARY, AUDIO, STATE, 2, 1, TEXT, STATE, 2, 1, MELS, 1],
        );
        ints(&mut out, &[MELS, 201]);
        for n in 0..MELS * 201 {
            float(&mut out, if n % 201 / 2 == n / 201 { 0.01 } else { 0.0 });
        }
        texts(&mut out, words);
        let said = embeddings(words.len());
        decoder(&mut out, &said);
        encoder(&mut out);
        out
    }

    fn texts(out: &mut Vec<u8>, words: &[&str]) {
        ints(out, &[TEXTS]);
        for n in 0..TEXTS {
            let word = n
                .checked_sub(WORD)
                .and_then(|n| words.get(n))
                .or((n == BLANK).then_some(&" "));
            let text = word.map_or_else(|| format!("<{n}>"), |word| (*word).to_owned());
            ints(out, &[text.len()]);
            out.write_all(text.as_bytes()).expect("memory");
        }
    }

    /// A row of ±1 for each word and for the end, as unlike as a small generator makes them.
    fn embeddings(words: usize) -> Vec<(usize, [f32; STATE])> {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut bit = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            if seed & 0x10_0000 == 0 { 1.0 } else { -1.0 }
        };
        (WORD..WORD + words)
            .chain([END_OF_TEXT])
            .map(|token| (token, std::array::from_fn(|_| bit())))
            .collect()
    }

    fn decoder(out: &mut Vec<u8>, said: &[(usize, [f32; STATE])]) {
        let mut positions = vec![0.0; TEXT * STATE];
        let mut tokens = vec![0.0; VOCABULARY * STATE];
        for (token, row) in said {
            tokens[token * STATE..][..STATE].copy_from_slice(row);
        }
        for position in FIRST..TEXT {
            let (_, row) = said[(position - FIRST).min(said.len() - 1)];
            for (place, value) in positions[position * STATE..][..STATE].iter_mut().zip(row) {
                *place = 50.0 * value;
            }
        }
        tensor(
            out,
            "decoder.positional_embedding",
            &[TEXT, STATE],
            Form::F32,
            |n| positions[n],
        );
        tensor(
            out,
            "decoder.token_embedding.weight",
            &[VOCABULARY, STATE],
            Form::F16,
            |n| tokens[n],
        );
        norm(out, "decoder.ln");
        block(out, "decoder.blocks.0");
        attention(out, "decoder.blocks.0.cross_attn");
    }

    fn encoder(out: &mut Vec<u8>) {
        tensor(
            out,
            "encoder.positional_embedding",
            &[AUDIO, STATE],
            Form::F32,
            |_| 0.0,
        );
        tensor(
            out,
            "encoder.conv1.weight",
            &[STATE, MELS, 3],
            Form::F16,
            |_| 0.0,
        );
        tensor(out, "encoder.conv1.bias", &[STATE, 1], Form::F32, |_| 0.0);
        tensor(
            out,
            "encoder.conv2.weight",
            &[STATE, STATE, 3],
            Form::F16,
            |_| 0.0,
        );
        tensor(out, "encoder.conv2.bias", &[STATE, 1], Form::F32, |_| 0.0);
        norm(out, "encoder.ln_post");
        block(out, "encoder.blocks.0");
    }

    fn block(out: &mut Vec<u8>, name: &str) {
        attention(out, &format!("{name}.attn"));
        norm(out, &format!("{name}.mlp_ln"));
        tensor(
            out,
            &format!("{name}.mlp.0.weight"),
            &[4 * STATE, STATE],
            Form::F16,
            |_| 0.0,
        );
        tensor(
            out,
            &format!("{name}.mlp.0.bias"),
            &[4 * STATE],
            Form::F32,
            |_| 0.0,
        );
        tensor(
            out,
            &format!("{name}.mlp.2.weight"),
            &[STATE, 4 * STATE],
            Form::F16,
            |_| 0.0,
        );
        tensor(
            out,
            &format!("{name}.mlp.2.bias"),
            &[STATE],
            Form::F32,
            |_| 0.0,
        );
    }

    fn attention(out: &mut Vec<u8>, name: &str) {
        norm(out, &format!("{name}_ln"));
        for part in ["query", "key", "value", "out"] {
            tensor(
                out,
                &format!("{name}.{part}.weight"),
                &[STATE, STATE],
                Form::F16,
                |_| 0.0,
            );
            if part != "key" {
                tensor(
                    out,
                    &format!("{name}.{part}.bias"),
                    &[STATE],
                    Form::F32,
                    |_| 0.0,
                );
            }
        }
    }

    fn norm(out: &mut Vec<u8>, name: &str) {
        tensor(out, &format!("{name}.weight"), &[STATE], Form::F32, |_| 1.0);
        tensor(out, &format!("{name}.bias"), &[STATE], Form::F32, |_| 0.0);
    }

    #[derive(Clone, Copy)]
    enum Form {
        F32 = 0,
        F16 = 1,
    }

    /// Dimensions as PyTorch has them; the file has the fastest first.
    fn tensor(
        out: &mut Vec<u8>,
        name: &str,
        shape: &[usize],
        form: Form,
        value: impl Fn(usize) -> f32,
    ) {
        ints(out, &[shape.len(), name.len(), form as usize]);
        for &size in shape.iter().rev() {
            ints(out, &[size]);
        }
        out.write_all(name.as_bytes()).expect("memory");
        for n in 0..shape.iter().product() {
            match form {
                Form::F32 => float(out, value(n)),
                Form::F16 => out.extend_from_slice(&half(value(n)).to_le_bytes()),
            }
        }
    }

    /// Only what is used here: 0 and ±1.
    fn half(value: f32) -> u16 {
        match value {
            v if v > 0.5 => 0x3c00,
            v if v < -0.5 => 0xbc00,
            _ => 0,
        }
    }

    fn ints(out: &mut Vec<u8>, values: &[usize]) {
        for &value in values {
            out.extend_from_slice(&u32::try_from(value).expect("small").to_le_bytes());
        }
    }

    fn float(out: &mut Vec<u8>, value: f32) {
        out.extend_from_slice(&value.to_le_bytes());
    }
}
