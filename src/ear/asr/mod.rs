//! Speech to words and meaning, over the grammar that is active. Pure computation: sound in, hypotheses out.

mod confidence;
mod decoder;
mod features;
#[cfg(test)]
mod golden;
mod graph;
#[cfg(test)]
mod heap;
mod kernel;
mod model;
mod network;
mod recognizer;
#[cfg(test)]
pub mod toy;
pub mod transcribe;
#[cfg(feature = "whisper")]
pub mod whisper;

pub use confidence::Evidence;
pub use graph::Graph;
pub use model::{AcousticModel, ModelError};
pub use recognizer::{Hypothesis, Partial, Recognizer, Word};

/// The vectors of this processor that the network computes with.
pub fn vector_width() -> &'static str {
    kernel::Width::detect().name()
}
