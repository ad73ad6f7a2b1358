//! Words of prompts: which tell of a debt, which may never be said, and what a voice would have to guess.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::Environment;

use crate::base::fold;
use crate::language::g2p;
use crate::language::verbalise::{Gender, integer};
use crate::mind::facts;
use crate::mind::script::Notice;

/// Words that tell anybody who hears them that there is a debt.
const OF_DEBT: &[&str] = &[
    "divida",
    "dividas",
    "debito",
    "debitos",
    "divida",
    "inadimplencia",
    "inadimplente",
    "devedor",
    "devedora",
    "cobranca",
    "cobrancas",
    "cobrar",
    "atraso",
    "atrasada",
    "atrasado",
    "atrasadas",
    "vencida",
    "vencido",
    "vencidas",
    "vencimento",
    "em aberto",
    "pendencia",
    "pendencias",
    "pendente",
    "quitar",
    "quitacao",
    "acordo",
    "negociacao",
    "negociar",
    "renegociar",
    "parcela",
    "parcelas",
    "parcelar",
    "parcelamento",
    "multa",
    "juros",
    "boleto",
    "boletos",
    "desconto",
    "saldo devedor",
    "negativacao",
    "negativado",
    "serasa",
    "spc",
    "deve",
    "devendo",
    "devido",
    "reais",
    "centavos",
    "proposta",
];

/// What is never said to a debtor (CDC arts. 42 and 71), and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("prisao", "nobody goes to prison for a debt"),
    ("preso", "nobody goes to prison for a debt"),
    ("cadeia", "nobody goes to prison for a debt"),
    ("policia", "a threat"),
    ("penhora", "a threat"),
    ("penhorar", "a threat"),
    ("penhorados", "a threat"),
    ("oficial de justica", "a threat"),
    ("vamos processar", "a threat"),
    ("sera processado", "a threat"),
    ("acao judicial", "a threat"),
    ("seu chefe", "third parties are told nothing"),
    ("sua empresa sera", "third parties are told nothing"),
    ("sua familia", "third parties are told nothing"),
    ("nome sujo", "it humiliates"),
    ("sujar seu nome", "it humiliates"),
    ("caloteiro", "it humiliates"),
    ("caloteira", "it humiliates"),
    ("ultima chance", "an invented urgency"),
    ("ultima oportunidade", "an invented urgency"),
    ("urgente", "an invented urgency"),
    ("somente hoje", "an invented urgency"),
    ("so hoje", "an invented urgency"),
    ("seu score vai subir", "a promise that nobody can keep"),
    ("aumenta seu score", "a promise that nobody can keep"),
    ("senha", "a password is never asked for"),
    ("numero do cartao", "a card number is never asked for"),
    ("codigo de seguranca", "a card number is never asked for"),
    ("sou humano", "the agent never pretends to be a person"),
    ("sou humana", "the agent never pretends to be a person"),
    ("nao sou robo", "the agent never pretends to be a person"),
];

/// What makes a forbidden word harmless: "não peço senha, cartão nem código".
const DENIALS: &[&str] = &["nao peco", "nunca peco", "nunca pedimos", "nao pedimos"];

/// Words for numbers, folded.
static NUMBERS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let round = (20..100).step_by(10).chain((100..1_000).step_by(100));
    let spoken = (1..20).chain(round).flat_map(|number| {
        [Gender::Masculine, Gender::Feminine].map(|gender| fold(&integer(number, gender)))
    });
    let others = ["quatorze", "cento", "mil", "metade", "meia"].map(String::from);
    spoken.chain(others).collect()
});

/// What a number before it makes an offer of.
const UNITS: &[&str] = &[
    "real",
    "reais",
    "centavo",
    "centavos",
    "por cento",
    "parcelas",
    "vezes",
    "prestacoes",
];

/// Speech of the built-in voice at its ordinary speed, in phones a second, pauses between words included.
const PHONES_PER_SECOND: f64 = 14.5;
/// A pause at a comma, and at the end of a sentence, in seconds.
const COMMA_S: f64 = 0.15;
const STOP_S: f64 = 0.35;

/// The words of a text, folded, with single spaces around each.
pub fn folded(text: &str) -> String {
    let plain: String = fold(text)
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    format!(" {} ", words.join(" "))
}

fn first_of<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let text = folded(text);
    let mut words = words;
    words.find(|word| text.contains(&format!(" {word} ")))
}

/// The first word of a prompt that tells of a debt. Variables are not looked at.
pub fn debt_word(text: &str) -> Option<&'static str> {
    first_of(&without_variables(text), OF_DEBT.iter().copied())
}

/// The first forbidden word of a prompt, and what is wrong with it.
pub fn forbidden(text: &str) -> Option<(&'static str, &'static str)> {
    let plain = folded(text);
    if DENIALS.iter().any(|denial| plain.contains(denial)) {
        return None;
    }
    FORBIDDEN
        .iter()
        .find(|(word, _)| plain.contains(&format!(" {word} ")))
        .copied()
}

/// An amount, share or number of instalments written into a prompt by hand: "cem reais", "dois por cento".
pub fn offer_by_hand(text: &str) -> Option<String> {
    let plain = folded(&without_variables(text));
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.windows(2).enumerate().find_map(|(at, pair)| {
        let rest = words[at + 1..].join(" ") + " ";
        let unit = UNITS
            .iter()
            .find(|unit| rest.starts_with(&format!("{unit} ")))?;
        NUMBERS
            .contains(pair[0])
            .then(|| format!("{} {unit}", pair[0]))
    })
}

/// What a voice would have to guess: abbreviations that nobody spelled out, and signs.
pub fn guess(text: &str, spelled: &dyn Fn(&str) -> bool) -> Option<String> {
    let text = without_variables(text);
    for word in text.split_whitespace() {
        if let Some(sign) = word
            .chars()
            .find(|c| "$%&@#+=*/\\_<>|^~°ºª§{}[]".contains(*c))
        {
            let inner = word.trim_matches(['.', ',', ';', ':', '?', '!', '"', '(', ')']);
            if !spelled(inner) {
                return Some(sign.to_string());
            }
        }
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let dotted = word.ends_with('.') && ABBREVIATIONS.contains(&fold(bare).as_str());
        let letters = bare.chars().filter(|c| c.is_alphabetic()).count();
        let capitals = bare.chars().filter(|c| c.is_uppercase()).count();
        let shouted = letters >= 2 && capitals == letters;
        let mixed = capitals >= 2 && capitals < letters;
        let unsayable = letters >= 2
            && !bare.contains('-')
            && !fold(bare).contains(['a', 'e', 'i', 'o', 'u', 'y']);
        if (dotted || shouted || mixed || unsayable)
            && !spelled(bare)
            && !spelled(word.trim_end_matches([',', ';', ':', '?', '!']))
        {
            return Some(bare.to_owned());
        }
    }
    None
}

/// Short forms that end in a full stop.
const ABBREVIATIONS: &[&str] = &[
    "sr", "sra", "srta", "dr", "dra", "av", "tel", "cel", "vcto", "venc", "ref", "obs", "pgto",
    "qtd", "num", "parc", "vl", "vlr", "ex", "etc", "min", "max", "ltda", "cia", "art", "dt",
    "cod",
];

/// A prompt without its variables.
pub fn without_variables(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        out.push_str(&rest[..at]);
        out.push(' ');
        rest = rest[at..]
            .find("}}")
            .map_or("", |end| &rest[at + end + 2..]);
    }
    out.push_str(rest);
    out
}

/// The variables of a prompt in order, with where each begins.
pub fn variables(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("{{").map(|at| from + at) {
        let end = text[at..].find("}}").map_or(text.len(), |end| at + end);
        found.push((at, text[(at + 2).min(end)..end].trim()));
        from = (end + 2).min(text.len());
    }
    found
}

pub fn has_variable(text: &str, name: &str) -> bool {
    variables(text)
        .iter()
        .any(|(_, variable)| *variable == name)
}

/// Whether a prompt gives a notice: it holds all of its words.
pub fn gives(text: &str, notice: &Notice) -> bool {
    let text = folded(text);
    !notice.words.is_empty()
        && notice
            .words
            .iter()
            .all(|words| text.contains(folded(words).trim_end()))
}

/// Words before the question of a prompt; a variable is one word. `None` without a question.
pub fn words_before_question(text: &str) -> Option<usize> {
    let end = text.rfind('?')?;
    let before = &text[..end];
    // The question itself begins after the sentence before it.
    let question = before
        .rfind(['.', '!', ':', ';', '?'])
        .map_or(0, |at| at + 1);
    Some(count_words(&text[..question]))
}

pub fn count_words(text: &str) -> usize {
    let variables = variables(text).len();
    let literal = without_variables(text)
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count();
    variables + literal
}

/// How long a prompt takes to be said, in seconds, with values of ordinary length.
pub fn seconds(text: &str) -> f64 {
    let mut said = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let end = rest[at..].find("}}").map_or(rest.len(), |end| at + end);
        said.push_str(&rest[..at]);
        let name = rest[(at + 2).min(end)..end].trim();
        said.push_str(facts::variable(name).map_or("", |variable| variable.example));
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    said.push_str(rest);
    let phones: usize = g2p::phones(&said)
        .iter()
        .map(|word| word.chars().count())
        .sum();
    let commas = said.matches([',', ';', ':']).count() as f64;
    let stops = said
        .trim_end_matches(['.', '?', '!'])
        .matches(['.', '?', '!'])
        .count() as f64;
    phones as f64 / PHONES_PER_SECOND + commas * COMMA_S + stops * STOP_S
}

/// The variables of a template that are more than a bare name, and mistakes of its form.
pub fn form_of(text: &str) -> Result<Vec<String>, String> {
    Environment::new()
        .template_from_str(text)
        .map_err(|error| error.to_string())?;
    let mut untyped: Vec<String> = variables(text)
        .into_iter()
        .map(|(_, name)| name)
        .filter(|name| {
            name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
        .map(str::to_owned)
        .collect();
    if text.contains("{%") || text.contains("{#") {
        untyped.push("{%".to_owned());
    }
    Ok(untyped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_a_debt_is_seen_in_any_form() {
        assert_eq!(debt_word("Há um DÉBITO em seu nome"), Some("debito"));
        assert_eq!(debt_word("É um assunto particular."), None);
        assert_eq!(debt_word("{{ v_total }}"), None);
        assert!(forbidden("Não peço senha, cartão nem código.").is_none());
        assert!(forbidden("Diga sua senha.").is_some());
        assert_eq!(
            offer_by_hand("Pague só cem reais").as_deref(),
            Some("cem reais")
        );
        assert_eq!(
            offer_by_hand("em três vezes").as_deref(),
            Some("tres vezes")
        );
        assert_eq!(offer_by_hand("em até sete dias úteis"), None);
    }

    #[test]
    fn what_a_voice_would_guess_is_seen() {
        let spelled = |word: &str| matches!(word, "CPF" | "SMS");
        for (text, found) in [
            ("Diga o CPF.", None),
            ("Fale com a ANATEL.", Some("ANATEL")),
            ("Pague R$", Some("$")),
            ("Sr. João", Some("Sr")),
            ("o vcto. é hoje", Some("vcto")),
            ("Tudo bem, eu ligo outra hora.", None),
            ("Mande por e-mail", None),
        ] {
            assert_eq!(guess(text, &spelled).as_deref(), found, "{text}");
        }
    }

    #[test]
    fn words_and_seconds_are_counted() {
        assert_eq!(
            words_before_question("Oi. Tudo bem com {{ nome }}?"),
            Some(1)
        );
        assert_eq!(words_before_question("Diga o CPF."), None);
        assert!((3.0..6.0).contains(&seconds(
            "Para sua segurança, diga ou digite só os três primeiros números do seu CPF."
        )));
    }
}
