//! Prompts: their variables, their words, their length.

use super::{Report, nearest, words};
use crate::mind::facts;
use crate::mind::known::Known;

/// Words of a prompt before its question, at most.
const WORDS_AT_MOST: usize = 20;
/// A prompt said, at most, in seconds; where the law wants its words, at most the second.
const SECONDS_AT_MOST: f64 = 12.0;
const LEGAL_SECONDS_AT_MOST: f64 = 60.0;

/// A prompt and what it is checked against.
struct Prompt<'a> {
    /// The path of its key.
    path: String,
    text: &'a str,
    /// The state that says it; none for the general words of repair.
    state: Option<&'a str>,
    legal: bool,
    /// Whether a question follows it.
    asks: bool,
}

/// `whole`: whether all files were read, so that what is known in a state can be told.
pub fn check(report: &mut Report<'_>, whole: bool) {
    let script = report.script;
    for (name, state) in &script.state {
        let lists = [
            ("say", &state.say),
            ("again", &state.again),
            ("noinput", &state.noinput),
            ("nomatch", &state.nomatch),
        ];
        for (list, texts) in lists {
            for (nth, text) in texts.iter().enumerate() {
                let prompt = Prompt {
                    path: format!("state.{name}.{list}.{nth}"),
                    text,
                    state: Some(name),
                    legal: state.mandatory || state.legal,
                    asks: !state.listen.is_empty(),
                };
                one(report, &prompt, whole);
            }
        }
    }
    let global = &script.global;
    for (list, texts) in [
        ("noinput", &global.noinput),
        ("nomatch", &global.nomatch),
        ("hold", &global.hold),
    ] {
        for (nth, text) in texts.iter().enumerate() {
            let prompt = Prompt {
                path: format!("global.{list}.{nth}"),
                text,
                state: None,
                legal: false,
                asks: false,
            };
            one(report, &prompt, whole);
        }
    }
    plain(report, "script.bot", &script.script.bot);
}

fn one(report: &mut Report<'_>, prompt: &Prompt<'_>, whole: bool) {
    match words::form_of(prompt.text) {
        Err(error) => {
            let remedy = "variables are written {{ name }}";
            report.add(
                &prompt.path,
                "{{",
                "template",
                format!("the prompt cannot be read: {error}"),
                remedy,
            );
            return;
        }
        Ok(untyped) => {
            for expression in untyped {
                let message =
                    format!("`{expression}` is no variable with a type: how would it be said?");
                let remedy = "write a bare variable of docs/script.md: {{ v_total }}";
                report.add(
                    &prompt.path,
                    &expression,
                    "untyped-variable",
                    message,
                    remedy,
                );
            }
        }
    }
    plain(report, &prompt.path, prompt.text);
    length(report, prompt);
    if let Some(offer) = words::offer_by_hand(prompt.text) {
        let message = format!("“{offer}” is offered by hand, and not by the policy");
        let remedy = "use a variable: {{ v_oferta }}, {{ taxa_multa }}, {{ exemplo_parcelas }}";
        let needle = offer.split(' ').next_back().unwrap_or_default().to_owned();
        report.add(
            &prompt.path,
            &needle,
            "offer-outside-policy",
            message,
            remedy,
        );
    }
    variables(report, prompt, whole);
    if whole {
        debt_words(report, prompt);
    }
}

/// What every text must keep to.
fn plain(report: &mut Report<'_>, path: &str, text: &str) {
    let literal = words::without_variables(text);
    if let Some(digit) = literal.chars().find(char::is_ascii_digit) {
        let message = format!("the digit {digit} would be read as the voice pleases");
        let remedy = "write the number in words, or use a variable";
        report.add(path, &digit.to_string(), "raw-digit", message, remedy);
    }
    if let Some(guess) = words::guess(text, report.senses.spelling) {
        let message = format!("`{guess}` would have to be guessed by the voice");
        let remedy = "write it as it is said, or add it to the lexicon";
        report.add(path, &guess, "abbreviation", message, remedy);
    }
    if let Some((word, why)) = words::forbidden(text) {
        let message = format!("“{word}” is never said to a debtor: {why}");
        let first = word.split(' ').next().unwrap_or_default();
        report.add(
            path,
            first,
            "forbidden-words",
            message,
            "leave it out (CDC, arts. 42 and 71)",
        );
    }
}

fn length(report: &mut Report<'_>, prompt: &Prompt<'_>) {
    let before = words::words_before_question(prompt.text).unwrap_or(0);
    if prompt.asks && before > WORDS_AT_MOST && !prompt.legal {
        let message = format!("{before} words before the question; people follow {WORDS_AT_MOST}");
        let remedy = "split the state: say the first part in a state with `next`, or shorten it";
        report.add(&prompt.path, "", "long-prompt", message, remedy);
        return;
    }
    let (seconds, most) = (
        words::seconds(prompt.text),
        if prompt.legal {
            LEGAL_SECONDS_AT_MOST
        } else {
            SECONDS_AT_MOST
        },
    );
    if seconds > most {
        let message =
            format!("takes about {seconds:.0} s to say; at most {most:.0} s are listened to");
        report.add(
            &prompt.path,
            "",
            "long-speech",
            message,
            "shorten it, or split the state",
        );
    }
}

/// Every variable exists, and has a value on every way to the prompt.
fn variables(report: &mut Report<'_>, prompt: &Prompt<'_>, whole: bool) {
    let graph = report.graph;
    for (_, name) in words::variables(prompt.text) {
        let Some(variable) = facts::variable(name) else {
            let bare =
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if bare {
                let message = format!("the variable `{name}` does not exist");
                let remedy = nearest(name, facts::SPOKEN.iter().map(|variable| variable.name));
                report.add(&prompt.path, name, "unknown-variable", message, remedy);
            }
            continue;
        };
        if variable.after.is_empty() || !whole {
            continue;
        }
        let Some(state) = prompt.state else {
            let message = format!("`{name}` is said in every question, also before it is known");
            report.add(
                &prompt.path,
                name,
                "disclosure",
                message,
                "leave it out of the general words",
            );
            continue;
        };
        let lacking = graph
            .of_state(state)
            .find(|&node| !graph.nodes[node].known.has(variable.after));
        let Some(node) = lacking else { continue };
        let secret = variable.after != Known::WHEN && variable.after != Known::MEANS;
        let stranger = graph
            .of_state(state)
            .find(|&node| !graph.nodes[node].known.has(Known::VERIFIED))
            .filter(|_| secret);
        let (rule, message, remedy, node) = match stranger {
            Some(node) => (
                "disclosure",
                format!(
                    "`{name}` tells of the debt, and a call gets here before the right party was verified"
                ),
                "lead here only through confere_cpf and calcula_ofertas",
                node,
            ),
            None => (
                "unset-variable",
                format!("a call gets here before `{name}` has a value"),
                "lead here only through what gives it a value",
                node,
            ),
        };
        let path = graph.path(node);
        report.add_with_path(&prompt.path, name, rule, message, remedy, path);
    }
}

/// No word of the debt to anybody who was not verified.
fn debt_words(report: &mut Report<'_>, prompt: &Prompt<'_>) {
    let Some(word) = words::debt_word(prompt.text) else {
        return;
    };
    let graph = report.graph;
    let stranger = match prompt.state {
        None => None,
        Some(state) => {
            let node = graph
                .of_state(state)
                .find(|&node| !graph.nodes[node].known.has(Known::VERIFIED));
            match node {
                Some(node) => Some(node),
                None => return,
            }
        }
    };
    let path = stranger.map(|node| graph.path(node)).unwrap_or_default();
    let message = format!(
        "“{word}” tells of the debt, and a call gets here before the right party was verified"
    );
    let remedy = "say “um assunto particular”, or lead here only through confere_cpf";
    let needle = needle_of(prompt.text, word);
    report.add_with_path(&prompt.path, &needle, "disclosure", message, remedy, path);
}

/// The word of a text that a folded word stands for.
fn needle_of(text: &str, folded: &str) -> String {
    let first = folded.split(' ').next().unwrap_or_default();
    text.split(|c: char| !c.is_alphanumeric())
        .find(|word| crate::base::fold(word) == first)
        .unwrap_or_default()
        .to_owned()
}
