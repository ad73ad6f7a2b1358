//! What is done with bytes from outside, for `fuzz/` and for a quick run of the same in the tests.
//!
//! Each function takes any bytes and must return: no panic, no overflow, no hang. What it checks beside that stands in
//! its comment.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

use crate::base::{Date, Moment};
use crate::ear::asr::AcousticModel;
use crate::language::grammar::loose::{self, Loose};
use crate::language::grammar::parse::{self, Parser};
use crate::language::grammar::{Grammar, Shipped};
use crate::language::meaning;
use crate::media::receiver::{Payloads, Reaction, Receiver};
use crate::media::{FRAME_MS, rtp, wav};
use crate::mind::policy::Policy;
use crate::mind::script::Script;
use crate::mouth::ssml;

const TODAY: Date = jiff::civil::date(2026, 11, 23);
/// Longer texts only take longer.
const LONGEST: usize = 4096;
const FRAME_TIME: Duration = Duration::from_millis(FRAME_MS);

/// A target: its name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, each with a file of its name in `fuzz/fuzz_targets`.
pub const TARGETS: [Target; 10] = [
    ("grammar", grammar),
    ("script", script),
    ("policy", policy),
    ("date", date),
    ("money", money),
    ("text", text),
    ("model", model),
    ("wav", wav_file),
    ("rtp", rtp_session),
    ("ssml", ssml_text),
];

fn words(data: &[u8]) -> String {
    String::from_utf8_lossy(&data[..data.len().min(LONGEST)]).into_owned()
}

/// A grammar file: mistakes have a place in it, and what compiles says sentences that it understands.
pub fn grammar(data: &[u8]) {
    let text = words(data);
    let files = BTreeMap::from([("x.gram".to_owned(), text.clone())]);
    match Grammar::load(&files, "x.gram") {
        Ok(grammar) => {
            let Ok(automaton) = grammar.automaton(&[], &BTreeMap::new()) else {
                return;
            };
            // Large ones only take longer.
            if automaton.arcs.len() + automaton.jumps.len() > 2_000 {
                return;
            }
            let parser = Parser::new(&automaton);
            for sentence in automaton.sentences(1, 3) {
                let said = sentence.words.join(" ");
                for reading in parser.parse(&said) {
                    assert!((0.0..=1.0).contains(&reading.confidence), "{said}");
                }
            }
        }
        Err(mistakes) => {
            let lines = text.lines().count().max(1) as u32 + 1;
            assert!(!mistakes.is_empty());
            for mistake in mistakes {
                assert!(mistake.line <= lines, "{mistake}");
            }
        }
    }
}

/// A file of a script.
pub fn script(data: &[u8]) {
    let files = BTreeMap::from([("fluxo.toml".to_owned(), words(data))]);
    if let Err(mistakes) = Script::read(&files) {
        assert!(!mistakes.is_empty());
    }
}

/// A policy file.
pub fn policy(data: &[u8]) {
    if let Err(mistakes) = Policy::parse(&words(data)) {
        assert!(!mistakes.is_empty());
    }
}

/// A rule of a shipped grammar, compiled once.
fn rule(cell: &'static OnceLock<Parser>, file: &str, rule: &str) -> &'static Parser {
    cell.get_or_init(|| {
        let automaton = Grammar::load(&Shipped, file)
            .ok()
            .and_then(|grammar| grammar.automaton(&[rule], &BTreeMap::new()).ok());
        Parser::new(&automaton.unwrap_or_default())
    })
}

fn values(parser: &Parser, slots: &[&str], text: &str) {
    for reading in parser.parse(text) {
        for slot in slots {
            let mut tags = vec![format!("{slot}(")];
            tags.extend(reading.tags.iter().cloned());
            tags.push(")".to_owned());
            let _ = meaning::read(&tags, TODAY);
        }
    }
}

/// What is said of a day or an hour.
pub fn date(data: &[u8]) {
    static DATE: OnceLock<Parser> = OnceLock::new();
    static HOUR: OnceLock<Parser> = OnceLock::new();
    let text = words(data);
    values(
        rule(&DATE, "datas.gram", "data_resposta"),
        &["data", "pago_em", "nascimento"],
        &text,
    );
    values(rule(&HOUR, "datas.gram", "hora"), &["hora"], &text);
}

/// What is said of money and digits; tags as a grammar of one's own might write them.
pub fn money(data: &[u8]) {
    static MONEY: OnceLock<Parser> = OnceLock::new();
    static DIGITS: OnceLock<Parser> = OnceLock::new();
    let text = words(data);
    values(
        rule(&MONEY, "numeros.gram", "dinheiro"),
        &["valor", "parcelas", "taxa"],
        &text,
    );
    values(
        rule(&DIGITS, "numeros.gram", "digitos"),
        &["digitos", "cpf"],
        &text,
    );
    let tags: Vec<String> = text.split(' ').map(String::from).collect();
    let _ = meaning::read(&tags, TODAY).catalogue();
    for slot in [
        "valor(",
        "data(",
        "pago_em(",
        "digitos(",
        "taxa(",
        "hora(",
        "nascimento(",
        "parcelas(",
    ] {
        let mut tags = tags.clone();
        tags.insert(0, slot.to_owned());
        tags.push(")".to_owned());
        let _ = meaning::read(&tags, TODAY);
    }
}

/// A sentence in a question with looser wording.
pub fn text(data: &[u8]) {
    static OWN: OnceLock<Parser> = OnceLock::new();
    static LOOSE: OnceLock<Option<Loose>> = OnceLock::new();
    let own = OWN.get_or_init(|| {
        let automaton = Grammar::automaton_of(&Shipped, &["identifica.gram"], &BTreeMap::new());
        Parser::new(&automaton.unwrap_or_default())
    });
    let loose =
        LOOSE.get_or_init(|| Loose::compile(&Shipped, &["identifica.gram".to_owned()]).ok());
    let names = ["maria".to_owned(), "maria da silva".to_owned()];
    for reading in loose::read(own, || loose.as_ref(), &names, &words(data)) {
        assert!((0.0..=1.0).contains(&reading.confidence));
        assert!(reading.is_accepted() || reading.confidence < parse::ACCEPTED);
        let _ = meaning::read(&reading.tags, TODAY).catalogue();
    }
}

/// An acoustic model.
pub fn model(data: &[u8]) {
    let _ = black_box(AcousticModel::from_bytes(black_box(data)));
}

/// A recording.
pub fn wav_file(data: &[u8]) {
    let _ = black_box(wav::read(black_box(data)));
    let _ = black_box(wav::read_channels(black_box(data)));
}

/// A session on a media port: before each datagram stand its length and an octet of which the low two bits are the port
/// that it comes from and the rest how much later it comes, in 4 ms. A frame is played every 20 ms, as in a call.
///
/// What is counted was sent, sound comes from a known port, keys are of the keypad, and the report is well-formed.
pub fn rtp_session(data: &[u8]) {
    const PAYLOADS: Payloads = Payloads {
        a_law: Some(rtp::PCMA),
        mu_law: Some(rtp::PCMU),
        events: Some(101),
    };
    let mut rest = &data[..data.len().min(LONGEST)];
    let mut receiver = Receiver::new(PAYLOADS, Some(0), 60);
    let (mut now, mut played, mut sent) = (Moment::ZERO, Moment::ZERO, 0);
    while let Some(([length, from], more)) = rest.split_first_chunk::<2>() {
        let (datagram, next) = more.split_at(more.len().min(usize::from(*length)));
        rest = next;
        sent += 1;
        now = now + Duration::from_millis(u64::from(from & !3));
        while played + FRAME_TIME <= now {
            played = played + FRAME_TIME;
            black_box(receiver.pop());
        }
        if let Reaction::Key(key) = receiver.receive(from & 3, datagram, now) {
            assert!("0123456789*#ABCD".contains(key), "{key:?}");
        }
    }
    let stats = receiver.stats();
    assert!(stats.received + stats.duplicates <= sent && receiver.malformed() <= sent);
    assert!(receiver.source().is_none_or(|port| port < 4));
    let sender = rtp::Sequencer::new(1, 0, 0).report();
    let report = rtp::encode_report(&sender, now.0, receiver.report().as_ref(), "combinado");
    assert!(rtp::is_rtcp(&report));
}

/// A prompt with marks for the voice.
pub fn ssml_text(data: &[u8]) {
    let settings = crate::mouth::tts::Settings::default();
    let _ = black_box(ssml::parse(&words(data), &settings));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces that lead into the readers, joined at random; every byte may be struck by another.
    const PIECES: [&str; 36] = [
        "#ABNF 1.0 UTF-8;\n",
        "public $x = ",
        "$y",
        " = ",
        ";",
        "(",
        ")",
        "[",
        "]",
        "{T}",
        "|",
        "<0-3>",
        "/0.5/",
        "sim",
        "$<a.gram#b>",
        "root $x;",
        "[state.a]\n",
        "say = [\"oi\"]\n",
        "listen = [\"a.gram\"]\n",
        "end = \"X\"\n",
        "[global]\n",
        "dia ",
        "cinco ",
        "mil ",
        "e ",
        "reais ",
        "trinta e um ",
        "de dezembro ",
        "RIFF\u{24}\0\0\0WAVEfmt ",
        "data",
        "\u{80}\0\0\u{1}",
        "<speak>",
        "<break time=\"1s\"/>",
        "não ",
        "arroba ",
        "+999999999999 ",
    ];

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn any_bytes_are_taken() {
        let mut random = 7;
        for round in 0..60 {
            let mut bytes = Vec::new();
            for _ in 0..next(&mut random) % 14 {
                let piece = PIECES[next(&mut random) as usize % PIECES.len()];
                bytes.extend_from_slice(piece.as_bytes());
            }
            for _ in 0..round % 4 {
                let place = next(&mut random) as usize % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = next(&mut random) as u8;
                }
            }
            for (_, target) in TARGETS {
                target(&bytes);
            }
        }
    }

    #[test]
    fn every_target_has_its_file() {
        for (name, _) in TARGETS {
            let file = format!("{}/fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
            assert!(std::path::Path::new(&file).exists(), "{file}");
        }
    }
}
