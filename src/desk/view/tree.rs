//! Computations, evidence and notes as trees that can be opened and closed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::Centavos;
use crate::mind::offer::Computation;

/// What is shown as a tree: a value, what it consists of, or both.
#[derive(Serialize)]
pub(super) struct Node {
    pub label: String,
    pub value: Option<String>,
    /// How the value came about.
    formula: Option<String>,
    children: Vec<Node>,
}

/// A JSON value as a tree. Keys tell the unit: `…_centavos`, `…_bp`, `…_ms`.
pub(super) fn tree(key: &str, value: &Value) -> Node {
    let (label, unit) = ["_centavos", "_bp", "_ms"]
        .into_iter()
        .find_map(|unit| key.strip_suffix(unit).map(|label| (label, unit)))
        .unwrap_or((key, ""));
    let label = label.replace('_', " ");
    if let Ok(computation) = Computation::deserialize(value) {
        return sum(computation);
    }
    match value {
        Value::Object(fields) => {
            let children = fields.iter().map(|(key, value)| tree(key, value)).collect();
            Node {
                label,
                value: None,
                formula: None,
                children,
            }
        }
        Value::Array(items) => {
            let children = (1..)
                .zip(items)
                .map(|(n, item)| tree(&format!("{n}{unit}"), item))
                .collect();
            Node {
                label,
                value: None,
                formula: None,
                children,
            }
        }
        leaf => Node {
            label,
            value: Some(leaf_text(leaf, unit)),
            formula: None,
            children: Vec::new(),
        },
    }
}

/// An amount and its parts.
fn sum(computation: Computation) -> Node {
    Node {
        label: computation.label,
        value: Some(computation.value.to_string()),
        formula: Some(computation.formula),
        children: computation.parts.into_iter().map(sum).collect(),
    }
}

fn leaf_text(leaf: &Value, unit: &str) -> String {
    match (leaf, leaf.as_i64(), unit) {
        (_, Some(n), "_centavos") => Centavos(n).to_string(),
        (_, Some(n), "_bp") => format!("{},{:02} %", n / 100, n.unsigned_abs() % 100),
        (_, Some(n), "_ms") => format!("{n} ms"),
        (Value::String(text), ..) => text.clone(),
        (Value::Null, ..) => "–".to_owned(),
        (Value::Bool(true), ..) => "sim".to_owned(),
        (Value::Bool(false), ..) => "não".to_owned(),
        (other, ..) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_the_unit_of_a_computation() {
        let node = tree("total_centavos", &serde_json::json!(127_653));
        assert_eq!(
            (node.label.as_str(), node.value.as_deref()),
            ("total", Some("R$ 1.276,53"))
        );
        assert_eq!(
            tree("multa_bp", &serde_json::json!(205)).value.as_deref(),
            Some("2,05 %")
        );
    }
}
