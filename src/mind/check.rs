//! The compiler of scripts: every mistake of every file in one go, each with its place and its remedy.

mod graph;

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Environment;
use serde::Serialize;

use self::graph::{Graph, Knowledge};
use super::facts;
use super::script::{Route, Script, State, Target, place};

/// One mistake. Line and column count from 1; `path` shows how a call gets there, where that explains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub rule: &'static str,
    pub message: String,
    pub remedy: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
}

/// Words of a prompt before its question mark, at most; the exposition of the debt is longer by law.
const WORDS_AT_MOST: usize = 90;

/// Checks a script that was read. `rules` tells whether a grammar rule (`file.gram#rule`) exists.
pub fn check(
    files: &BTreeMap<String, String>,
    script: &Script,
    rules: &dyn Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut report = Report {
        files,
        findings: Vec::new(),
    };
    check_targets(script, &mut report);
    check_states(script, rules, &mut report);
    let graph = Graph::of(script);
    check_reach(script, &graph, &mut report);
    check_prompts(script, &graph, &mut report);
    report.findings.sort_by(|a, b| {
        (&a.file, a.line, a.column, a.rule).cmp(&(&b.file, b.line, b.column, b.rule))
    });
    report.findings
}

struct Report<'a> {
    files: &'a BTreeMap<String, String>,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn add(
        &mut self,
        section: &str,
        needle: &str,
        rule: &'static str,
        message: String,
        remedy: &str,
    ) {
        let (file, line, column) = self.locate(section, needle);
        self.findings.push(Finding {
            file,
            line,
            column,
            rule,
            message,
            remedy: remedy.to_owned(),
            path: Vec::new(),
        });
    }

    /// The place of `needle` after the header of `section`, or of the header.
    fn locate(&self, section: &str, needle: &str) -> (String, usize, usize) {
        for (file, text) in self.files {
            let header = format!("[{section}");
            let found = text.match_indices(&header).find(|(at, _)| {
                matches!(text.as_bytes().get(at + header.len()), Some(b']' | b'.'))
            });
            let Some((start, _)) = found else { continue };
            let at = text[start..]
                .find(needle)
                .map_or(start, |offset| start + offset);
            let (line, column) = place(text, at);
            return (file.clone(), line, column);
        }
        (self.files.keys().next().cloned().unwrap_or_default(), 1, 1)
    }
}

fn targets(route: &Route) -> Vec<&Target> {
    match route {
        Route::Target(target) => vec![target],
        Route::Cases(cases) => cases.iter().map(|case| &case.to).collect(),
    }
}

fn check_targets(script: &Script, report: &mut Report<'_>) {
    let check_route = |report: &mut Report<'_>, section: &str, key: &str, route: &Route| {
        for target in targets(route) {
            if let Target::State(name) = target
                && !script.state.contains_key(name)
            {
                let near = nearest(name, script.state.keys());
                report.add(
                    section,
                    name,
                    "unknown-state",
                    format!("{section}: {key} leads to `{name}`, which does not exist"),
                    &near,
                );
            }
        }
        if let Route::Cases(cases) = route
            && cases.last().is_none_or(|case| case.when.is_some())
        {
            let remedy = "add a last case without `when`";
            report.add(
                section,
                key,
                "open-cases",
                format!("{section}: no case of {key} may hold"),
                remedy,
            );
        }
    };
    for (name, state) in &script.state {
        let section = format!("state.{name}");
        for (key, route) in &state.on {
            check_route(report, &section, key, route);
        }
        for (key, route) in [
            ("next", &state.next),
            ("silence", &state.silence),
            ("confusion", &state.confusion),
        ] {
            if let Some(route) = route {
                check_route(report, &section, key, route);
            }
        }
    }
    for (key, route) in &script.global.on {
        check_route(report, "global", key, route);
    }
    let global = &script.global;
    for (key, route) in [
        ("silence", &global.silence),
        ("confusion", &global.confusion),
        ("overtime", &global.overtime),
    ] {
        match route {
            Some(route) => check_route(report, "global", key, route),
            None => {
                let message = format!("[global] has no `{key}`: a call could not end there");
                report.add(
                    "global",
                    key,
                    "missing-exit",
                    message,
                    "name the state that takes leave",
                );
            }
        }
    }
    if !script.state.contains_key(&script.script.start) {
        let message = format!(
            "the call starts in `{}`, which does not exist",
            script.script.start
        );
        report.add(
            "script",
            "start",
            "unknown-state",
            message,
            &nearest(&script.script.start, script.state.keys()),
        );
    }
}

fn check_states(script: &Script, rules: &dyn Fn(&str) -> bool, report: &mut Report<'_>) {
    for rule in &script.global.listen {
        if !rules(rule) {
            report.add(
                "global",
                rule,
                "unknown-grammar",
                format!("the grammar rule `{rule}` does not exist"),
                "see grammars/",
            );
        }
    }
    for (name, state) in &script.state {
        let section = format!("state.{name}");
        check_shape(name, state, &section, report);
        for rule in &state.listen {
            if !rules(rule) {
                let message = format!("{section}: the grammar rule `{rule}` does not exist");
                report.add(
                    &section,
                    rule,
                    "unknown-grammar",
                    message,
                    "see grammars/; write file.gram or file.gram#rule",
                );
            }
        }
        let is_question = !state.listen.is_empty();
        if is_question && state.say.is_empty() {
            report.add(
                &section,
                name,
                "silent-question",
                format!("{section} asks nothing"),
                "add `say`",
            );
        }
        if is_question && state.again.is_empty() {
            let message = format!(
                "{section} has no `again`: the same long prompt would be heard three times"
            );
            report.add(
                &section,
                name,
                "missing-again",
                message,
                "add a shorter second form",
            );
        }
    }
}

/// A state leads on in exactly one way.
fn check_shape(name: &str, state: &State, section: &str, report: &mut Report<'_>) {
    let ways = [
        !state.listen.is_empty(),
        state.act.is_some(),
        state.next.is_some(),
        state.end.is_some(),
    ];
    match ways.iter().filter(|way| **way).count() {
        1 => {}
        0 => report.add(
            section,
            name,
            "no-way-out",
            format!("{section} leads nowhere"),
            "add `listen`, `do`, `next` or `end`",
        ),
        _ => {
            let message = format!("{section} has more than one of `listen`, `do`, `next`, `end`");
            report.add(section, name, "two-ways-out", message, "split the state");
        }
    }
    if let Some(verb) = state.act {
        for outcome in verb.outcomes() {
            if !state.on.contains_key(*outcome) {
                let message = format!(
                    "{section}: `{outcome}` may come of what is done here, and leads nowhere"
                );
                report.add(
                    section,
                    "do",
                    "missing-outcome",
                    message,
                    &format!("add {outcome} = \"…\" under [{section}.on]"),
                );
            }
        }
        for given in state
            .on
            .keys()
            .filter(|given| !verb.outcomes().contains(&given.as_str()))
        {
            let message = format!("{section}: `{given}` never comes of what is done here");
            report.add(
                section,
                given,
                "unknown-outcome",
                message,
                &format!("its outcomes are: {}", verb.outcomes().join(", ")),
            );
        }
    }
}

fn check_reach(script: &Script, graph: &Graph, report: &mut Report<'_>) {
    for name in script.state.keys() {
        if !graph.reached.contains_key(name) {
            let section = format!("state.{name}");
            report.add(
                &section,
                name,
                "unreachable",
                format!("no call ever reaches {section}"),
                "lead to it, or delete it",
            );
        }
    }
    for name in graph.without_end(script) {
        let section = format!("state.{name}");
        let message = format!("from {section} no path leads to the end of the call");
        report.add(
            &section,
            &name,
            "endless",
            message,
            "lead to a state with `end`",
        );
    }
}

fn check_prompts(script: &Script, graph: &Graph, report: &mut Report<'_>) {
    let environment = Environment::new();
    for (name, state) in &script.state {
        let section = format!("state.{name}");
        let knowledge = graph
            .reached
            .get(name)
            .map_or(Knowledge::Nobody, |reached| reached.knowledge);
        for text in state.say.iter().chain(&state.again) {
            check_template(&environment, &section, text, knowledge, graph, name, report);
        }
    }
    let global = &script.global;
    for text in global.noinput.iter().chain(&global.nomatch) {
        check_template(
            &environment,
            "global",
            text,
            Knowledge::Nobody,
            graph,
            "",
            report,
        );
    }
    for (name, text) in &script.message {
        let known: BTreeSet<&str> = facts::WRITTEN.iter().copied().collect();
        match environment.template_from_str(text) {
            Ok(template) => {
                for variable in template.undeclared_variables(false) {
                    if !known.contains(variable.as_str()) {
                        let message =
                            format!("message {name}: the variable `{variable}` does not exist");
                        report.add(
                            "message",
                            &variable,
                            "unknown-variable",
                            message,
                            &nearest(&variable, known.iter()),
                        );
                    }
                }
            }
            Err(error) => report.add(
                "message",
                name,
                "template",
                format!("message {name}: {error}"),
                "write {{ variable }}",
            ),
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "what a template is checked against, each by its name"
)]
fn check_template(
    environment: &Environment<'_>,
    section: &str,
    text: &str,
    knowledge: Knowledge,
    graph: &Graph,
    state: &str,
    report: &mut Report<'_>,
) {
    let start: String = text.chars().take(24).collect();
    let template = match environment.template_from_str(text) {
        Ok(template) => template,
        Err(error) => {
            report.add(
                section,
                &start,
                "template",
                format!("{section}: {error}"),
                "variables are written {{ name }}",
            );
            return;
        }
    };
    if text.chars().any(|c| c.is_ascii_digit()) {
        let message =
            format!("{section}: a raw digit in “{start}…” would be read as the voice pleases");
        report.add(
            section,
            &start,
            "raw-digit",
            message,
            "write the number in words, or use a variable",
        );
    }
    if text.split_whitespace().count() > WORDS_AT_MOST {
        report.add(
            section,
            &start,
            "long-prompt",
            format!("{section}: more than {WORDS_AT_MOST} words in one prompt"),
            "split it",
        );
    }
    for variable in template.undeclared_variables(false) {
        let needs = if facts::PUBLIC.contains(&variable.as_str())
            || matches!(variable.as_str(), "destino" | "quando")
        {
            Knowledge::Nobody
        } else if facts::DEBT.contains(&variable.as_str()) {
            Knowledge::Debt
        } else if facts::DEAL.contains(&variable.as_str()) {
            Knowledge::Deal
        } else {
            let known = facts::PUBLIC.iter().chain(facts::DEBT).chain(facts::DEAL);
            let message = format!("{section}: the variable `{variable}` does not exist");
            report.add(
                section,
                &variable,
                "unknown-variable",
                message,
                &nearest(&variable, known),
            );
            continue;
        };
        if knowledge < needs {
            let rule = if needs == Knowledge::Debt && knowledge < Knowledge::Verified {
                "disclosure"
            } else {
                "unset-variable"
            };
            let message = match rule {
                "disclosure" => format!(
                    "{section}: `{variable}` tells of the debt, and a call gets here before the right party was verified"
                ),
                _ => format!("{section}: a call gets here before `{variable}` is known"),
            };
            report.add(
                section,
                &variable,
                rule,
                message,
                "lead here only through confere_cpf and calcula_ofertas, or a choice",
            );
            if let Some(finding) = report.findings.last_mut() {
                finding.path = graph.path_to(state);
            }
        }
    }
}

/// "did you mean": the known name with the fewest edits, if it is close.
fn nearest<T: AsRef<str>>(name: &str, known: impl Iterator<Item = T>) -> String {
    known
        .map(|candidate| {
            (
                distance(name, candidate.as_ref()),
                candidate.as_ref().to_owned(),
            )
        })
        .min()
        .filter(|(edits, _)| *edits <= name.len() / 2 + 1)
        .map_or_else(
            || "correct the name".to_owned(),
            |(_, candidate)| format!("did you mean `{candidate}`?"),
        )
}

/// Edit distance (Levenshtein), in characters.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (corner + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
