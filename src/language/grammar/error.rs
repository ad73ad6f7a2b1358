//! What can be wrong with a grammar, where, and what to do about it.

/// One mistake of one grammar file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{file}:{line}:{column}: {problem}; {}", problem.remedy())]
pub struct GrammarError {
    pub file: String,
    pub line: u32,
    pub column: u32,
    pub problem: Problem,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    #[error("the header `{0}` is not that of an SRGS 1.0 ABNF grammar in UTF-8")]
    Header(String),
    #[error("expected {expected}, found {found}")]
    Expected {
        expected: &'static str,
        found: String,
    },
    #[error("{what} opens here and is never closed")]
    Unclosed { what: &'static str },
    #[error("`{0}` can not stand in a grammar")]
    Character(char),
    #[error("`{0}` is not a weight")]
    Weight(String),
    #[error("`<{0}>` is not a repeat")]
    Repeat(String),
    #[error("groups are nested more than {limit} deep")]
    Depth { limit: u32 },
    #[error("rule ${0} is defined twice in this file")]
    DuplicateRule(String),
    #[error("{file} has no rule ${rule}")]
    UnknownRule {
        file: String,
        rule: String,
        similar: Option<String>,
    },
    #[error("there is no grammar file {0}")]
    UnknownFile(String),
    #[error("rule ${rule} of {file} is private")]
    PrivateRule { file: String, rule: String },
    #[error("rules refer to each other in a circle: {}", path.join(" → "))]
    Recursion { path: Vec<String> },
    #[error("the grammar has no rule")]
    NoRules,
    #[error("compiled, the grammar has more than {limit} states")]
    TooLarge { limit: u32 },
}

impl Problem {
    /// A stable name for reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Header(_) => "grammar.header",
            Self::Expected { .. } => "grammar.expected",
            Self::Unclosed { .. } => "grammar.unclosed",
            Self::Character(_) => "grammar.character",
            Self::Weight(_) => "grammar.weight",
            Self::Repeat(_) => "grammar.repeat",
            Self::Depth { .. } => "grammar.depth",
            Self::DuplicateRule(_) => "grammar.duplicate_rule",
            Self::UnknownRule { .. } => "grammar.unknown_rule",
            Self::UnknownFile(_) => "grammar.unknown_file",
            Self::PrivateRule { .. } => "grammar.private_rule",
            Self::Recursion { .. } => "grammar.recursion",
            Self::NoRules => "grammar.no_rules",
            Self::TooLarge { .. } => "grammar.too_large",
        }
    }

    /// What the author of the grammar can do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Header(_) => "begin the file with `#ABNF 1.0 UTF-8;`".into(),
            Self::Expected { .. } => {
                "correct this statement; the next one was read from the following `;`".into()
            }
            Self::Unclosed { what } => format!("close {what}"),
            Self::Character(_) => "write it as a word, or put it in quotes".into(),
            Self::Weight(_) => "write a number that is not negative, such as /0.5/".into(),
            Self::Repeat(_) => {
                "write <2>, <0-3> or <1->, the smaller number first and at most 999".into()
            }
            Self::Depth { .. } => "give inner groups a rule of their own".into(),
            Self::DuplicateRule(_) => "rename one of them, or join them as alternatives".into(),
            Self::UnknownRule {
                similar: Some(similar),
                ..
            } => format!("did you mean ${similar}?"),
            Self::UnknownRule { rule, .. } => {
                format!("define it; a rule that each call fills is declared as `${rule} = $VOID;`")
            }
            Self::UnknownFile(name) => {
                format!("add {name} to the grammars, or correct the reference")
            }
            Self::PrivateRule { rule, .. } => format!("write `public ${rule} = …` there"),
            Self::Recursion { .. } => "write the repetition with <1-> instead".into(),
            Self::NoRules => "add one, such as `public $sim = sim {SIM};`".into(),
            Self::TooLarge { .. } => "make repeats shorter, or use fewer rules at a time".into(),
        }
    }

    /// The rules of a circle, empty for every other mistake.
    pub fn path(&self) -> &[String] {
        match self {
            Self::Recursion { path } => path,
            _ => &[],
        }
    }
}
