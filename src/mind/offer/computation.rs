//! How an amount came about: a tree that people can check by hand.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::Centavos;

/// An amount, what it is called, how it was computed, and what it is made of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Computation {
    /// In Portuguese, for supervisors and debtors.
    pub label: String,
    #[serde(rename = "centavos")]
    pub value: Centavos,
    pub formula: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Computation>,
}

impl Computation {
    /// A leaf with its formula.
    pub fn given(label: &str, value: Centavos, formula: &str) -> Self {
        Self {
            label: label.to_owned(),
            value,
            formula: formula.to_owned(),
            parts: Vec::new(),
        }
    }

    /// A sum of parts, some of them negative.
    pub fn sum(label: &str, value: Centavos, parts: Vec<Self>) -> Self {
        Self {
            label: label.to_owned(),
            value,
            formula: "soma das partes".to_owned(),
            parts,
        }
    }

    /// Whether every sum in the tree adds up.
    pub fn adds_up(&self) -> bool {
        let sum: Centavos = self.parts.iter().map(|part| part.value).sum();
        (self.parts.is_empty() || sum == self.value) && self.parts.iter().all(Self::adds_up)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let label = format!("{}{}", "  ".repeat(depth), self.label);
        writeln!(
            f,
            "{label:<44} {:>16}  {}",
            self.value.to_string(),
            self.formula
        )?;
        self.parts
            .iter()
            .try_for_each(|part| part.write(f, depth + 1))
    }
}

/// One line a node, indented.
impl fmt::Display for Computation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
