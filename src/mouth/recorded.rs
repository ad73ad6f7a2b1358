//! Prompts that a person recorded: used whenever a recording of that exact text exists.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::media::{level, wav};

/// The recordings, by their text.
#[derive(Default)]
pub struct Recorded {
    sounds: BTreeMap<String, Arc<[i16]>>,
}

/// `audio/index.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    #[serde(default)]
    recording: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The words, exactly as the prompt has them.
    text: String,
    /// A WAV file beside the index.
    file: String,
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedError {
    #[error("the index of the recordings")]
    Index(#[from] toml::de::Error),
    #[error("the recording {file} is missing")]
    Missing { file: String },
    #[error("the recording {file}")]
    Wav { file: String, source: wav::WavError },
    #[error("the recording {file} is silent")]
    Silent { file: String },
    #[error("the text of the recording {file} is already that of another")]
    Twice { file: String },
}

impl Recorded {
    /// Reads the index and the files that it names; `read` gives the bytes of a file beside it. All mistakes at once.
    pub fn load(
        index: &str,
        read: &dyn Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<Self, Vec<RecordedError>> {
        let index: Index = toml::from_str(index).map_err(|error| vec![error.into()])?;
        let mut sounds = BTreeMap::new();
        let mut mistakes = Vec::new();
        for entry in index.recording {
            match sound(&entry, read) {
                Ok(_) if sounds.contains_key(&normal(&entry.text)) => {
                    mistakes.push(RecordedError::Twice { file: entry.file })
                }
                Ok(sound) => drop(sounds.insert(normal(&entry.text), sound)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if mistakes.is_empty() {
            Ok(Self { sounds })
        } else {
            Err(mistakes)
        }
    }

    /// The recording of exactly these words, as loud as the voices are.
    pub fn find(&self, text: &str) -> Option<Arc<[i16]>> {
        self.sounds.get(&normal(text)).cloned()
    }

    pub fn len(&self) -> usize {
        self.sounds.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sounds.is_empty()
    }
}

fn sound(
    entry: &Entry,
    read: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Result<Arc<[i16]>, RecordedError> {
    let file = || entry.file.clone();
    let bytes = read(&entry.file).ok_or_else(|| RecordedError::Missing { file: file() })?;
    let mut samples = wav::read(&bytes).map_err(|source| RecordedError::Wav {
        file: file(),
        source,
    })?;
    level::active_dbov(&samples).ok_or_else(|| RecordedError::Silent { file: file() })?;
    level::normalise(&mut samples, level::TARGET_DBOV);
    Ok(samples.into())
}

/// Spaces and line ends carry no words.
fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone() -> Vec<u8> {
        let samples: Vec<i16> = (0..8_000)
            .map(|n| (1_000.0 * (f64::from(n) * 0.5).sin()) as i16)
            .collect();
        wav::encode(&samples).expect("memory")
    }

    #[test]
    fn the_exact_text_finds_its_recording_at_the_right_level() {
        let index =
            "[[recording]]\ntext = \"\"\"Bom dia.\nQuem fala?\"\"\"\nfile = \"bom_dia.wav\"\n";
        let recorded = Recorded::load(index, &|name| (name == "bom_dia.wav").then(tone))
            .expect("all is there");
        let sound = recorded
            .find("Bom dia.  Quem fala?")
            .expect("the same words");
        let level = level::active_dbov(&sound).expect("sounds");
        assert!((level - level::TARGET_DBOV).abs() < 0.5, "{level}");
        assert!(recorded.find("Bom dia. Quem falou?").is_none());
        assert!(
            Recorded::load("", &|_| None)
                .expect("empty is fine")
                .is_empty()
        );
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let index = "[[recording]]\ntext = \"a\"\nfile = \"a.wav\"\n[[recording]]\ntext = \"a\"\nfile = \"a.wav\"\n\
                     [[recording]]\ntext = \"b\"\nfile = \"b.wav\"\n[[recording]]\ntext = \"c\"\nfile = \"c.wav\"\n";
        let silence = || wav::encode(&[0; 100]).expect("memory");
        let read = |name: &str| match name {
            "a.wav" => Some(tone()),
            "c.wav" => Some(silence()),
            _ => None,
        };
        let mistakes = Recorded::load(index, &read).err().expect("three mistakes");
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(Recorded::load("recordings = 1", &|_| None).is_err());
    }
}
