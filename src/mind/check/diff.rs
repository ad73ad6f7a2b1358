//! What differs between two versions of a script.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::mind::script::Script;

/// One difference: the path of a key, and what it held and holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// Every difference of two scripts, in the order of their keys.
pub fn scripts(old: &Script, new: &Script) -> Vec<Change> {
    let value = |script: &Script| serde_json::to_value(script).unwrap_or_default();
    values(&value(old), &value(new))
}

/// Every difference of two policies, or of any two things that can be written down.
pub fn values(old: &serde_json::Value, new: &serde_json::Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(old), Some(new), &mut changes);
    changes
}

fn compare(
    path: &str,
    old: Option<&serde_json::Value>,
    new: Option<&serde_json::Value>,
    changes: &mut Vec<Change>,
) {
    use serde_json::Value::{Array, Object};
    let join = |key: &str| super::places::join(path, key);
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Object(old)), Some(Object(new))) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                compare(&join(key), old.get(key), new.get(key), changes);
            }
        }
        (Some(Array(old)), Some(Array(new))) => {
            for nth in 0..old.len().max(new.len()) {
                compare(&join(&nth.to_string()), old.get(nth), new.get(nth), changes);
            }
        }
        _ if is_empty(old) && is_empty(new) => {}
        _ => changes.push(Change {
            key: path.to_owned(),
            old: old.filter(|value| !value.is_null()).map(written),
            new: new.filter(|value| !value.is_null()).map(written),
        }),
    }
}

/// Nothing, or what a key holds that was not written.
fn is_empty(value: Option<&serde_json::Value>) -> bool {
    value.is_none_or(|value| {
        value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty)
            || value == &serde_json::Value::Bool(false)
    })
}

fn written(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
