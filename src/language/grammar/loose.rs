//! Reading text more widely than sound is heard.
//!
//! A question's own grammars come first. What they do not explain whole is read once more with the looser wording of
//! [`FILE`] beside them: its rule named like a grammar file that the question listens to, and its rule `global`. That
//! second automaton is the same for all calls: where the person called is named, a stand-in is put for the name.

use std::collections::BTreeMap;

use super::parse::{ACCEPTED, Parse, Parser};
use super::{Automaton, Files, Grammar, GrammarError, address, price, text};

/// The grammar of looser wording.
pub const FILE: &str = "texto.gram";
/// The name under which alternatives are joined.
const JOINED: &str = "(texto)";
/// Stands for the name of the person called. Nobody is called so.
pub const STAND_IN: &str = "fulano";
/// The rule that each call fills with that name.
pub const NAME_RULE: &str = "nome_titular";

/// Rules whose name begins so hold words that tell the subject of a sentence, not what is said of it.
const TOPICS: &str = "topicos_";
/// Stands in a topic that a "não" elsewhere in the sentence does not turn round.
const EVEN_DENIED: &str = "mesmo_negado";
/// Only so many words, fillers apart, can be about one subject.
const SHORT: usize = 12;

/// A reading of the question's own grammar that explains this much is not questioned.
const SURE: f32 = 0.9;

/// What a question reads beside its own grammar.
pub struct Loose {
    wording: Parser,
    topics: Parser,
}

impl Loose {
    /// Compiles the looser wording for a question that listens to `rules`.
    ///
    /// # Errors
    /// All mistakes of all files.
    pub fn compile(files: &dyn Files, rules: &[String]) -> Result<Self, Vec<GrammarError>> {
        let parts = |prefix| beside(files, rules, prefix);
        let own = rules.iter().map(|rule| format!("$<{rule}>"));
        let wording = own.chain(parts("")).collect::<Vec<_>>();
        Ok(Self {
            wording: Parser::new(&automaton(files, &wording)?),
            topics: Parser::new(&automaton(files, &parts(TOPICS))?),
        })
    }

    /// The readings of `text`, the best first, in which the person called goes by one of `names`.
    fn read(&self, names: &[String], text: &str) -> Vec<Parse> {
        let mut words = text::words(text);
        let address = address::take(&mut words);
        let (words, said) = without_name(words, names);
        let text = words.join(" ");
        let mut readings = self.wording.parse(&text);
        let sure = |reading: &Parse| reading.is_accepted() && !is_mere(reading);
        if !readings.first().is_some_and(sure) {
            let topic = self.topic(&words, &text);
            // A mere yes or no beside words that name a subject is not the answer.
            let place = usize::from(topic.is_none());
            readings.splice(0..0, topic.filter(|_| place == 0));
        }
        if let (Some(address), Some(best)) = (address, readings.first_mut()) {
            best.tags.push(format!("email={address}"));
        }
        for word in readings
            .iter_mut()
            .flat_map(|reading| reading.words.iter_mut().chain(&mut reading.rest))
        {
            if let (STAND_IN, Some(name)) = (word.as_str(), &said) {
                word.clone_from(name);
            }
        }
        readings
    }

    /// The one subject that a short sentence is about.
    fn topic(&self, words: &[String], text: &str) -> Option<Parse> {
        let prices = price::prices(words);
        let weighty = prices.iter().filter(|price| **price > price::FILLER);
        let mut best = self
            .topics
            .parse(text)
            .into_iter()
            .next()
            .filter(|_| weighty.count() <= SHORT)?;
        let denied = best.rest.iter().any(|word| price::denies(word));
        let firm = best.tags.iter().any(|tag| tag == EVEN_DENIED);
        let mut intents: Vec<&String> =
            best.tags.iter().filter(|tag| *tag != EVEN_DENIED).collect();
        intents.dedup();
        if denied && !firm || intents.len() != 1 {
            return None;
        }
        best.tags.retain(|tag| tag != EVEN_DENIED);
        best.tags.dedup();
        best.confidence = best.confidence.max(ACCEPTED);
        Some(best)
    }
}

/// A yes, a no or a greeting that leaves words of content unexplained.
fn is_mere(reading: &Parse) -> bool {
    let little = |tag: &String| matches!(tag.as_str(), "SIM" | "NAO" | "ATENDE_ALO" | "DESPEDIDA");
    reading.tags.iter().all(little) && !reading.rest.is_empty()
}

/// References to the rules of [`FILE`] that belong to `rules`. Of two readings that explain the same the question's
/// own holds.
fn beside(files: &dyn Files, rules: &[String], prefix: &str) -> Vec<String> {
    let known = files.read(FILE).unwrap_or_default();
    let mut names: Vec<&str> = rules
        .iter()
        .filter_map(|rule| {
            rule.split('#')
                .next()?
                .rsplit('/')
                .next()?
                .strip_suffix(".gram")
        })
        .chain(["global"])
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .iter()
        .map(|name| format!("{prefix}{name}"))
        .filter(|name| known.contains(&format!("public ${name} =")))
        .map(|name| format!("/0.001/ $<{FILE}#{name}>"))
        .collect()
}

/// Compiles the alternatives, with the stand-in in the place of the name.
fn automaton(files: &dyn Files, parts: &[String]) -> Result<Automaton, Vec<GrammarError>> {
    if parts.is_empty() {
        return Ok(Automaton::default());
    }
    let joined = format!(
        "#ABNF 1.0 UTF-8;\nlanguage pt-BR;\nroot $question;\npublic $question = {};\n",
        parts.join(" | ")
    );
    let files = |name: &str| {
        if name == JOINED {
            Some(joined.clone())
        } else {
            files.read(name)
        }
    };
    let names = BTreeMap::from([(NAME_RULE.to_owned(), vec![STAND_IN.to_owned()])]);
    Grammar::load(&files, JOINED)?
        .automaton(&[], &names)
        .map_err(|error| vec![error])
}

/// The best readings of `text`: of `own` if they are sure, else of `loose`, which is asked for only then. `names` are
/// the ways to name the person called.
pub fn read<L: std::ops::Deref<Target = Loose>>(
    own: &Parser,
    loose: impl FnOnce() -> Option<L>,
    names: &[String],
    text: &str,
) -> Vec<Parse> {
    let strict = own.parse(text);
    let sure = |best: &Parse| best.confidence >= SURE && best.rest.is_empty();
    if strict.first().is_some_and(sure) {
        return strict;
    }
    let wide = loose().map_or(Vec::new(), |loose| loose.read(names, text));
    match (strict.first(), wide.first()) {
        (Some(strictest), Some(widest))
            if strictest.confidence >= widest.confidence && !is_mere(strictest) =>
        {
            strict
        }
        (_, None) => strict,
        _ => wide,
    }
}

/// Puts the stand-in for each of `names`, the longest first, and tells the name that was said.
fn without_name(words: Vec<String>, names: &[String]) -> (Vec<String>, Option<String>) {
    let mut names: Vec<Vec<String>> = names
        .iter()
        .map(|name| {
            text::words(name)
                .iter()
                .map(|word| text::fold(word))
                .collect()
        })
        .filter(|name: &Vec<String>| !name.is_empty())
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let folded: Vec<String> = words.iter().map(|word| text::fold(word)).collect();
    let mut left = Vec::with_capacity(words.len());
    let mut said = None;
    let mut at = 0;
    while at < words.len() {
        match names.iter().find(|name| folded[at..].starts_with(name)) {
            Some(name) => {
                said = Some(words[at..at + name.len()].join(" "));
                left.push(STAND_IN.to_owned());
                at += name.len();
            }
            None => {
                left.push(words[at].clone());
                at += 1;
            }
        }
    }
    (left, said)
}

/// The first names most given in Brazil, for reading sentences outside a call, where nobody in particular is called.
pub const COMMON_NAMES: [&str; 60] = [
    "maria",
    "josé",
    "ana",
    "joão",
    "antônio",
    "francisco",
    "carlos",
    "paulo",
    "pedro",
    "lucas",
    "luiz",
    "marcos",
    "luís",
    "gabriel",
    "rafael",
    "francisca",
    "daniel",
    "marcelo",
    "bruno",
    "eduardo",
    "felipe",
    "antônia",
    "rodrigo",
    "manoel",
    "mateus",
    "andré",
    "fernando",
    "fábio",
    "leonardo",
    "gustavo",
    "guilherme",
    "adriana",
    "juliana",
    "márcia",
    "fernanda",
    "patrícia",
    "aline",
    "sandra",
    "camila",
    "amanda",
    "bruna",
    "jéssica",
    "letícia",
    "júlia",
    "luciana",
    "vanessa",
    "mariana",
    "gabriela",
    "vera",
    "vitória",
    "larissa",
    "cláudia",
    "beatriz",
    "rita",
    "sônia",
    "renata",
    "tiago",
    "roberto",
    "jorge",
    "sebastião",
];
