//! The core sees no socket, clock, runtime, database, file or random source (ARCHITECTURE.md).

use std::fs;
use std::path::Path;

/// The modules of the core, which is told everything and does nothing by itself.
const CORE: &[&str] = &["base", "language", "media", "ear", "mind", "mouth", "call"];

/// What would let the world in.
const FOREIGN: &[&str] = &[
    "tokio::",
    "sqlx::",
    "reqwest::",
    "axum::",
    "std::net",
    "std::fs",
    "std::process",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "rand::",
    "thread_rng",
    "HashMap<",
    "HashSet<",
];

/// Modules that hand a C library the files that it reads by itself, and those files only.
const C_LIBRARIES: &[&str] = &[
    "mouth/tts/data.rs",
    "mouth/tts/piper.rs",
    "ear/asr/whisper.rs",
];

/// The words that such a module may use.
const FOR_C_LIBRARIES: &[&str] = &["std::fs", "std::process"];

/// Who may not be used by whom: no arrow points back.
const UPWARDS: &[(&str, &[&str])] = &[
    (
        "base",
        &[
            "language", "media", "wire", "ear", "mind", "mouth", "call", "run", "ledger",
            "channels", "desk", "sim", "cli",
        ],
    ),
    (
        "language",
        &[
            "media", "wire", "ear", "mind", "mouth", "call", "run", "ledger", "channels", "desk",
            "sim", "cli",
        ],
    ),
    (
        "media",
        &[
            "language", "wire", "ear", "mind", "mouth", "call", "run", "ledger", "channels",
            "desk", "sim", "cli",
        ],
    ),
    (
        "ear",
        &[
            "wire", "mind", "mouth", "call", "run", "ledger", "channels", "desk", "sim", "cli",
        ],
    ),
    (
        "mind",
        &[
            "wire", "ear", "mouth", "call", "run", "ledger", "channels", "desk", "sim", "cli",
        ],
    ),
    (
        "mouth",
        &[
            "wire", "ear", "mind", "call", "run", "ledger", "channels", "desk", "sim", "cli",
        ],
    ),
    (
        "call",
        &["wire", "run", "ledger", "channels", "desk", "sim", "cli"],
    ),
    (
        "wire",
        &[
            "mind", "mouth", "call", "run", "ledger", "channels", "desk", "sim", "cli",
        ],
    ),
    (
        "ledger",
        &[
            "wire", "ear", "mouth", "call", "run", "channels", "desk", "sim", "cli",
        ],
    ),
    (
        "channels",
        &["wire", "ear", "call", "run", "desk", "sim", "cli"],
    ),
];

#[test]
fn core_is_sans_io() {
    let mut found = Vec::new();
    for module in CORE {
        for (name, text) in rust_files(module) {
            let allowed = if C_LIBRARIES.contains(&name.as_str()) {
                FOR_C_LIBRARIES
            } else {
                &[]
            };
            for (number, line) in code(&text) {
                for word in FOREIGN
                    .iter()
                    .filter(|word| line.contains(**word) && !allowed.contains(*word))
                {
                    found.push(format!("src/{name}:{number}: the core may not use {word}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_arrow_points_back() {
    let mut found = Vec::new();
    for (module, above) in UPWARDS {
        for (name, text) in rust_files(module) {
            for (number, line) in code(&text) {
                for upper in above.iter().filter(|upper| names(line, upper)) {
                    found.push(format!("src/{name}:{number}: {module} may not use {upper}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Whether the line uses `crate::upper`, alone or in a list.
fn names(line: &str, upper: &str) -> bool {
    line.match_indices("crate::").any(|(at, found)| {
        let rest = &line[at + found.len()..];
        let first = rest.strip_prefix('{').map_or_else(
            || vec![rest],
            |list| list.split(',').map(str::trim).collect(),
        );
        first.iter().any(|path| {
            path.strip_prefix(upper)
                .is_some_and(|end| !end.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    })
}

/// The lines that count, with their numbers: no comments, and no tests, which may open files and wait.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end]
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(n, line)| (n + 1, line))
}

/// The Rust files of a module, with their paths below `src`; those of tests are left out.
fn rust_files(module: &str) -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut waiting = vec![
        source.join(module),
        source.join(module).with_extension("rs"),
    ];
    let mut files = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(&path)
                    .expect("the sources are readable")
                    .flatten()
                    .map(|entry| entry.path()),
            );
        } else if is_source(&path) {
            let name = path
                .strip_prefix(&source)
                .expect("below src")
                .to_string_lossy()
                .replace('\\', "/");
            files.push((
                name,
                fs::read_to_string(&path).expect("the sources are text"),
            ));
        }
    }
    files.sort();
    files
}

fn is_source(path: &Path) -> bool {
    let test = path
        .file_stem()
        .is_some_and(|stem| ["tests", "toy", "golden"].iter().any(|name| stem == *name));
    let below = path.components().any(|part| part.as_os_str() == "tests");
    path.is_file() && path.extension().is_some_and(|end| end == "rs") && !test && !below
}

#[test]
fn the_test_itself_sees() {
    assert!(names("use crate::ledger::Ledger;", "ledger"));
    assert!(names("use crate::{base::Cpf, run};", "run"));
    assert!(!names("use crate::runner::Ledger;", "run"));
    let text = "use std::fs;\n// std::net\n#[cfg(test)]\nmod tests {\nuse tokio::x;\n";
    assert_eq!(code(text).collect::<Vec<_>>(), [(1, "use std::fs;")]);
    assert!(rust_files("mouth").len() > 3);
}
