//! Where every key and value of a script stands.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mind::script::place;

/// A place in a file. Line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

/// The places of all files, by path of key: `state.abertura.on.SIM`, `state.abertura.say.0`.
#[derive(Debug, Default)]
pub struct Places {
    texts: BTreeMap<String, String>,
    spots: BTreeMap<String, Spot>,
}

#[derive(Clone, Debug)]
struct Spot {
    file: String,
    key: Range<usize>,
    value: Range<usize>,
}

impl Places {
    /// Adds what stands in a file. Keys that another file has given already keep their first place.
    pub fn add(&mut self, file: &str, text: &str, table: &DeTable<'_>) {
        self.texts.insert(file.to_owned(), text.to_owned());
        self.table(file, "", table);
    }

    fn table(&mut self, file: &str, above: &str, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let path = join(above, key.get_ref());
            self.spot(file, &path, key.span(), value.span());
            self.value(file, &path, value);
        }
    }

    fn value(&mut self, file: &str, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(file, path, table),
            DeValue::Array(array) => {
                for (nth, item) in array.iter().enumerate() {
                    let path = join(path, &nth.to_string());
                    self.spot(file, &path, item.span(), item.span());
                    self.value(file, &path, item);
                }
            }
            _ => {}
        }
    }

    fn spot(&mut self, file: &str, path: &str, key: Range<usize>, value: Range<usize>) {
        self.spots.entry(path.to_owned()).or_insert(Spot {
            file: file.to_owned(),
            key,
            value,
        });
    }

    /// The place of `needle` in the value of a key; of the key where there is no such thing in it; of what stands above
    /// where there is no such key.
    pub fn find(&self, path: &str, needle: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(spot) = self.spots.get(path) {
                return self.in_spot(spot, needle);
            }
            match path.rsplit_once('.') {
                Some((above, _)) => path = above,
                None => {
                    let file = self.texts.keys().next().cloned().unwrap_or_default();
                    return Place {
                        file,
                        line: 1,
                        column: 1,
                    };
                }
            }
        }
    }

    /// Whether a key stands in some file.
    pub fn has(&self, path: &str) -> bool {
        self.spots.contains_key(path)
    }

    /// The file in which a key was given first.
    pub fn file_of(&self, path: &str) -> Option<&str> {
        self.spots.get(path).map(|spot| spot.file.as_str())
    }

    fn in_spot(&self, spot: &Spot, needle: &str) -> Place {
        let text = self.texts.get(&spot.file).map_or("", String::as_str);
        let inside = text.get(spot.value.clone()).unwrap_or_default();
        let offset = if needle.is_empty() {
            spot.key.start
        } else {
            inside
                .find(needle)
                .map_or(spot.key.start, |at| spot.value.start + at)
        };
        let (line, column) = place(text, offset);
        Place {
            file: spot.file.clone(),
            line,
            column,
        }
    }
}

pub fn join(above: &str, key: &str) -> String {
    if above.is_empty() {
        key.to_owned()
    } else {
        format!("{above}.{key}")
    }
}
