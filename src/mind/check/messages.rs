//! Messages and pages: what they hold, and who may be sent what.

use super::{Report, nearest, words};
use crate::mind::facts;
use crate::mind::known::Known;
use crate::mind::script::Verb;

/// The messages of an agreement, which `fecha_acordo` sends.
const OF_AGREEMENT: &[&str] = &["sms_boleto", "sms_pix"];
/// How the name of a message begins: its channel.
const CHANNELS: &[&str] = &["sms_", "email_", "whatsapp_", "pagina_"];

/// `whole`: whether all files were read, so that what is known in a state can be told.
pub fn check(report: &mut Report<'_>, whole: bool) {
    let script = report.script;
    for (name, text) in &script.message {
        variables(report, name, text);
    }
    if !whole {
        return;
    }
    let closes = script
        .state
        .values()
        .any(|state| state.act == Some(Verb::FechaAcordo));
    for name in OF_AGREEMENT {
        if closes && !script.message.contains_key(*name) {
            let message = format!("an agreement is sent as `{name}`, and there is no such message");
            let remedy = format!("add {name} = \"…\" under [message]");
            report.add("message", "", "missing-message", message, remedy);
        }
    }
    for (name, state) in &script.state {
        if let (Some(Verb::Envia), Some(sent)) = (state.act, &state.message) {
            send(report, name, sent);
        }
    }
    let sent: Vec<&str> = script
        .state
        .values()
        .filter_map(|state| state.message.as_deref())
        .chain(OF_AGREEMENT.iter().copied())
        .collect();
    for name in script.message.keys() {
        if !sent.contains(&name.as_str()) {
            let message = format!("the message `{name}` is never sent");
            report.add(
                &format!("message.{name}"),
                "",
                "unreachable",
                message,
                "send it with envia, or delete it",
            );
        }
    }
}

fn variables(report: &mut Report<'_>, name: &str, text: &str) {
    let path = format!("message.{name}");
    if !CHANNELS.iter().any(|channel| name.starts_with(channel)) {
        let message = format!("the name `{name}` does not tell its channel");
        let remedy = "begin it with sms_, email_, whatsapp_ or pagina_";
        report.add(&path, "", "unknown-channel", message, remedy);
    }
    match words::form_of(text) {
        Err(error) => {
            let message = format!("the message cannot be read: {error}");
            report.add(
                &path,
                "{{",
                "template",
                message,
                "variables are written {{ name }}",
            );
            return;
        }
        Ok(untyped) => {
            for expression in untyped {
                let message = format!("`{expression}` is no variable with a type");
                report.add(
                    &path,
                    &expression,
                    "untyped-variable",
                    message,
                    "write a bare variable",
                );
            }
        }
    }
    let known = || facts::WRITTEN_PUBLIC.iter().chain(facts::WRITTEN_DEBT);
    for (_, variable) in words::variables(text) {
        if !known().any(|known| *known == variable) {
            let message = format!("messages have no variable `{variable}`");
            let remedy = nearest(variable, known());
            report.add(&path, variable, "unknown-variable", message, remedy);
        }
    }
    if !words::has_variable(text, "marca") {
        let message = "the message does not tell who sends it".to_owned();
        report.add(
            &path,
            "",
            "unsigned-message",
            message,
            "begin it with {{ marca }} (CDC, art. 42-A)",
        );
    }
    if let Some((word, why)) = words::forbidden(text) {
        let message = format!("“{word}” is never written to a debtor: {why}");
        report.add(
            &path,
            "",
            "forbidden-words",
            message,
            "leave it out (CDC, arts. 42 and 71)",
        );
    }
}

/// A message that tells of the debt is sent only to who was verified, and the figures of an agreement only once there
/// is one.
fn send(report: &mut Report<'_>, state: &str, name: &str) {
    let key = format!("state.{state}.message");
    let Some(text) = report.script.message.get(name) else {
        let message = format!("there is no message `{name}`");
        let remedy = nearest(name, report.script.message.keys());
        report.add(&key, name, "unknown-message", message, remedy);
        return;
    };
    let secret = words::variables(text)
        .into_iter()
        .map(|(_, variable)| variable)
        .find(|variable| facts::WRITTEN_DEBT.contains(variable));
    let word = words::debt_word(text);
    let graph = report.graph;
    let stranger = graph
        .of_state(state)
        .find(|&node| !graph.nodes[node].known.has(Known::VERIFIED));
    if let (Some(node), Some(what)) = (stranger, secret.or(word)) {
        let message = format!(
            "the message `{name}` tells of the debt (“{what}”), and is sent before the right party was verified"
        );
        let remedy = "send it only after confere_cpf, or take it out of the message";
        let path = graph.path(node);
        report.add_with_path(&key, name, "disclosure", message, remedy, path);
        return;
    }
    let early = graph
        .of_state(state)
        .find(|&node| !graph.nodes[node].known.has(Known::CLOSED));
    if let (Some(node), Some(variable)) = (early, secret) {
        let message = format!("the message `{name}` is sent before `{variable}` has a value");
        let path = graph.path(node);
        report.add_with_path(
            &key,
            name,
            "unset-variable",
            message,
            "send it after fecha_acordo",
            path,
        );
    }
}
