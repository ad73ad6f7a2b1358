//! The form of the files: TOML, sections, keys and types. What is wrong is told and left out; the rest is read.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::places::{Places, join};
use super::{Finding, nearest};
use crate::mind::disposition;
use crate::mind::facts::{Condition, ConditionError};
use crate::mind::script::{Milestone, Script, Verb, place};

/// What was read.
pub struct Form {
    pub places: Places,
    pub script: Option<Script>,
    pub findings: Vec<Finding>,
    /// Whether all of every file could be read.
    pub whole: bool,
}

/// What a key holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Texts,
    Flag,
    /// A whole number between two others.
    Number(i64, i64),
    /// A state, or a list of cases.
    Route,
    /// Routes by intent or outcome.
    Routes,
    Verb,
    /// A disposition.
    Code,
    Milestone,
}

use Shape::{Code, Flag, Number, Route, Routes, Text, Texts};

type Keys = &'static [(&'static str, Shape)];

const HEADER: Keys = &[
    ("name", Text),
    ("version", Number(0, u32::MAX as i64)),
    ("start", Text),
    ("bot", Text),
    ("limit_s", Number(30, 1_800)),
    ("repairs", Number(1, 20)),
    ("attempts", Number(1, 5)),
    ("turns", Number(4, 200)),
];
const GLOBAL: Keys = &[
    ("listen", Texts),
    ("on", Routes),
    ("noinput", Texts),
    ("nomatch", Texts),
    ("silence", Route),
    ("confusion", Route),
    ("overtime", Route),
    ("hold", Texts),
    ("patience", Route),
    ("filler", Text),
];
const STATE: Keys = &[
    ("say", Texts),
    ("again", Texts),
    ("mandatory", Flag),
    ("legal", Flag),
    ("replaces", Flag),
    ("listen", Texts),
    ("digits", Number(1, 20)),
    ("keys", Number(1, 20)),
    ("noinput_s", Number(2, 60)),
    ("on", Routes),
    ("do", Shape::Verb),
    ("next", Route),
    ("end", Code),
    ("mark", Code),
    ("message", Text),
    ("detour", Flag),
    ("attempts", Number(1, 5)),
    ("at_most", Number(1, 20)),
    ("beyond", Route),
    ("noinput", Texts),
    ("nomatch", Texts),
    ("silence", Route),
    ("confusion", Route),
];
const NOTICE: Keys = &[("words", Texts), ("before", Shape::Milestone)];
const SECTIONS: &[&str] = &["script", "global", "state", "message", "notice"];

/// Reads all files.
pub fn read(files: &BTreeMap<String, String>) -> Form {
    let mut reader = Reader {
        places: Places::default(),
        findings: Vec::new(),
        merged: Table::new(),
        whole: true,
        file: String::new(),
        text: String::new(),
    };
    for (file, text) in files {
        let (table, errors) = DeTable::parse_recoverable(text);
        reader.file.clone_from(file);
        reader.text.clone_from(text);
        // One slip of the pen makes many mistakes: the first of each section is the one to mend.
        let mut told = None;
        for error in errors {
            reader.whole = false;
            let at = opened(text, error.span().map_or(0, |span| span.start));
            let section = text.get(..at).map(|before| before.matches("\n[").count());
            if std::mem::replace(&mut told, section) == section && section.is_some() {
                continue;
            }
            reader.tell(at, "syntax", error.message(), remedy_of(error.message()));
        }
        reader.sections(table.get_ref());
        reader.places.add(file, text, table.get_ref());
    }
    reader.require("script", &["name", "version", "start", "bot"]);
    let script = Value::Table(reader.merged).try_into::<Script>();
    if let Err(error) = &script
        && reader.findings.is_empty()
    {
        reader.findings.push(Finding {
            file: files.keys().next().cloned().unwrap_or_default(),
            line: 1,
            column: 1,
            rule: "syntax",
            message: error.message().to_owned(),
            remedy: "see docs/script.md".to_owned(),
            path: Vec::new(),
        });
    }
    Form {
        places: reader.places,
        script: script.ok(),
        findings: reader.findings,
        whole: reader.whole,
    }
}

/// Where a list was opened that is still open where the mistake was seen; otherwise where it was seen.
fn opened(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    let line_at = |end: usize| before[..end].rfind('\n').map_or(0, |newline| newline + 1);
    let start = line_at(before.len());
    let Some(end) = start.checked_sub(1) else {
        return at;
    };
    let above = line_at(end);
    let line = &before[above..end];
    let is_open = line.contains("= [") && line.matches('[').count() > line.matches(']').count();
    if is_open { above } else { at }
}

/// What to do about a mistake of TOML.
fn remedy_of(message: &str) -> &'static str {
    let has = |word: &str| message.contains(word);
    if has("duplicate") {
        "keep one of the two"
    } else if has("string") || has("quote") {
        "close the text with the quotation mark that opened it"
    } else if has("array") || has("]") {
        "close the list with `]`, and part its items with commas"
    } else {
        "write key = value; texts in quotation marks, lists in [ ]"
    }
}

struct Reader {
    places: Places,
    findings: Vec<Finding>,
    merged: Table,
    whole: bool,
    file: String,
    text: String,
}

impl Reader {
    fn tell(
        &mut self,
        at: usize,
        rule: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (line, column) = place(&self.text, at);
        self.findings.push(Finding {
            file: self.file.clone(),
            line,
            column,
            rule,
            message: message.into(),
            remedy: remedy.into(),
            path: Vec::new(),
        });
    }

    fn sections(&mut self, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let DeValue::Table(inner) = value.get_ref() else {
                let message = match SECTIONS.contains(&name) {
                    true => format!("`{name}` is a section, not a value"),
                    false => format!("`{name}` stands in no section"),
                };
                self.tell(
                    key.span().start,
                    "unknown-key",
                    message,
                    "begin a section first: [state.name]",
                );
                continue;
            };
            match name {
                "script" => self.one("script", HEADER, inner, key.span().start),
                "global" => self.one("global", GLOBAL, inner, key.span().start),
                "state" => self.many("state", STATE, inner),
                "notice" => self.many("notice", NOTICE, inner),
                "message" => self.messages(inner),
                _ => {
                    let remedy = nearest(name, SECTIONS.iter());
                    self.tell(
                        key.span().start,
                        "unknown-key",
                        format!("there is no section [{name}]"),
                        remedy,
                    );
                }
            }
        }
    }

    /// A section that stands once in all files.
    fn one(&mut self, section: &str, keys: Keys, table: &DeTable<'_>, at: usize) {
        let read = self.keys(section, keys, table);
        if self.places.has(section) {
            let first = self.places.file_of(section).unwrap_or_default().to_owned();
            let message = format!("[{section}] stands in {first} already");
            self.tell(at, "duplicate", message, "keep one");
            return;
        }
        self.merged.insert(section.to_owned(), Value::Table(read));
    }

    fn many(&mut self, section: &str, keys: Keys, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let path = join(section, name);
            let DeValue::Table(inner) = value.get_ref() else {
                self.tell(
                    key.span().start,
                    "wrong-type",
                    format!("`{path}` is a section, not a value"),
                    format!("write [{path}]"),
                );
                continue;
            };
            let read = self.keys(&path, keys, inner);
            if section == "notice"
                && !["words", "before"]
                    .iter()
                    .all(|key| read.contains_key(*key))
            {
                self.tell(
                    key.span().start,
                    "missing-key",
                    format!("[{path}] wants `words` and `before`"),
                    "add words = [\"…\"] and before = \"identificacao\"",
                );
                continue;
            }
            self.put(section, name, Value::Table(read), key.span().start);
        }
    }

    fn messages(&mut self, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            match value.get_ref() {
                DeValue::String(text) => {
                    let value = Value::String(text.as_ref().to_owned());
                    self.put("message", name, value, key.span().start);
                }
                _ => self.tell(
                    key.span().start,
                    "wrong-type",
                    format!("message.{name} is a text"),
                    "write it in quotation marks",
                ),
            }
        }
    }

    /// Adds an entry, unless another file has it: then one of the two has to say that it takes the other's place.
    fn put(&mut self, section: &str, name: &str, value: Value, at: usize) {
        let replaces = |value: &Value| value.get("replaces").and_then(Value::as_bool) == Some(true);
        let known = self
            .merged
            .get(section)
            .and_then(|entries| entries.get(name));
        match known {
            Some(known) if replaces(known) => return,
            Some(_) if !replaces(&value) => {
                let path = join(section, name);
                let first = self.places.file_of(&path).unwrap_or_default().to_owned();
                let message = format!("[{path}] stands in {first} already");
                let remedy = "keep one, or write replaces = true in the one that holds";
                return self.tell(at, "duplicate", message, remedy);
            }
            _ => {}
        }
        if let Some(entries) = self
            .merged
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
        {
            entries.insert(name.to_owned(), value);
        }
    }

    /// The keys of a section that are right.
    fn keys(&mut self, section: &str, keys: Keys, table: &DeTable<'_>) -> Table {
        let mut read = Table::new();
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let Some((_, shape)) = keys.iter().find(|(known, _)| *known == name) else {
                let message = format!("[{section}] has no key `{name}`");
                let remedy = nearest(name, keys.iter().map(|(known, _)| known));
                self.tell(key.span().start, "unknown-key", message, remedy);
                continue;
            };
            if let Some(value) = self.value(&join(section, name), *shape, value) {
                read.insert(name.to_owned(), value);
            }
        }
        read
    }

    fn value(&mut self, path: &str, shape: Shape, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let at = value.span().start;
        match (shape, value.get_ref()) {
            (Text, DeValue::String(text)) => Some(Value::String(text.as_ref().to_owned())),
            (Flag, DeValue::Boolean(flag)) => Some(Value::Boolean(*flag)),
            (Number(least, most), DeValue::Integer(number)) => {
                let n = i64::from_str_radix(number.as_str(), number.radix()).ok();
                if n.is_some_and(|n| (least..=most).contains(&n)) {
                    return n.map(Value::Integer);
                }
                let message = format!(
                    "{path} is {}, and goes from {least} to {most}",
                    number.as_str()
                );
                let remedy = format!("write a number from {least} to {most}");
                self.tell(at, "limit", message, remedy);
                None
            }
            (Texts, DeValue::Array(items)) => {
                let mut texts = Vec::new();
                for item in items.iter() {
                    match item.get_ref() {
                        DeValue::String(text) => {
                            texts.push(Value::String(text.as_ref().to_owned()))
                        }
                        _ => self.mistyped(path, item.span().start, Text),
                    }
                }
                Some(Value::Array(texts))
            }
            (Shape::Verb, DeValue::String(name)) => {
                let known = Verb::named(name).is_some();
                if !known {
                    let message = format!("{path}: there is nothing called `{name}` to do");
                    self.tell(
                        at,
                        "unknown-verb",
                        message,
                        nearest(name, Verb::NAMES.iter()),
                    );
                }
                known.then(|| Value::String(name.as_ref().to_owned()))
            }
            (Shape::Milestone, DeValue::String(name)) => {
                let known = Milestone::NAMES.contains(&name.as_ref());
                if !known {
                    let message = format!("{path}: nothing is called `{name}`");
                    let remedy = nearest(name, Milestone::NAMES.iter());
                    self.tell(at, "unknown-milestone", message, remedy);
                }
                known.then(|| Value::String(name.as_ref().to_owned()))
            }
            (Code, DeValue::String(name)) => {
                let keeps = path.ends_with(".end") && name == "@mantem";
                if !keeps && disposition::codes().all(|code| code != name.as_ref()) {
                    let message = format!("{path}: there is no disposition `{name}`");
                    let remedy = nearest(name, disposition::codes());
                    self.tell(at, "unknown-disposition", message, remedy);
                }
                // The state ends the call all the same.
                Some(Value::String(name.as_ref().to_owned()))
            }
            (Route, _) => self.route(path, value),
            (Routes, DeValue::Table(routes)) => {
                let mut read = Table::new();
                for (key, value) in routes.iter() {
                    let name = key.get_ref().as_ref();
                    if let Some(route) = self.route(&join(path, name), value) {
                        read.insert(name.to_owned(), route);
                    }
                }
                Some(Value::Table(read))
            }
            _ => {
                self.mistyped(path, at, shape);
                None
            }
        }
    }

    fn mistyped(&mut self, path: &str, at: usize, shape: Shape) {
        let (what, remedy) = match shape {
            Text | Shape::Verb | Code | Shape::Milestone => {
                ("a text", "write it in quotation marks")
            }
            Texts => ("a list of texts", "write it in brackets: [\"…\"]"),
            Flag => (
                "true or false",
                "write true or false, without quotation marks",
            ),
            Number(..) => ("a whole number", "write it without quotation marks"),
            Route => (
                "a state, or a list of cases",
                "write \"state\" or [{ when = \"…\", to = \"…\" }, { to = \"…\" }]",
            ),
            Routes => ("a section of routes", "write INTENT = \"state\" under it"),
        };
        self.tell(at, "wrong-type", format!("{path} is {what}"), remedy);
    }

    fn route(&mut self, path: &str, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        match value.get_ref() {
            DeValue::String(state) => Some(Value::String(state.as_ref().to_owned())),
            DeValue::Array(cases) => {
                let read: Vec<Value> = cases
                    .iter()
                    .filter_map(|case| self.case(path, case))
                    .collect();
                Some(Value::Array(read))
            }
            _ => {
                self.mistyped(path, value.span().start, Route);
                None
            }
        }
    }

    fn case(&mut self, path: &str, case: &Spanned<DeValue<'_>>) -> Option<Value> {
        let DeValue::Table(table) = case.get_ref() else {
            self.mistyped(path, case.span().start, Route);
            return None;
        };
        let mut read = Table::new();
        for (key, value) in table.iter() {
            let (name, at) = (key.get_ref().as_ref(), value.span().start);
            match (name, value.get_ref()) {
                ("when", DeValue::String(text)) => {
                    if let Err(error) = Condition::parse(text) {
                        let rule = match error {
                            ConditionError::Unknown(_) => "unknown-fact",
                            _ => "mistyped-fact",
                        };
                        let remedy = match &error {
                            ConditionError::Unknown(fact) => {
                                super::closest(fact, Condition::facts()).map_or_else(
                                    || error.remedy(),
                                    |near| format!("did you mean `{near}`?"),
                                )
                            }
                            _ => error.remedy(),
                        };
                        self.tell(at, rule, format!("{path}: {error}"), remedy);
                        return None;
                    }
                    read.insert("when".into(), Value::String(text.as_ref().to_owned()));
                }
                ("to", DeValue::String(text)) => {
                    read.insert("to".into(), Value::String(text.as_ref().to_owned()));
                }
                ("when" | "to", _) => self.mistyped(&join(path, name), at, Text),
                _ => {
                    let message = format!("{path}: a case has no key `{name}`");
                    let remedy = nearest(name, ["when", "to"].iter());
                    self.tell(key.span().start, "unknown-key", message, remedy);
                }
            }
        }
        if !read.contains_key("to") {
            let message = format!("{path}: a case leads nowhere");
            self.tell(
                case.span().start,
                "missing-key",
                message,
                "add to = \"state\"",
            );
            return None;
        }
        Some(Value::Table(read))
    }

    fn require(&mut self, section: &str, keys: &[&str]) {
        let known = self.merged.get(section).and_then(Value::as_table);
        let missing: Vec<&str> = keys
            .iter()
            .filter(|key| known.is_none_or(|known| !known.contains_key(**key)))
            .copied()
            .collect();
        for key in missing {
            // A key of the wrong type was told already.
            if self.places.has(&join(section, key)) {
                continue;
            }
            let place = self.places.find(section, "");
            self.findings.push(Finding {
                file: place.file,
                line: place.line,
                column: place.column,
                rule: "missing-key",
                message: format!("[{section}] has no `{key}`"),
                remedy: format!("add {key} = … under [{section}]"),
                path: Vec::new(),
            });
        }
        // What is missing is filled in with something harmless, so that the rest can be checked.
        let header = self
            .merged
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()));
        if let Some(header) = header.as_table_mut() {
            for key in keys.iter().filter(|key| **key != "version") {
                if !header.contains_key(*key) {
                    self.whole = false;
                    header.insert((*key).to_owned(), Value::String(String::new()));
                }
            }
            if !header.contains_key("version") {
                header.insert("version".into(), Value::Integer(0));
            }
        }
        if !self.merged.contains_key("state") {
            self.merged
                .insert("state".into(), Value::Table(Table::new()));
        }
    }
}
