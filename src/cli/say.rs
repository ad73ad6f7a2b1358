//! `combinado say`: text to a WAV file, as the agent would speak it on the telephone.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;

use super::{Exit, Output};
use crate::media::{RATE, level, wav};
use crate::mouth::ssml::{self, Piece};
use crate::mouth::tts::{Chain, Settings, Voice, VoiceError};

/// Fala um texto em português e grava um WAV de 8 kHz. / Speaks a text into an 8 kHz WAV file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// O que dizer. / What to say.
    text: String,
    /// Onde gravar. / Where to write.
    #[arg(short, long, value_name = "FILE.wav")]
    output: PathBuf,
    /// Voz: `pt-br`, uma variante como `pt-br+f4`, ou um modelo do Piper (`voz.onnx`). / Voice, variant or Piper model.
    #[arg(long, default_value = "")]
    voice: String,
    /// Palavras por minuto. / Words a minute.
    #[arg(long, default_value_t = 165, value_parser = clap::value_parser!(u32).range(80..=450))]
    rate: u32,
    /// Altura da voz, de 0 a 99. / Pitch, 0 to 99.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=99))]
    pitch: u32,
    /// O texto é SSML. / The text is SSML.
    #[arg(long)]
    ssml: bool,
}

/// What was written.
#[derive(Serialize)]
struct Said {
    file: String,
    voice: String,
    samples: usize,
    ms: u64,
    level_dbov: Option<f64>,
}

pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    let settings = Settings {
        voice: args.voice.clone(),
        rate: args.rate,
        pitch: args.pitch,
    };
    let pieces = if args.ssml {
        ssml::parse(&args.text, &settings).context("reading the SSML")?
    } else {
        vec![Piece::Say {
            text: args.text.clone(),
            settings,
        }]
    };
    if args.text.contains(|letter: char| letter.is_ascii_digit()) {
        eprintln!(
            "algarismos são lidos como a voz quiser; escreva os números por extenso (numbers are best written in words)"
        );
    }
    let chain = match voices(&args.voice) {
        Ok(chain) => chain,
        Err(error) => return refused(&error),
    };
    let (samples, voice) = match speak(&chain, &pieces) {
        Ok(said) => said,
        Err(error) => return refused(&error),
    };
    let bytes = wav::encode(&samples).context("making the WAV file")?;
    std::fs::write(&args.output, bytes)
        .with_context(|| format!("writing {}", args.output.display()))?;
    let level = level::active_dbov(&samples).map(|level| (level * 10.0).round() / 10.0);
    let file = args.output.display().to_string();
    let said = Said {
        file,
        voice,
        samples: samples.len(),
        ms: samples.len() as u64 * 1_000 / u64::from(RATE),
        level_dbov: level,
    };
    out.record(&said, || {
        format!(
            "{}: {} ms, {} dBov, {}",
            said.file,
            said.ms,
            said.level_dbov.unwrap_or_default(),
            said.voice
        )
    });
    Ok(Exit::Ok)
}

fn speak(chain: &Chain, pieces: &[Piece]) -> Result<(Vec<i16>, String), VoiceError> {
    let mut samples = Vec::new();
    let mut voice = String::new();
    for piece in pieces {
        match piece {
            Piece::Pause(millis) => {
                samples.resize(samples.len() + (millis * RATE / 1_000) as usize, 0)
            }
            Piece::Say { text, settings } => {
                let (sound, by) = chain.speak_by(text, settings)?;
                by.clone_into(&mut voice);
                samples.extend(sound);
            }
        }
    }
    Ok((samples, voice))
}

/// The voice that was asked for, and no other: whoever listens to the file wants to know how that voice sounds.
#[cfg(feature = "espeak")]
fn voices(name: &str) -> Result<Chain, VoiceError> {
    let espeak = crate::mouth::tts::espeak::Espeak::open(None)?;
    #[cfg(feature = "piper")]
    if name.ends_with(".onnx") {
        let model = std::path::Path::new(name);
        let piper: Arc<dyn Voice> =
            Arc::new(crate::mouth::tts::piper::Piper::open(model, None, espeak)?);
        return Ok(Chain::new(vec![piper]));
    }
    let _ = name;
    let espeak: Arc<dyn Voice> = Arc::new(espeak);
    Ok(Chain::new(vec![espeak]))
}

#[cfg(not(feature = "espeak"))]
fn voices(_: &str) -> Result<Chain, VoiceError> {
    Ok(Chain::new(Vec::<Arc<dyn Voice>>::new()))
}

fn refused(error: &VoiceError) -> anyhow::Result<Exit> {
    eprintln!("{error}");
    Ok(match error {
        VoiceError::Unavailable { .. } => Exit::Unavailable,
        VoiceError::Failed { .. } => Exit::Failure,
    })
}

/// What measuring callers say, in voices that the acoustic model was not trained on.
#[cfg(feature = "espeak")]
pub(super) fn repertoire() -> anyhow::Result<crate::sim::repertoire::Repertoire> {
    use crate::mouth::tts::espeak::{Espeak, Manner};
    const VOICES: [(&str, u32); 4] = [
        ("pt-br+m5", 150),
        ("pt-br", 145),
        ("pt-br+f4", 150),
        ("pt-br+michel", 140),
    ];
    let espeak = Espeak::open(None)?;
    let speak = |words: &str, n: u64| {
        let (voice, rate) = VOICES[n as usize % VOICES.len()];
        let manner = Manner {
            voice: voice.into(),
            rate,
            ..Manner::default()
        };
        espeak.speak_raw(words, &manner).unwrap_or_default()
    };
    Ok(crate::sim::repertoire::Repertoire::render(
        VOICES.len() as u64,
        &speak,
    ))
}

/// Without a voice callers have nothing to say but a file.
#[cfg(not(feature = "espeak"))]
pub(super) fn repertoire() -> anyhow::Result<crate::sim::repertoire::Repertoire> {
    anyhow::bail!("this program was built without a voice; name a recording with --wav")
}
