//! Where a phrase's sound comes from: a recording, the cache in memory, the cache on disk, or a voice.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::mouth::cache::{self, CacheStats, Key, PhraseCache};
use crate::mouth::recorded::{Recorded, RecordedError};
use crate::mouth::tts::{Chain, Settings, VoiceError};

/// Whether a phrase may outlive the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The words are the script's own: the file tells nothing about anyone.
    OnDisk,
    /// The words name a person, an amount or a date.
    InMemory,
}

/// All the phrases of a server, shared by its calls.
pub struct Phrases {
    chain: Chain,
    /// Which voices speak: part of every key.
    voices: String,
    recorded: Recorded,
    memory: Mutex<PhraseCache>,
    disk: Option<Disk>,
}

impl Phrases {
    /// Phrases of `chain`, of which the last `bytes` of sound stay in memory.
    pub fn new(chain: Chain, bytes: usize) -> Self {
        Self {
            voices: chain.names().join("+"),
            chain,
            recorded: Recorded::default(),
            memory: Mutex::new(PhraseCache::new(bytes)),
            disk: None,
        }
    }

    #[must_use]
    pub fn with_recordings(mut self, recorded: Recorded) -> Self {
        self.recorded = recorded;
        self
    }

    /// What else tells these voices from others, such as the file of a model.
    #[must_use]
    pub fn with_identity(mut self, more: &str) -> Self {
        self.voices = format!("{} {more}", self.voices);
        self
    }

    /// Keeps the script's own phrases in `directory` too, at most `bytes` of them.
    #[must_use]
    pub fn with_directory(mut self, directory: PathBuf, bytes: u64) -> Self {
        self.disk = Some(Disk {
            directory,
            limit: bytes,
            writing: Mutex::new(()),
        });
        self
    }

    /// The sound of `text`. Blocks while a voice renders: milliseconds with espeak, tenths of a second with piper.
    pub fn sound(
        &self,
        text: &str,
        settings: &Settings,
        keep: Keep,
    ) -> Result<Arc<[i16]>, VoiceError> {
        if let Some(sound) = self.recorded.find(text) {
            return Ok(sound);
        }
        let key = Key::new(text, &self.voices, settings);
        if let Some(sound) = self.memory.lock().get(key) {
            return Ok(sound);
        }
        let disk = self.disk.as_ref().filter(|_| keep == Keep::OnDisk);
        if let Some(sound) = disk.and_then(|disk| disk.read(key)) {
            self.memory.lock().insert(key, sound.clone());
            return Ok(sound);
        }
        self.render(text, settings, key, disk)
    }

    /// The sound of `text`, if no voice is needed for it.
    pub fn ready(&self, text: &str, settings: &Settings) -> Option<Arc<[i16]>> {
        let key = || Key::new(text, &self.voices, settings);
        self.recorded
            .find(text)
            .or_else(|| self.memory.lock().get(key()))
    }

    pub fn stats(&self) -> CacheStats {
        self.memory.lock().stats()
    }

    /// How often each voice has failed since the start.
    pub fn failures(&self) -> Vec<(&'static str, u64)> {
        self.chain.failures()
    }

    fn render(
        &self,
        text: &str,
        settings: &Settings,
        key: Key,
        disk: Option<&Disk>,
    ) -> Result<Arc<[i16]>, VoiceError> {
        let (samples, by) = self.chain.speak_by(text, settings)?;
        let sound: Arc<[i16]> = samples.into();
        // What a fallback said must not stay when the preferred voice is back.
        if self.chain.names().first() == Some(&by) {
            self.memory.lock().insert(key, sound.clone());
            if let Some(disk) = disk {
                disk.write(key, &sound);
            }
        }
        Ok(sound)
    }
}

/// Reads the recordings of a directory that has an `index.toml`; none when it has not.
pub fn recordings(directory: &Path) -> Result<Recorded, Vec<RecordedError>> {
    let Ok(index) = fs::read_to_string(directory.join("index.toml")) else {
        return Ok(Recorded::default());
    };
    Recorded::load(&index, &|name| {
        let inside = Path::new(name)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        inside
            .then(|| fs::read(directory.join(name)).ok())
            .flatten()
    })
}

/// A directory of phrases. Losing it costs time, so nothing that goes wrong here is an error.
struct Disk {
    directory: PathBuf,
    limit: u64,
    /// One writer at a time keeps the limit.
    writing: Mutex<()>,
}

impl Disk {
    fn read(&self, key: Key) -> Option<Arc<[i16]>> {
        let path = self.path(key);
        let sound = cache::parse(&fs::read(&path).ok()?);
        if sound.is_none() {
            tracing::warn!(path = %path.display(), "a cached phrase is damaged and is rendered again");
        }
        sound
    }

    /// Writes beside and renames, so that no reader sees half a phrase.
    fn write(&self, key: Key, sound: &[i16]) {
        let bytes = cache::encode(sound);
        let _one = self.writing.lock();
        let written = fs::create_dir_all(&self.directory)
            .and_then(|()| self.make_room(bytes.len() as u64))
            .and_then(|()| fs::write(self.path(key).with_extension("new"), &bytes))
            .and_then(|()| fs::rename(self.path(key).with_extension("new"), self.path(key)));
        if let Err(error) = written {
            tracing::warn!(%error, "a phrase could not be kept on disk");
        }
    }

    /// Deletes the oldest files until `more` bytes fit.
    fn make_room(&self, more: u64) -> std::io::Result<()> {
        let mut files: Vec<_> = fs::read_dir(&self.directory)?
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "phrase"))
            .filter_map(|entry| {
                entry
                    .metadata()
                    .ok()
                    .map(|meta| (meta.modified().ok(), entry.path(), meta.len()))
            })
            .collect();
        files.sort();
        let mut total: u64 = more + files.iter().map(|(_, _, length)| length).sum::<u64>();
        for (_, path, length) in files {
            if total <= self.limit {
                break;
            }
            fs::remove_file(path)?;
            total -= length;
        }
        Ok(())
    }

    fn path(&self, key: Key) -> PathBuf {
        self.directory.join(key.to_hex()).with_extension("phrase")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::mouth::tts::Voice;

    /// Says as many samples as its text has bytes, and counts how often it was asked.
    #[derive(Default)]
    struct Parrot(AtomicUsize);

    impl Voice for Parrot {
        fn name(&self) -> &'static str {
            "parrot"
        }

        fn speak(&self, text: &str, _: &Settings) -> Result<Vec<i16>, VoiceError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(vec![7; text.len()])
        }
    }

    fn phrases(parrot: &Arc<Parrot>, directory: &Path) -> Phrases {
        Phrases::new(Chain::new(vec![parrot.clone()]), 100_000)
            .with_directory(directory.to_owned(), 400)
    }

    #[test]
    fn a_phrase_is_rendered_once_and_survives_a_restart() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let parrot = Arc::new(Parrot::default());
        let settings = Settings::default();
        for _ in 0..2 {
            let phrases = phrases(&parrot, directory.path());
            for _ in 0..3 {
                assert_eq!(
                    phrases
                        .sound("bom dia", &settings, Keep::OnDisk)
                        .expect("speaks")
                        .len(),
                    7
                );
            }
            assert!(
                phrases.ready("bom dia", &settings).is_some()
                    && phrases.ready("boa noite", &settings).is_none()
            );
        }
        assert_eq!(parrot.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_names_a_person_never_reaches_the_disk() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let phrases = phrases(&Arc::default(), directory.path());
        phrases
            .sound("bom dia, Maria", &Settings::default(), Keep::InMemory)
            .expect("speaks");
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 0);
    }

    #[test]
    fn a_damaged_file_is_a_miss_and_the_directory_stays_small() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let parrot = Arc::new(Parrot::default());
        let say = |text: &str| {
            phrases(&parrot, directory.path())
                .sound(text, &Settings::default(), Keep::OnDisk)
                .expect("speaks")
        };
        say("bom dia");
        for entry in fs::read_dir(directory.path()).expect("readable").flatten() {
            fs::write(entry.path(), b"CPH1 damaged").expect("writable");
        }
        assert_eq!(say("bom dia").len(), 7);
        assert_eq!(parrot.0.load(Ordering::Relaxed), 2);
        for n in 0..20 {
            say(&format!("frase número {n} com algumas palavras"));
        }
        let total: u64 = fs::read_dir(directory.path())
            .expect("readable")
            .flatten()
            .filter_map(|e| e.metadata().ok())
            .map(|m| m.len())
            .sum();
        assert!(total <= 400, "{total}");
    }

    #[test]
    fn a_recording_outside_its_directory_is_not_read() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(
            directory.path().join("index.toml"),
            "[[recording]]\ntext = \"a\"\nfile = \"../../etc/hostname\"\n",
        )
        .expect("writable");
        assert!(matches!(
            recordings(directory.path()).err().as_deref(),
            Some([RecordedError::Missing { .. }])
        ));
        assert!(recordings(Path::new("/nowhere")).expect("none").is_empty());
    }
}
