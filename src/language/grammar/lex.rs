//! Cuts an ABNF grammar (SRGS 1.0 §1.3, appendix D) into tokens.

use super::error::Problem;

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `language pt-BR`, `mode voice`, `root $x`, `tag-format <…>`: keyword and the rest up to `;`.
    Declaration {
        keyword: String,
        value: String,
    },
    Word(String),
    Quoted(String),
    /// `$name`
    Rule(String),
    /// `$<file.gram#rule>`
    External {
        file: String,
        rule: Option<String>,
    },
    Tag(String),
    Repeat {
        min: u32,
        max: Option<u32>,
    },
    Weight(f32),
    Open,
    Close,
    OpenOptional,
    CloseOptional,
    Bar,
    Equals,
    Semicolon,
}

impl Token {
    /// As a message names it.
    pub fn describe(&self) -> String {
        match self {
            Self::Declaration { keyword, .. } => format!("the declaration `{keyword}`"),
            Self::Word(word) | Self::Quoted(word) => format!("`{word}`"),
            Self::Rule(name) => format!("`${name}`"),
            Self::External { file, .. } => format!("the reference to {file}"),
            Self::Tag(tag) => format!("the tag {{{tag}}}"),
            Self::Repeat { .. } => "a repeat".into(),
            Self::Weight(_) => "a weight".into(),
            Self::Open => "`(`".into(),
            Self::Close => "`)`".into(),
            Self::OpenOptional => "`[`".into(),
            Self::CloseOptional => "`]`".into(),
            Self::Bar => "`|`".into(),
            Self::Equals => "`=`".into(),
            Self::Semicolon => "`;`".into(),
        }
    }
}

pub type Mistake = (Place, Problem);

const DECLARATIONS: [&str; 8] = [
    "language",
    "mode",
    "root",
    "tag-format",
    "lexicon",
    "base",
    "meta",
    "http-equiv",
];
/// Repeats are unrolled, so they are bounded.
const REPEAT_LIMIT: u32 = 999;

/// All tokens, and all mistakes on the way.
pub fn tokens(text: &str) -> (Vec<(Place, Token)>, Vec<Mistake>) {
    let mut lexer = Lexer::new(text);
    lexer.header();
    while lexer.token() {}
    (lexer.tokens, lexer.mistakes)
}

struct Lexer {
    text: Vec<char>,
    at: usize,
    place: Place,
    tokens: Vec<(Place, Token)>,
    mistakes: Vec<Mistake>,
}

impl Lexer {
    fn new(text: &str) -> Self {
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .chars()
            .collect();
        Self {
            text,
            at: 0,
            place: Place { line: 1, column: 1 },
            tokens: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn after(&self) -> Option<char> {
        self.text.get(self.at + 1).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        if next == '\n' {
            self.place = Place {
                line: self.place.line + 1,
                column: 1,
            };
        } else {
            self.place.column += 1;
        }
        Some(next)
    }

    fn header(&mut self) {
        if self.peek() != Some('#') {
            return;
        }
        let place = self.place;
        let mut header = String::new();
        while let Some(next) = self.next() {
            if next == ';' || next == '\n' {
                break;
            }
            header.push(next);
        }
        let words: Vec<_> = header.split_whitespace().collect();
        let known = match words.as_slice() {
            ["#ABNF", "1.0"] => true,
            ["#ABNF", "1.0", encoding] => encoding.eq_ignore_ascii_case("utf-8"),
            _ => false,
        };
        if !known {
            self.mistakes
                .push((place, Problem::Header(header.trim().to_owned())));
        }
    }

    /// Reads one token; false at the end of the text.
    fn token(&mut self) -> bool {
        self.skip_blank();
        let place = self.place;
        let Some(next) = self.peek() else {
            return false;
        };
        let single = match next {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '[' => Some(Token::OpenOptional),
            ']' => Some(Token::CloseOptional),
            '|' => Some(Token::Bar),
            '=' => Some(Token::Equals),
            ';' => Some(Token::Semicolon),
            '*' => Some(Token::Repeat { min: 0, max: None }),
            '+' => Some(Token::Repeat { min: 1, max: None }),
            _ => None,
        };
        let read = match (next, single) {
            (_, Some(token)) => {
                self.next();
                Ok(token)
            }
            ('$', None) => self.rule(),
            ('{', None) => self.tag(),
            ('<', None) => self.repeat(),
            ('/', None) => self.weight(),
            ('"', None) => self.delimited('"', "the quoted words").map(Token::Quoted),
            ('!', None) => return self.language(),
            _ => self.word(),
        };
        match read {
            Ok(token) => self.tokens.push((place, token)),
            Err(problem) => self.mistakes.push((place, problem)),
        }
        true
    }

    fn skip_blank(&mut self) {
        loop {
            match (self.peek(), self.after()) {
                (Some(blank), _) if blank.is_whitespace() => {
                    self.next();
                }
                (Some('/'), Some('/')) => while !matches!(self.next(), None | Some('\n')) {},
                (Some('/'), Some('*')) => self.skip_comment(),
                _ => return,
            }
        }
    }

    fn skip_comment(&mut self) {
        let place = self.place;
        self.next();
        self.next();
        while let Some(next) = self.next() {
            if next == '*' && self.peek() == Some('/') {
                self.next();
                return;
            }
        }
        self.mistakes.push((
            place,
            Problem::Unclosed {
                what: "the comment",
            },
        ));
    }

    /// Text between the character here and `end`, which must follow.
    fn delimited(&mut self, end: char, what: &'static str) -> Result<String, Problem> {
        self.next();
        let mut inside = String::new();
        while let Some(next) = self.next() {
            if next == end {
                return Ok(inside);
            }
            inside.push(next);
        }
        Err(Problem::Unclosed { what })
    }

    fn rule(&mut self) -> Result<Token, Problem> {
        self.next();
        if self.peek() == Some('<') {
            let reference = self.delimited('>', "the reference")?;
            // A media type may follow (SRGS 1.0 §2.2.2); there is only one kind of grammar here.
            if self.peek() == Some('~') {
                self.next();
                self.delimited('>', "the media type")?;
            }
            let (file, rule) = match reference.split_once('#') {
                Some((file, rule)) => (file, Some(rule.trim().to_owned())),
                None => (reference.as_str(), None),
            };
            return Ok(Token::External {
                file: file.trim().to_owned(),
                rule,
            });
        }
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if name.is_empty() {
            return Err(Problem::Expected {
                expected: "the name of a rule after `$`",
                found: self.found(),
            });
        }
        Ok(Token::Rule(name))
    }

    fn found(&self) -> String {
        self.peek()
            .map_or_else(|| "the end of the file".into(), |next| format!("`{next}`"))
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(next) = self.peek().filter(|&next| wanted(next)) {
            taken.push(next);
            self.next();
        }
        taken
    }

    /// `{tag}` or `{!{ tag with } inside }!}` (SRGS 1.0 §2.6).
    fn tag(&mut self) -> Result<Token, Problem> {
        let long = self.text[self.at..].starts_with(&['{', '!', '{']);
        if !long {
            return self
                .delimited('}', "the tag")
                .map(|tag| Token::Tag(tag.trim().to_owned()));
        }
        for _ in 0..3 {
            self.next();
        }
        let mut tag = String::new();
        while self.peek().is_some() {
            if self.text[self.at..].starts_with(&['}', '!', '}']) {
                for _ in 0..3 {
                    self.next();
                }
                return Ok(Token::Tag(tag.trim().to_owned()));
            }
            tag.extend(self.next());
        }
        Err(Problem::Unclosed { what: "the tag" })
    }

    /// `<2>`, `<0-3>`, `<1->`, each perhaps with a probability `/0.6/` (SRGS 1.0 §2.5), which is only checked.
    fn repeat(&mut self) -> Result<Token, Problem> {
        let inside = self.delimited('>', "the repeat")?;
        let invalid = || Problem::Repeat(inside.clone());
        let mut parts = inside.split('/');
        let range = parts.next().unwrap_or_default().trim();
        if let Some(probability) = parts.next() {
            parse_weight(probability)
                .filter(|&weight| weight <= 1.0)
                .ok_or_else(invalid)?;
        }
        let number = |text: &str| {
            text.trim()
                .parse::<u32>()
                .ok()
                .filter(|&count| count <= REPEAT_LIMIT)
        };
        let (min, max) = match range.split_once('-') {
            None => (number(range), Some(number(range))),
            Some((min, max)) if max.trim().is_empty() => (number(min), None),
            Some((min, max)) => (number(min), Some(number(max))),
        };
        let min = min.ok_or_else(invalid)?;
        let max = max
            .map(|max| max.filter(|&max| max >= min).ok_or_else(invalid))
            .transpose()?;
        Ok(Token::Repeat { min, max })
    }

    fn weight(&mut self) -> Result<Token, Problem> {
        let inside = self.delimited('/', "the weight")?;
        parse_weight(&inside)
            .map(Token::Weight)
            .ok_or(Problem::Weight(inside))
    }

    /// `!pt-BR` after a word: there is one language here, so it says nothing new.
    fn language(&mut self) -> bool {
        self.next();
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '-');
        true
    }

    fn word(&mut self) -> Result<Token, Problem> {
        let word = self.take_while(|c| !c.is_whitespace() && !"(){}[]|<>=;\"/$*+!".contains(c));
        let Some(first) = word.chars().next() else {
            let odd = self.next().unwrap_or_default();
            return Err(Problem::Character(odd));
        };
        if DECLARATIONS.contains(&word.as_str()) && self.starts_statement() {
            let value = self.take_while(|c| c != ';').trim().to_owned();
            return Ok(Token::Declaration {
                keyword: word,
                value,
            });
        }
        if !word.chars().any(char::is_alphanumeric) {
            return Err(Problem::Character(first));
        }
        Ok(Token::Word(word))
    }

    fn starts_statement(&self) -> bool {
        self.tokens
            .last()
            .is_none_or(|(_, token)| *token == Token::Semicolon)
    }
}

fn parse_weight(text: &str) -> Option<f32> {
    text.trim()
        .parse::<f32>()
        .ok()
        .filter(|weight| weight.is_finite() && *weight >= 0.0)
}
