//! A grammar compiled to a finite automaton over words. It serves the acoustic decoder and the parser of text alike.

/// Begins the word that stands for a rule left open; no other word has it.
pub const SLOT: char = '$';

/// Words on arcs, tags on jumps. States are numbered from zero, `start` and `end` among them; there is one end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Automaton {
    pub states: u32,
    pub start: u32,
    pub end: u32,
    pub arcs: Vec<WordArc>,
    pub jumps: Vec<Jump>,
    /// Words by number, lower case, accents kept; no word twice.
    pub words: Vec<String>,
    /// Literal semantic tags by number, as written in the grammar; none twice.
    pub tags: Vec<String>,
}

/// Consumes one word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WordArc {
    pub from: u32,
    pub to: u32,
    /// Index into [`Automaton::words`].
    pub word: u32,
}

/// Consumes nothing; may say something about the meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    pub from: u32,
    pub to: u32,
    /// Index into [`Automaton::tags`].
    pub tag: Option<u32>,
    /// Natural logarithm of the weight of this alternative; 0 without one, and never above.
    pub weight: f32,
}
