//! Phrases already rendered. Pure: keeps sound, knows no files and no clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::tts::Settings;

/// What a phrase is found by: its text, the voice that renders it and how.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    /// `voice` is the name of the engine and, where it has several, of its model.
    pub fn new(text: &str, voice: &str, settings: &Settings) -> Self {
        let mut hash = Sha256::new();
        // Lengths first: no two different triples give the same bytes.
        for part in [text, voice, &settings.voice] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(settings.rate.to_le_bytes());
        hash.update(settings.pitch.to_le_bytes());
        Self(hash.finalize().into())
    }

    /// 64 hexadecimal digits: a name for a file that tells nothing of the text.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The text may name a debtor; its hash could be looked up.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The phrases used last, up to a number of bytes.
pub struct PhraseCache {
    phrases: BTreeMap<Key, Phrase>,
    /// The order in which phrases were used, the longest unused first.
    order: BTreeMap<u64, Key>,
    /// Grows with every use.
    uses: u64,
    bytes: usize,
    limit: usize,
    hits: u64,
    misses: u64,
}

struct Phrase {
    sound: Arc<[i16]>,
    used: u64,
}

/// What a cache has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    pub phrases: usize,
    pub bytes: usize,
    pub hits: u64,
    pub misses: u64,
}

impl PhraseCache {
    /// Bytes that a phrase costs besides its samples: two tree entries and the `Arc`.
    const OVERHEAD: usize = 192;

    pub fn new(limit: usize) -> Self {
        Self {
            phrases: BTreeMap::new(),
            order: BTreeMap::new(),
            uses: 0,
            bytes: 0,
            limit,
            hits: 0,
            misses: 0,
        }
    }

    pub fn get(&mut self, key: Key) -> Option<Arc<[i16]>> {
        let Some(phrase) = self.phrases.get_mut(&key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        self.uses += 1;
        self.order.remove(&phrase.used);
        phrase.used = self.uses;
        self.order.insert(self.uses, key);
        Some(phrase.sound.clone())
    }

    /// Keeps a phrase, and lets go of those unused for longest. One that is larger than the whole cache is not kept.
    pub fn insert(&mut self, key: Key, sound: Arc<[i16]>) {
        self.remove(key);
        let cost = Self::cost(&sound);
        if cost > self.limit {
            return;
        }
        while self.bytes + cost > self.limit {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            self.remove(oldest);
        }
        self.uses += 1;
        self.bytes += cost;
        self.order.insert(self.uses, key);
        self.phrases.insert(
            key,
            Phrase {
                sound,
                used: self.uses,
            },
        );
    }

    pub fn stats(&self) -> CacheStats {
        CacheStats {
            phrases: self.phrases.len(),
            bytes: self.bytes,
            hits: self.hits,
            misses: self.misses,
        }
    }

    fn remove(&mut self, key: Key) {
        if let Some(phrase) = self.phrases.remove(&key) {
            self.order.remove(&phrase.used);
            self.bytes -= Self::cost(&phrase.sound);
        }
    }

    fn cost(sound: &[i16]) -> usize {
        size_of_val(sound) + Self::OVERHEAD
    }
}

/// What a file of a cached phrase starts with; the digit changes with the form.
const MAGIC: &[u8; 4] = b"CPH1";

/// A phrase as bytes for a file: mark, CRC-32 of the samples, samples.
pub fn encode(sound: &[i16]) -> Vec<u8> {
    let samples: Vec<u8> = sound
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    let mut bytes = Vec::with_capacity(8 + samples.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&crc32fast::hash(&samples).to_le_bytes());
    bytes.extend_from_slice(&samples);
    bytes
}

/// The phrase in a file, unless a single bit of it is wrong.
pub fn parse(bytes: &[u8]) -> Option<Arc<[i16]>> {
    let (mark, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, samples) = rest.split_first_chunk::<4>()?;
    let whole = mark == MAGIC
        && samples.len() % 2 == 0
        && crc32fast::hash(samples) == u32::from_le_bytes(*sum);
    whole.then(|| {
        samples
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text, "espeak", &Settings::default())
    }

    #[test]
    fn text_voice_and_settings_all_count() {
        let slow = Settings {
            rate: 120,
            ..Settings::default()
        };
        let keys = [
            key("a"),
            key("b"),
            Key::new("a", "piper", &Settings::default()),
            Key::new("a", "espeak", &slow),
        ];
        for (n, one) in keys.iter().enumerate() {
            assert!(keys[n + 1..].iter().all(|other| one != other));
        }
        assert_ne!(Key::new("ab", "c", &slow), Key::new("a", "bc", &slow));
        assert_eq!(key("a").to_hex().len(), 64);
        assert_eq!(format!("{:?}", key("Maria")), "Key(…)");
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let one = 1_000 * 2 + PhraseCache::OVERHEAD;
        let mut cache = PhraseCache::new(3 * one);
        for text in ["a", "b", "c"] {
            cache.insert(key(text), vec![1; 1_000].into());
        }
        assert!(cache.get(key("a")).is_some());
        cache.insert(key("d"), vec![1; 1_000].into());
        assert!(cache.get(key("b")).is_none());
        assert!(
            cache.get(key("a")).is_some()
                && cache.get(key("c")).is_some()
                && cache.get(key("d")).is_some()
        );
        assert_eq!(
            cache.stats(),
            CacheStats {
                phrases: 3,
                bytes: 3 * one,
                hits: 4,
                misses: 1
            }
        );
    }

    #[test]
    fn what_is_larger_than_the_cache_changes_nothing() {
        let mut cache = PhraseCache::new(1_000);
        cache.insert(key("a"), vec![1; 100].into());
        cache.insert(key("b"), vec![1; 1_000].into());
        assert!(cache.get(key("a")).is_some() && cache.get(key("b")).is_none());
    }

    proptest::proptest! {
        #[test]
        fn the_limit_holds_and_the_books_balance(steps in proptest::collection::vec((0_u8..20, 0_usize..400, proptest::bool::ANY), 0..200)) {
            let mut cache = PhraseCache::new(5_000);
            for (name, length, put) in steps {
                let key = key(&name.to_string());
                if put { cache.insert(key, vec![0; length].into()) } else { let _ = cache.get(key); }
                let bytes: usize = cache.phrases.values().map(|phrase| PhraseCache::cost(&phrase.sound)).sum();
                proptest::prop_assert!(cache.bytes == bytes && bytes <= 5_000);
                proptest::prop_assert_eq!(cache.order.len(), cache.phrases.len());
            }
        }
    }

    #[test]
    fn a_damaged_file_is_no_phrase() {
        let bytes = encode(&[1, -2, 30_000]);
        assert_eq!(parse(&bytes).as_deref(), Some(&[1, -2, 30_000][..]));
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert_eq!(parse(&wrong), None, "byte {at}");
            assert_eq!(parse(&bytes[..at]), None);
        }
    }
}
