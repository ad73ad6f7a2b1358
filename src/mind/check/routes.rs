//! What leads where, and what every question must be able to lead to.

use super::{Report, nearest};
use crate::mind::known::Known;
use crate::mind::script::{Route, State, Target, Verb};

/// Targets that are no states.
const SPECIAL: &[&str] = &["@repete", "@volta", "@espera"];

pub fn check(report: &mut Report<'_>) {
    targets(report);
    shapes(report);
    questions(report);
    reach(report);
}

/// All routes of a script with their paths of keys.
fn routes<'a>(report: &Report<'a>) -> Vec<(String, String, &'a Route)> {
    let script = report.script;
    let mut all = Vec::new();
    for (name, state) in &script.state {
        let own = state
            .on
            .iter()
            .map(|(key, route)| (format!("state.{name}.on.{key}"), key.clone(), route));
        all.extend(own);
        let named = [
            ("next", &state.next),
            ("silence", &state.silence),
            ("confusion", &state.confusion),
            ("beyond", &state.beyond),
        ];
        for (key, route) in named {
            if let Some(route) = route {
                all.push((format!("state.{name}.{key}"), key.to_owned(), route));
            }
        }
    }
    let global = &script.global;
    for (key, route) in &global.on {
        all.push((format!("global.on.{key}"), key.clone(), route));
    }
    for (key, route) in [
        ("silence", &global.silence),
        ("confusion", &global.confusion),
        ("overtime", &global.overtime),
        ("patience", &global.patience),
    ] {
        if let Some(route) = route {
            all.push((format!("global.{key}"), key.to_owned(), route));
        }
    }
    all
}

pub fn targets_of(route: &Route) -> Vec<&Target> {
    match route {
        Route::Target(target) => vec![target],
        Route::Cases(cases) => cases.iter().map(|case| &case.to).collect(),
    }
}

fn targets(report: &mut Report<'_>) {
    let script = report.script;
    for (path, key, route) in routes(report) {
        for target in targets_of(route) {
            if let Target::State(name) = target
                && !script.state.contains_key(name)
            {
                let known = script
                    .state
                    .keys()
                    .map(String::as_str)
                    .chain(SPECIAL.iter().copied());
                let remedy = nearest(name, known);
                let message = format!("{key} leads to `{name}`, which does not exist");
                report.add(&path, name, "unknown-state", message, remedy);
            }
        }
        if let Route::Cases(cases) = route {
            if cases.last().is_none_or(|case| case.when.is_some()) {
                let message = format!("no case of {key} may hold: the call would end there");
                let remedy = "add a last case without `when`: { to = \"…\" }";
                report.add(&path, "", "open-cases", message, remedy);
            }
            let last = cases.len().saturating_sub(1);
            if let Some(at) = cases[..last].iter().position(|case| case.when.is_none()) {
                let message = format!("the cases of {key} after the {}. are never taken", at + 1);
                let remedy = "give it a `when`, or delete the cases after it";
                report.add(&format!("{path}.{at}"), "", "dead-case", message, remedy);
            }
        }
    }
    let start = &script.script.start;
    if !script.state.contains_key(start) {
        let message = format!("the call starts in `{start}`, which does not exist");
        let remedy = nearest(start, script.state.keys());
        report.add("script.start", start, "unknown-state", message, remedy);
    }
    let global = &script.global;
    for (key, route) in [
        ("silence", &global.silence),
        ("confusion", &global.confusion),
        ("overtime", &global.overtime),
    ] {
        if route.is_none() {
            let message = format!("[global] has no `{key}`: a call could not end there");
            let remedy = format!("add {key} = \"…\" with the state that takes leave");
            report.add("global", "", "missing-exit", message, remedy);
        }
    }
}

fn shapes(report: &mut Report<'_>) {
    for (name, state) in &report.script.state {
        shape(report, name, state);
        outcomes(report, name, state);
        if state.act == Some(Verb::Envia) && state.message.is_none() {
            let message = format!("[state.{name}] sends, and names no message");
            report.add(
                &format!("state.{name}.do"),
                "",
                "missing-message",
                message,
                "add message = \"…\" with a name of [message]",
            );
        }
        if state.message.is_some() && state.act != Some(Verb::Envia) {
            let message = format!("[state.{name}] names a message, and does not send it");
            report.add(
                &format!("state.{name}.message"),
                "",
                "idle-key",
                message,
                "add do = \"envia\", or delete it",
            );
        }
        if state.at_most.is_some() != state.beyond.is_some() {
            let message = format!("[state.{name}] has one of `at_most` and `beyond`");
            report.add(
                &format!("state.{name}"),
                "",
                "missing-key",
                message,
                "write both: at_most = 2 and beyond = \"state\"",
            );
        }
        if state.listen.is_empty() && state.act.is_none() && !state.on.is_empty() {
            let message = format!("[state.{name}] has routes, and asks and does nothing");
            report.add(
                &format!("state.{name}.on"),
                "",
                "idle-key",
                message,
                "add `listen` or `do`, or delete them",
            );
        }
    }
}

/// A state leads on in exactly one way.
fn shape(report: &mut Report<'_>, name: &str, state: &State) {
    let path = format!("state.{name}");
    let ways = [
        (!state.listen.is_empty(), "listen"),
        (state.act.is_some(), "do"),
        (state.next.is_some(), "next"),
        (state.end.is_some(), "end"),
    ];
    let taken: Vec<&str> = ways
        .iter()
        .filter(|(way, _)| *way)
        .map(|(_, name)| *name)
        .collect();
    match taken.as_slice() {
        [_] => {}
        [] => report.add(
            &path,
            "",
            "no-way-out",
            format!("[{path}] leads nowhere"),
            "add `listen`, `do`, `next` or `end`",
        ),
        several => {
            let message = format!(
                "[{path}] has `{}`: which one holds?",
                several.join("` and `")
            );
            let key = format!("{path}.{}", several[1]);
            report.add(&key, "", "two-ways-out", message, "split the state");
        }
    }
}

/// Everything that can come of an act leads somewhere, and nothing else does.
fn outcomes(report: &mut Report<'_>, name: &str, state: &State) {
    let Some(verb) = state.act else { return };
    for outcome in verb.outcomes() {
        if !state.on.contains_key(*outcome) {
            let message = format!(
                "`{outcome}` may come of {} here, and leads nowhere",
                verb.name()
            );
            let remedy = format!("add {outcome} = \"…\" under [state.{name}.on]");
            report.add(
                &format!("state.{name}.do"),
                "",
                "missing-outcome",
                message,
                remedy,
            );
        }
    }
    for given in state.on.keys() {
        if !verb.outcomes().contains(&given.as_str()) {
            let message = format!("`{given}` never comes of {}", verb.name());
            let remedy = format!("its outcomes are: {}", verb.outcomes().join(", "));
            report.add(
                &format!("state.{name}.on.{given}"),
                "",
                "unknown-outcome",
                message,
                remedy,
            );
        }
    }
}

fn questions(report: &mut Report<'_>) {
    let script = report.script;
    for rule in &script.global.listen {
        rule_exists(report, "global.listen", rule);
    }
    for (name, state) in script.state.iter().filter(|(_, s)| !s.listen.is_empty()) {
        let path = format!("state.{name}");
        for rule in &state.listen {
            rule_exists(report, &format!("{path}.listen"), rule);
        }
        if state.say.is_empty() {
            let message = format!("[{path}] listens, and asks nothing");
            report.add(
                &format!("{path}.listen"),
                "",
                "silent-question",
                message,
                "add `say`",
            );
        }
        if state.again.is_empty() {
            let message = format!(
                "[{path}] has no `again`: the same long prompt would be heard {} times",
                script.script.attempts
            );
            report.add(
                &path,
                "",
                "missing-again",
                message,
                "add a shorter second form",
            );
        }
        exits(report, name, state);
        intents(report, &format!("{path}.on"), state.on.keys());
    }
    intents(report, "global.on", script.global.on.keys());
}

fn rule_exists(report: &mut Report<'_>, path: &str, rule: &str) {
    if !(report.senses.rule)(rule) {
        let message = format!("the grammar rule `{rule}` does not exist");
        let remedy = "write file.gram or file.gram#rule, with a public rule of grammars/";
        report.add(path, rule, "unknown-grammar", message, remedy);
    }
}

/// Silence, misunderstanding, a person, and "that is not me" lead somewhere from every question.
fn exits(report: &mut Report<'_>, name: &str, state: &State) {
    let global = &report.script.global;
    let path = format!("state.{name}");
    let lists = [
        (
            "noinput",
            &state.noinput,
            &global.noinput,
            "nothing was heard",
        ),
        (
            "nomatch",
            &state.nomatch,
            &global.nomatch,
            "nothing was understood",
        ),
    ];
    for (key, own, general, when) in lists {
        if own.is_empty() && general.is_empty() {
            let rule = if key == "noinput" {
                "missing-noinput"
            } else {
                "missing-nomatch"
            };
            let message = format!("[{path}] has no words for when {when}");
            let remedy = format!("add {key} = [\"…\"] here or under [global]");
            report.add(&path, "", rule, message, remedy);
        }
    }
    let routed = |intent: &str| state.on.contains_key(intent) || global.on.contains_key(intent);
    if !routed("PEDE_HUMANO") {
        let message = format!("from [{path}] nobody gets to a person");
        let remedy = "add PEDE_HUMANO = \"…\" here or under [global.on]";
        report.add(&path, "", "missing-human", message, remedy);
    }
    let graph = report.graph;
    let stranger = graph
        .of_state(name)
        .find(|&node| !graph.nodes[node].known.has(Known::VERIFIED));
    let Some(stranger) = stranger else { return };
    for intent in ["ENGANO", "TERCEIRO_ATENDEU"] {
        if !routed(intent) {
            let message = format!("[{path}] is asked of strangers too, and {intent} leads nowhere");
            let remedy = format!("add {intent} = \"…\" under [{path}.on]");
            let way = graph.path(stranger);
            report.add_with_path(&path, "", "missing-not-me", message, remedy, way);
        }
    }
}

fn intents<'a>(report: &mut Report<'_>, path: &str, given: impl Iterator<Item = &'a String>) {
    for intent in given {
        if !report.senses.intents.contains(intent) {
            let message = format!("no grammar ever gives `{intent}`");
            let remedy = nearest(intent, report.senses.intents.iter());
            report.add(
                &format!("{path}.{intent}"),
                "",
                "unknown-intent",
                message,
                remedy,
            );
        }
    }
}

fn reach(report: &mut Report<'_>) {
    for name in report.script.state.keys() {
        if report.graph.of_state(name).next().is_none() {
            let message = format!("no call ever reaches [state.{name}]");
            let remedy = "lead to it, or delete it";
            report.add(&format!("state.{name}"), "", "unreachable", message, remedy);
        }
    }
}
