//! SRGS 1.0 grammars in ABNF form: one source for the decoder, free text, meanings and test sentences.

pub mod automaton;

pub use automaton::{Automaton, Jump, WordArc};
