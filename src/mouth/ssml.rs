//! The part of SSML 1.1 that a telephone voice needs: pauses, substitutions, sentences, rate and pitch.

use super::tts::Settings;

/// What is spoken, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Say {
        text: String,
        settings: Settings,
    },
    /// Silence, in milliseconds.
    Pause(u32),
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SsmlError {
    #[error("a tag is not closed with `>` at byte {0}")]
    Tag(usize),
    #[error(
        "the element <{0}> is not understood; speak, p, s, break, sub, emphasis and prosody are"
    )]
    Element(String),
    #[error("</{found}> closes nothing, or closes <{open}>")]
    Nesting { found: String, open: String },
    #[error("<{0}> is never closed")]
    Open(String),
    #[error("{attribute}=\"{value}\" in <{element}> is not understood")]
    Attribute {
        element: String,
        attribute: String,
        value: String,
    },
}

/// Pauses longer than this are mistakes.
const LONGEST_PAUSE_MS: u32 = 10_000;
const SENTENCE_PAUSE_MS: u32 = 200;
const PARAGRAPH_PAUSE_MS: u32 = 500;

/// Reads SSML; `settings` hold until `<prosody>` changes them.
pub fn parse(text: &str, settings: &Settings) -> Result<Vec<Piece>, SsmlError> {
    let mut reader = Reader {
        pieces: Vec::new(),
        open: Vec::new(),
        settings: settings.clone(),
        said: String::new(),
    };
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        reader.text(&rest[..start]);
        let end = rest[start..]
            .find('>')
            .ok_or(SsmlError::Tag(text.len() - rest.len() + start))?;
        reader.tag(&rest[start + 1..start + end])?;
        rest = &rest[start + end + 1..];
    }
    reader.text(rest);
    reader.finish()
}

struct Reader {
    pieces: Vec<Piece>,
    /// Elements that are open, with what was before them.
    open: Vec<Open>,
    settings: Settings,
    said: String,
}

struct Open {
    name: String,
    /// The settings outside.
    outer: Settings,
    /// What is said instead of the content of `<sub>`, and what was said before it.
    alias: Option<(String, String)>,
}

impl Reader {
    fn text(&mut self, raw: &str) {
        let plain = raw
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&");
        self.said.push_str(&plain);
    }

    fn tag(&mut self, tag: &str) -> Result<(), SsmlError> {
        if tag.starts_with(['?', '!']) {
            return Ok(());
        }
        if let Some(name) = tag.strip_prefix('/') {
            return self.close(name.trim());
        }
        let empty = tag.ends_with('/');
        let tag = tag.trim_end_matches('/').trim();
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        self.open(name, &read_attributes(attributes))?;
        if empty { self.close(name) } else { Ok(()) }
    }

    fn open(&mut self, name: &str, attributes: &[(String, String)]) -> Result<(), SsmlError> {
        let mut open = Open {
            name: name.to_owned(),
            outer: self.settings.clone(),
            alias: None,
        };
        match name {
            "speak" | "p" | "s" | "emphasis" => {}
            "break" => {
                let millis = pause(attributes)?;
                self.pause(millis);
            }
            "sub" => {
                let alias = attributes
                    .iter()
                    .find(|(key, _)| key == "alias")
                    .map(|(_, value)| value.clone())
                    .unwrap_or_default();
                open.alias = Some((alias, std::mem::take(&mut self.said)));
            }
            "prosody" => {
                self.say();
                for (key, value) in attributes {
                    self.change(key, value)?;
                }
            }
            other => return Err(SsmlError::Element(other.to_owned())),
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), SsmlError> {
        let open = self.open.pop().filter(|open| open.name == name);
        let Some(Open { outer, alias, .. }) = open else {
            let open = self
                .open
                .last()
                .map(|open| open.name.clone())
                .unwrap_or_default();
            return Err(SsmlError::Nesting {
                found: name.to_owned(),
                open,
            });
        };
        if let Some((alias, before)) = alias {
            self.said = before + &alias;
        }
        match name {
            "s" => self.pause(SENTENCE_PAUSE_MS),
            "p" => self.pause(PARAGRAPH_PAUSE_MS),
            "prosody" => self.say(),
            _ => {}
        }
        self.settings = outer;
        Ok(())
    }

    fn change(&mut self, key: &str, value: &str) -> Result<(), SsmlError> {
        let wrong = || SsmlError::Attribute {
            element: "prosody".to_owned(),
            attribute: key.to_owned(),
            value: value.to_owned(),
        };
        let factor = factor(value).ok_or_else(wrong)?;
        match key {
            "rate" => {
                self.settings.rate = (self.settings.rate as f32 * factor)
                    .round()
                    .clamp(80.0, 450.0) as u32
            }
            "pitch" => {
                self.settings.pitch = (self.settings.pitch as f32 * factor)
                    .round()
                    .clamp(0.0, 99.0) as u32
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }

    fn say(&mut self) {
        let text = std::mem::take(&mut self.said)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if text.chars().any(char::is_alphanumeric) {
            self.pieces.push(Piece::Say {
                text,
                settings: self.settings.clone(),
            });
        }
    }

    fn pause(&mut self, millis: u32) {
        self.say();
        match self.pieces.last_mut() {
            Some(Piece::Pause(before)) => *before = (*before).max(millis),
            _ => self.pieces.push(Piece::Pause(millis)),
        }
    }

    fn finish(mut self) -> Result<Vec<Piece>, SsmlError> {
        if let Some(open) = self.open.pop() {
            return Err(SsmlError::Open(open.name));
        }
        self.say();
        Ok(self.pieces)
    }
}

/// `key="value"` pairs; what is not in that form is left out.
fn read_attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let Some(quote) = after
            .chars()
            .next()
            .filter(|letter| matches!(letter, '"' | '\''))
        else {
            break;
        };
        let Some((value, next)) = after[1..].split_once(quote) else {
            break;
        };
        found.push((key.trim().to_owned(), value.to_owned()));
        rest = next;
    }
    found
}

fn pause(attributes: &[(String, String)]) -> Result<u32, SsmlError> {
    let Some((key, value)) = attributes
        .iter()
        .find(|(key, _)| key == "time" || key == "strength")
    else {
        return Ok(SENTENCE_PAUSE_MS);
    };
    let millis = match (key.as_str(), value.as_str()) {
        ("strength", "none") => Some(0.0),
        ("strength", "x-weak" | "weak") => Some(100.0),
        ("strength", "medium") => Some(200.0),
        ("strength", "strong") => Some(400.0),
        ("strength", "x-strong") => Some(700.0),
        ("time", time) => match time.strip_suffix("ms") {
            Some(millis) => millis.trim().parse::<f32>().ok(),
            None => time
                .strip_suffix('s')
                .and_then(|seconds| seconds.trim().parse::<f32>().ok())
                .map(|seconds| seconds * 1_000.0),
        },
        _ => None,
    };
    let valid = millis
        .filter(|millis| (0.0..=LONGEST_PAUSE_MS as f32).contains(millis))
        .map(|millis| millis.round() as u32);
    valid.ok_or_else(|| SsmlError::Attribute {
        element: "break".to_owned(),
        attribute: key.clone(),
        value: value.clone(),
    })
}

/// `"120%"` and `"+20%"`, or the words of the standard, as a factor.
fn factor(value: &str) -> Option<f32> {
    let word = match value {
        "x-slow" | "x-low" => 0.6,
        "slow" | "low" => 0.8,
        "medium" | "default" => 1.0,
        "fast" | "high" => 1.25,
        "x-fast" | "x-high" => 1.6,
        _ => {
            let percent: f32 = value.strip_suffix('%')?.parse().ok()?;
            let relative = value.starts_with(['+', '-']);
            if relative {
                1.0 + percent / 100.0
            } else {
                percent / 100.0
            }
        }
    };
    (0.2..=5.0).contains(&word).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let pieces = parse(text, &Settings::default()).expect("valid");
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Pause(millis) => format!("{millis} ms"),
                Piece::Say { text, settings } => {
                    format!("{text} @{} ^{}", settings.rate, settings.pitch)
                }
            })
            .collect()
    }

    #[test]
    fn pauses_substitutions_and_prosody_are_read() {
        let text = "<?xml version=\"1.0\"?><speak>Bom dia, <sub alias=\"dona\">D.</sub> Maria.<break time=\"0.5s\"/>\
                    <prosody rate=\"slow\" pitch='+20%'>O código &amp; a data</prosody> <s>Anote.</s><s>Fim.</s></speak>";
        let want = [
            "Bom dia, dona Maria. @165 ^50",
            "500 ms",
            "O código & a data @132 ^60",
            "Anote. @165 ^50",
            "200 ms",
            "Fim. @165 ^50",
            "200 ms",
        ];
        assert_eq!(read(text), want);
        assert_eq!(read("sem marcas"), ["sem marcas @165 ^50"]);
    }

    #[test]
    fn mistakes_are_told() {
        let error = |text| parse(text, &Settings::default()).expect_err("a mistake");
        assert_eq!(error("<speak>oi"), SsmlError::Open("speak".to_owned()));
        assert_eq!(error("a <break"), SsmlError::Tag(2));
        assert_eq!(
            error("<audio src='x'/>"),
            SsmlError::Element("audio".to_owned())
        );
        assert!(matches!(error("<s>oi</p>"), SsmlError::Nesting { .. }));
        for wrong in [
            "<break time=\"1h\"/>",
            "<break time='99s'/>",
            "<prosody rate='quick'>a</prosody>",
            "<prosody volume='50%'>a</prosody>",
        ] {
            assert!(
                matches!(error(wrong), SsmlError::Attribute { .. }),
                "{wrong}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "[<>/a-z=\"' %0-9]{0,60}") {
            let _ = parse(&text, &Settings::default());
        }
    }
}
