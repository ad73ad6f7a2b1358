//! What is proved of every call: that it ends, that nothing is agreed without a reading and a yes, that offers come of
//! the policy alone, and that what the law wants heard is heard first.

use std::collections::BTreeSet;

use super::graph::{self, Graph};
use super::{Report, words};
use crate::mind::facts;
use crate::mind::known::Known;
use crate::mind::script::{Milestone, State, Verb};

/// Notices that a script which tells of debts must have, the word that each must hold, and the norm.
const MANDATORY: &[(&str, &str, Milestone, &str)] = &[
    (
        "gravacao",
        "grava",
        Milestone::Identificacao,
        "people are told that the call is recorded (SP Lei 17.832/2023)",
    ),
    (
        "assistente",
        "virtual",
        Milestone::Identificacao,
        "the agent never passes for a person (LGPD, art. 6, VI)",
    ),
    (
        "copia",
        "uteis",
        Milestone::Oferta,
        "people are told of the recording at their disposal in seven business days (SP Lei 17.832/2023)",
    ),
];

pub fn check(report: &mut Report<'_>) {
    ends(report);
    circles(report);
    limits(report);
    agreements(report);
    acts(report);
    notices(report);
}

/// Every path ends.
fn ends(report: &mut Report<'_>) {
    let mut told = BTreeSet::new();
    for node in report.graph.endless() {
        let name = report.graph.name(node).to_owned();
        if told.insert(name.clone()) {
            let path = report.graph.path(node);
            let message = format!("from [state.{name}] no path leads to the end of the call");
            let remedy = "lead to a state with `end`";
            report.add_with_path(
                &format!("state.{name}"),
                "",
                "endless",
                message,
                remedy,
                path,
            );
        }
    }
    for node in report.graph.lost.clone() {
        let name = report.graph.name(node).to_owned();
        if told.insert(name.clone()) {
            let path = report.graph.path(node);
            let message = format!("[state.{name}] goes back, and no question was asked before it");
            let remedy = "lead to a state instead of @volta";
            report.add_with_path(
                &format!("state.{name}"),
                "@volta",
                "endless",
                message,
                remedy,
                path,
            );
        }
    }
}

fn circles(report: &mut Report<'_>) {
    let mut told: BTreeSet<Vec<usize>> = BTreeSet::new();
    for circle in report.graph.silent_circles() {
        let graph = report.graph;
        let mut states: Vec<usize> = circle.iter().map(|&node| graph.nodes[node].state).collect();
        let first = circle[0];
        states.sort_unstable();
        states.dedup();
        if !told.insert(states) {
            continue;
        }
        let name = graph.name(first).to_owned();
        let mut path = graph.path(first);
        path.extend(circle[1..].iter().map(|&node| graph.name(node).to_owned()));
        path.push(name.clone());
        let message =
            format!("the call runs in a circle through [state.{name}] without asking anything");
        let remedy = "ask something on the way, or lead out of the circle";
        report.add_with_path(&format!("state.{name}"), "", "loop", message, remedy, path);
    }
}

/// A call that has lasted too long is asked nothing more, or it would last on.
fn limits(report: &mut Report<'_>) {
    let Some(route) = &report.script.global.overtime else {
        return;
    };
    for target in super::routes::targets_of(route) {
        let crate::mind::script::Target::State(name) = target else {
            let message = "a call that has lasted too long goes on with its question";
            let remedy = "name a state that takes leave";
            report.add("global.overtime", "", "overtime-asks", message, remedy);
            continue;
        };
        let graph = report.graph;
        let mut seen = BTreeSet::new();
        let mut open: Vec<usize> = graph.of_state(name).collect();
        while let Some(node) = open.pop() {
            if !seen.insert(node) {
                continue;
            }
            if graph.asks(node) {
                let path = vec![name.clone(), graph.name(node).to_owned()];
                let message = format!(
                    "a call that has lasted too long is asked something in [state.{}]",
                    graph.name(node)
                );
                let remedy = "lead to a state with `end`";
                report.add_with_path(
                    "global.overtime",
                    "",
                    "overtime-asks",
                    message,
                    remedy,
                    path,
                );
                break;
            }
            open.extend(graph.next(node));
        }
    }
}

/// The first node of a state where something wanted is not known.
fn lacking(graph: &Graph, state: &str, wanted: Known) -> Option<usize> {
    graph
        .of_state(state)
        .find(|&node| !graph.nodes[node].known.has(wanted))
}

/// No agreement without a reading and an explicit yes to it.
fn agreements(report: &mut Report<'_>) {
    for (name, state) in &report.script.state {
        if state.act != Some(Verb::FechaAcordo) {
            continue;
        }
        let key = format!("state.{name}.do");
        if let Some(node) = lacking(report.graph, name, Known::ACCEPTED) {
            let path = report.graph.path(node);
            let asked = path.iter().rev().nth(1);
            let before = asked.and_then(|asked| report.script.state.get(asked));
            let (rule, message, remedy, place) = match before {
                Some(before) if !graph::reads_out(before) => (
                    "agreement-unread",
                    format!(
                        "an agreement is written that was not read out: {}",
                        unread(before)
                    ),
                    "lead here by SIM alone from a question that says plano, v_acordo and data_acordo each time, with mandatory = true",
                    asked.map(|asked| format!("state.{asked}")),
                ),
                _ => (
                    "agreement-without-yes",
                    "an agreement is written that nobody has said yes to".to_owned(),
                    "lead here by SIM alone from the question that reads the agreement out",
                    asked.and_then(|asked| culprit(report, asked, name)),
                ),
            };
            let place = place.unwrap_or_else(|| key.clone());
            report.add_with_path(&place, "", rule, message, remedy, path);
        }
        let wanted = Known::CHOSEN | Known::MEANS | Known::DAY_TAKEN | Known::VERIFIED;
        if let Some(node) = lacking(report.graph, name, wanted) {
            let known = report.graph.nodes[node].known;
            let what = [
                (Known::VERIFIED, "the right party was verified"),
                (Known::CHOSEN, "something was chosen"),
                (Known::DAY_TAKEN, "a day was taken"),
                (Known::MEANS, "boleto or Pix was chosen"),
            ];
            let missing = what.iter().find(|(fact, _)| !known.has(*fact));
            let message = format!(
                "an agreement is written before {}",
                missing.map_or("all was said", |(_, what)| what)
            );
            let remedy =
                "lead through escolhe_…, marca_dia and escolhe_boleto or escolhe_pix first";
            let path = report.graph.path(node);
            report.add_with_path(&key, "", "agreement-incomplete", message, remedy, path);
        }
    }
}

/// The route by which a reading is left for the writing without a yes.
fn culprit(report: &Report<'_>, from: &str, to: &str) -> Option<String> {
    let state = report.script.state.get(from)?;
    let leads = |route: &crate::mind::script::Route| {
        super::routes::targets_of(route)
            .iter()
            .any(|target| matches!(target, crate::mind::script::Target::State(name) if name == to))
    };
    if let Some((intent, _)) = state
        .on
        .iter()
        .find(|(intent, route)| *intent != "SIM" && leads(route))
    {
        return Some(format!("state.{from}.on.{intent}"));
    }
    for (key, route) in [("silence", &state.silence), ("confusion", &state.confusion)] {
        if route.as_ref().is_some_and(leads) {
            return Some(format!("state.{from}.{key}"));
        }
    }
    let (intent, _) = report
        .script
        .global
        .on
        .iter()
        .find(|(_, route)| leads(route))?;
    Some(format!("global.on.{intent}"))
}

fn unread(state: &State) -> String {
    if state.listen.is_empty() {
        return "no question is asked before it".to_owned();
    }
    if !state.mandatory {
        return "the reading may be interrupted".to_owned();
    }
    let missing = ["plano", "v_acordo", "data_acordo"]
        .into_iter()
        .find(|variable| {
            state
                .say
                .iter()
                .chain(&state.again)
                .any(|text| !words::has_variable(text, variable))
        });
    missing.map_or_else(
        || "nothing was asked".to_owned(),
        |variable| format!("`{variable}` is missing in one way of asking"),
    )
}

/// Nothing is computed or chosen before there is something to compute or choose with: offers come of the policy alone.
fn acts(report: &mut Report<'_>) {
    for (name, state) in &report.script.state {
        let Some(verb) = state.act else { continue };
        let wanted = graph::wants(verb);
        let Some(node) = lacking(report.graph, name, wanted) else {
            continue;
        };
        let known = report.graph.nodes[node].known;
        let (rule, before, remedy) = if verb == Verb::CalculaOfertas {
            (
                "disclosure",
                "the right party was verified",
                "lead here through confere_cpf only",
            )
        } else if !known.has(Known::OFFERS) && wanted.has(Known::OFFERS) || verb == Verb::MarcaDia {
            (
                "offer-outside-policy",
                "the policy was asked what may be offered",
                "lead here through calcula_ofertas and a choice only",
            )
        } else {
            (
                "unset-variable",
                "there is anything to do it with",
                "lead here later",
            )
        };
        let message = format!("{} comes before {before}", verb.name());
        let path = report.graph.path(node);
        report.add_with_path(&format!("state.{name}.do"), "", rule, message, remedy, path);
    }
}

/// What the law wants heard is declared, given, and comes first.
fn notices(report: &mut Report<'_>) {
    let reached: Vec<Milestone> = [
        Milestone::Identificacao,
        Milestone::Divida,
        Milestone::Oferta,
        Milestone::Acordo,
    ]
    .into_iter()
    .filter(|milestone| !governed(report, *milestone).is_empty())
    .collect();
    for (name, word, before, norm) in MANDATORY {
        match report.script.notice.get(*name) {
            None if reached.contains(before) => {
                let message = format!("the notice `{name}` is missing: {norm}");
                let remedy = format!(
                    "add [notice.{name}] with its words and before = \"{}\"",
                    Milestone::NAMES[*before as usize]
                );
                report.add("notice", "", "missing-notice", message, remedy);
            }
            Some(notice) => {
                let said = notice
                    .words
                    .iter()
                    .any(|words| words::folded(words).contains(word));
                if !said || notice.before > *before {
                    let message = format!(
                        "the notice `{name}` does not tell what it must, or too late: {norm}"
                    );
                    let remedy = format!(
                        "its words must tell it, and come before \"{}\"",
                        Milestone::NAMES[*before as usize]
                    );
                    report.add(
                        &format!("notice.{name}"),
                        "",
                        "missing-notice",
                        message,
                        remedy,
                    );
                }
            }
            None => {}
        }
    }
    let script = report.script;
    for (nth, (name, notice)) in script.notice.iter().enumerate() {
        if nth >= Known::NOTICES_AT_MOST {
            let message = format!("a script has at most {} notices", Known::NOTICES_AT_MOST);
            report.add(
                &format!("notice.{name}"),
                "",
                "limit",
                message,
                "join some of them",
            );
            break;
        }
        let late = governed(report, notice.before)
            .into_iter()
            .find_map(|(state, variable)| {
                let graph = report.graph;
                let node = lacking(graph, &state, Known::notice(nth))?;
                // Given in the same prompt, before what it governs.
                let ahead = variable.as_ref().is_some_and(|variable| {
                    script.state[&state]
                        .say
                        .iter()
                        .all(|text| ahead(text, notice, variable))
                });
                (!ahead).then_some((state, variable, node))
            });
        if let Some((state, variable, node)) = late {
            let what = variable
                .as_deref()
                .unwrap_or("what is done there")
                .to_owned();
            let message = format!(
                "a call gets to [state.{state}] ({what}) and has not heard the notice `{name}`"
            );
            let remedy = format!("say “{}” on every way there", notice.words.join("… "));
            let path = report.graph.path(node);
            // The state that should have given it, where there is exactly one, is the place to look at.
            let giver = path
                .iter()
                .find(|state| {
                    script.state[*state]
                        .say
                        .iter()
                        .any(|text| words::gives(text, notice))
                })
                .or(path.first())
                .cloned()
                .unwrap_or_else(|| state.clone());
            report.add_with_path(
                &format!("state.{giver}.say"),
                "",
                "late-notice",
                message,
                remedy,
                path,
            );
        }
    }
    composition(report);
}

/// Whether all words of a notice stand before a variable.
fn ahead(text: &str, notice: &crate::mind::script::Notice, variable: &str) -> bool {
    let at = words::variables(text)
        .into_iter()
        .find(|(_, name)| *name == variable)
        .map_or(text.len(), |(at, _)| at);
    words::gives(text.get(..at).unwrap_or(text), notice)
}

/// The states that a milestone is reached in, with the variable that does it.
fn governed(report: &Report<'_>, milestone: Milestone) -> Vec<(String, Option<String>)> {
    let reached = |name: &str| report.graph.of_state(name).next().is_some();
    let mut found = Vec::new();
    for (name, state) in &report.script.state {
        if !reached(name) {
            continue;
        }
        let verb = match milestone {
            Milestone::Identificacao => {
                matches!(state.act, Some(Verb::ConfereCpf | Verb::ConfereNascimento))
            }
            Milestone::Acordo => state.act == Some(Verb::FechaAcordo),
            Milestone::Divida | Milestone::Oferta => false,
        };
        if verb {
            found.push((name.clone(), None));
            continue;
        }
        let secret = |variable: &str| match milestone {
            Milestone::Divida => facts::variable(variable).is_some_and(|variable| {
                !variable.after.is_empty() && variable.after != Known::WHEN
            }),
            Milestone::Oferta => facts::is_offer(variable),
            Milestone::Identificacao | Milestone::Acordo => false,
        };
        let variable = state
            .say
            .iter()
            .chain(&state.again)
            .flat_map(|text| words::variables(text))
            .map(|(_, variable)| variable)
            .find(|variable| secret(variable));
        if let Some(variable) = variable {
            found.push((name.clone(), Some(variable.to_owned())));
        }
    }
    found
}

/// Amounts come after the creditor's name and after the debt's parts, each by its name.
fn composition(report: &mut Report<'_>) {
    // Whatever comes after it lacks it too: the state that a call reaches first is the one to mend.
    let mut worst: Option<(String, String, String, &str, Vec<String>)> = None;
    for (name, state) in &report.script.state {
        for (nth, text) in state.say.iter().enumerate() {
            let variables = words::variables(text);
            let position = |wanted: &str| {
                variables
                    .iter()
                    .find(|(_, name)| *name == wanted)
                    .map(|(at, _)| *at)
            };
            for (at, variable) in &variables {
                if !facts::is_amount(variable) {
                    continue;
                }
                let before = |other: &str| position(other).is_some_and(|other| other < *at);
                let parts = ["v_original", "v_multa", "v_juros"];
                let is_part = parts.contains(variable);
                let wants = [
                    (
                        Known::CREDITOR,
                        before("credor"),
                        "the creditor was named (CDC, art. 42-A)",
                        "say {{ credor }} first",
                    ),
                    (
                        Known::COMPOSITION,
                        is_part || parts.iter().all(|part| before(part)),
                        "its parts were told by name (SP Lei 17.832/2023)",
                        "say {{ v_original }}, {{ v_multa }} and {{ v_juros }} first",
                    ),
                ];
                for (fact, here, what, remedy) in wants {
                    if here {
                        continue;
                    }
                    let Some(node) = lacking(report.graph, name, fact) else {
                        continue;
                    };
                    let path = report.graph.path(node);
                    let message = format!("a call hears `{variable}` before {what}");
                    let shorter = worst
                        .as_ref()
                        .is_none_or(|(.., known)| path.len() < known.len());
                    if shorter {
                        let key = format!("state.{name}.say.{nth}");
                        worst = Some((key, (*variable).to_owned(), message, remedy, path));
                    }
                }
            }
        }
    }
    if let Some((key, variable, message, remedy, path)) = worst {
        report.add_with_path(&key, &variable, "late-notice", message, remedy, path);
    }
}
