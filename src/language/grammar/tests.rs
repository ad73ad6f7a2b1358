use std::collections::BTreeMap;

use super::parse::Parser;
use super::shipped::SHIPPED;
use super::*;
use crate::language::meaning;

fn monday() -> crate::base::Date {
    jiff::civil::date(2026, 11, 23)
}

fn state(name: &str) -> Automaton {
    let grammar = Grammar::load(&Shipped, &format!("{name}.gram"));
    let grammar = grammar.unwrap_or_else(|errors| {
        panic!(
            "{}",
            errors.iter().map(|e| format!("{e}\n")).collect::<String>()
        )
    });
    let dynamic = BTreeMap::from([(
        "nome_titular".to_owned(),
        vec![
            "joão".to_owned(),
            "maria".to_owned(),
            "joão da silva".to_owned(),
        ],
    )]);
    grammar
        .automaton(&[], &dynamic)
        .expect("shipped grammars compile")
}

/// The decoder walks every arc of a state's grammar for each 30 ms of speech.
#[test]
fn grammars_stay_compact() {
    for (name, _) in SHIPPED {
        let automaton = state(name.trim_end_matches(".gram"));
        println!(
            "{name}: {} states, {} arcs, {} jumps",
            automaton.states,
            automaton.arcs.len(),
            automaton.jumps.len()
        );
        assert!(automaton.arcs.len() < 10_000, "{name}");
    }
}

fn files(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn compile(text: &str) -> Automaton {
    let grammar = Grammar::load(&files(&[("x.gram", text)]), "x.gram")
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    grammar.automaton(&[], &BTreeMap::new()).expect("compiles")
}

/// Tags of the best reading, if it explains everything.
fn tags(automaton: &Automaton, text: &str) -> Option<String> {
    let best = parse::parse(automaton, text).into_iter().next()?;
    best.rest.is_empty().then(|| best.tags.join(" "))
}

#[test]
fn whole_form() {
    let automaton = compile(
        r#"#ABNF 1.0 UTF-8;
        /* A comment; with { and $ in it. */
        language pt-BR; mode voice; root $pedido; tag-format <semantics/1.0-literals>;
        meta "author" is "x"; // to the end of the line = | ;
        public $pedido = [quero] $numero (pizza | pizzas) {PIZZA} [com "Queijo Coalho" {!{com {queijo}}!}] | $NULL $GARBAGE nada!pt-BR {NADA} | $VOID nunca {NUNCA};
        private $numero = /0.9/ uma {1} | /0.1/ duas <1-2> {2} | /0/ três {3} | Quatro <0-1 /0.5/> cinco {45};
        "#,
    );
    assert_eq!(
        tags(&automaton, "quero uma pizza").as_deref(),
        Some("1 PIZZA")
    );
    assert_eq!(
        tags(&automaton, "duas duas pizzas com queijo coalho").as_deref(),
        Some("2 PIZZA com {queijo}")
    );
    assert_eq!(
        tags(&automaton, "cinco pizzas").as_deref(),
        Some("45 PIZZA")
    );
    assert_eq!(tags(&automaton, "nada").as_deref(), Some("NADA"));
    assert!(
        !automaton.tags.contains(&"NUNCA".to_owned()) && !automaton.tags.contains(&"3".to_owned())
    );
    assert!(
        automaton.words.contains(&"quatro".to_owned()),
        "{:?}",
        automaton.words
    );
}

#[test]
fn loose_form() {
    let automaton = compile("$d = Zero {0} | UM {1} | dois {2}; public $x = $d<1-> | $d+ fim {F};");
    assert_eq!(
        tags(&automaton, "um dois zero um um").as_deref(),
        Some("1 2 0 1 1")
    );
    assert_eq!(tags(&automaton, "dois fim").as_deref(), Some("2 F"));
}

#[test]
fn other_files_and_dynamic_rules() {
    let files = files(&[
        (
            "a/main.gram",
            "root $x; public $x = falo com $nome {SIM} | $<b.gram#numero> | $<b.gram>; $nome = $VOID;",
        ),
        (
            "a/b.gram",
            "root $y; public $numero = um {1}; $y = oi {OI};",
        ),
    ]);
    let grammar = Grammar::load(&files, "a/main.gram").expect("loads");
    assert_eq!(grammar.root(), Some("x"));
    assert_eq!(
        grammar.tags().into_iter().collect::<Vec<_>>(),
        ["1", "OI", "SIM"]
    );
    let names = BTreeMap::from([(
        "nome".to_owned(),
        vec!["Maria José".to_owned(), "???".to_owned()],
    )]);
    let automaton = grammar.automaton(&[], &names).expect("compiles");
    assert_eq!(
        tags(&automaton, "falo com maria josé").as_deref(),
        Some("SIM")
    );
    assert_eq!(tags(&automaton, "oi").as_deref(), Some("OI"));
    assert_eq!(tags(&automaton, "falo com").as_deref(), None);
    let automaton = grammar
        .automaton(&["a/b.gram#numero"], &BTreeMap::new())
        .expect("compiles");
    assert_eq!(automaton.words, ["um"]);
    assert!(grammar.automaton(&["nada"], &BTreeMap::new()).is_err());
}

#[test]
fn several_grammars_at_once() {
    let files = files(&[
        ("a.gram", "public $a = sim {SIM};"),
        ("b.gram", "public $b = oi {OI}; public $c = tchau {TCHAU};"),
    ]);
    let automaton =
        Grammar::automaton_of(&files, &["a.gram", "b.gram#c"], &BTreeMap::new()).expect("compiles");
    assert_eq!(automaton.words, ["sim", "tchau"]);
    assert!(Grammar::automaton_of(&files, &["a.gram", "z.gram"], &BTreeMap::new()).is_err());
}

#[test]
fn all_mistakes_at_once() {
    let files = files(&[
        (
            "a.gram",
            "#ABNF 2.0 LATIN;\npublic $x = (um | dois;\n$y = $tres | $<b.gram#oculta> | $<c.gram>;\n$x = ;\n$y = sete;\n$z = oito <3-1> | /x/ nove;",
        ),
        ("b.gram", "$oculta = um;\npublic $aberta = $x\n  )"),
    ]);
    let errors = Grammar::load(&files, "a.gram").expect_err("full of mistakes");
    let told: Vec<String> = errors
        .iter()
        .map(|error| {
            format!(
                "{}:{}:{} {}",
                error.file,
                error.line,
                error.column,
                error.problem.code()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "a.gram:1:1 grammar.header",
            "a.gram:2:13 grammar.unclosed",
            "a.gram:3:6 grammar.unknown_rule",
            "a.gram:3:14 grammar.private_rule",
            "a.gram:3:33 grammar.unknown_file",
            "a.gram:4:6 grammar.expected",
            "a.gram:5:1 grammar.duplicate_rule",
            "a.gram:6:11 grammar.repeat",
            "a.gram:6:19 grammar.weight",
            "b.gram:2:18 grammar.unknown_rule",
            "b.gram:3:3 grammar.expected",
        ]
    );
    assert!(
        errors
            .iter()
            .all(|error| !error.problem.remedy().is_empty())
    );
}

#[test]
fn circles_are_named() {
    let files = files(&[
        ("a.gram", "public $a = x $b;\n$b = y $<b.gram#c>;"),
        ("b.gram", "public $c = [$<a.gram#a>];"),
    ]);
    let errors = Grammar::load(&files, "a.gram").expect_err("a circle");
    let [error] = &errors[..] else {
        panic!("{errors:?}")
    };
    assert_eq!(error.problem.path(), ["$a", "$b", "$c", "$a"]);
}

#[test]
fn deep_nesting_is_refused() {
    for text in [
        format!("$x = {}um{};", "(".repeat(5000), ")".repeat(5000)),
        format!("$x = um{};", "*".repeat(5000)),
    ] {
        assert!(Grammar::load(&files(&[("x.gram", &text)]), "x.gram").is_err());
    }
    let explosion = "$a = (um|dois|três)<999>; $b = $a<999>; public $c = $b<999>;";
    let grammar = Grammar::load(&files(&[("x.gram", explosion)]), "x.gram").expect("loads");
    assert!(matches!(
        grammar.automaton(&["c"], &BTreeMap::new()),
        Err(GrammarError {
            problem: Problem::TooLarge { .. },
            ..
        })
    ));
}

#[test]
fn joined_beginnings_and_ends() {
    let automaton = compile(
        "public $x = não quero pagar agora {A} | não quero pagar {A} | eu não quero pagar agora {A} | não posso {B};",
    );
    assert!(automaton.arcs.len() <= 11, "{automaton:?}");
    assert_eq!(tags(&automaton, "não posso").as_deref(), Some("B"));
    assert_eq!(tags(&automaton, "não quero pagar").as_deref(), Some("A"));
}

#[test]
fn robust_text() {
    let automaton = compile(
        "public $x = [no] dia $n {DIA} | não quero pagar {RECUSA} | quero parcelar {PARCELA} | meu telefone {FONE}; $n = cinco {5} | quinze {15} | (vinte [e cinco {+5}]) {20};",
    );
    assert_eq!(
        tags(&automaton, "Bom, então... no DIA 5, por favor!").as_deref(),
        Some("5 DIA")
    );
    assert_eq!(tags(&automaton, "dia 25").as_deref(), Some("+5 20 DIA"));
    assert_eq!(
        tags(&automaton, "nao quero, tipo, pagar").as_deref(),
        Some("RECUSA")
    );
    assert_eq!(
        tags(&automaton, "quero parselar").as_deref(),
        Some("PARCELA")
    );
    let readings = parse::parse(&automaton, "eu até queria mas não quero parcelar");
    assert!(
        readings[0].confidence < 0.5,
        "a negation left out turns the meaning round: {readings:?}"
    );
    let readings = parse::parse(
        &automaton,
        "o papagaio do vizinho canta no dia cinco de tarde",
    );
    assert_eq!(readings[0].tags, ["5", "DIA"]);
    assert_eq!(
        readings[0].rest,
        ["papagaio", "do", "vizinho", "canta", "de", "tarde"]
    );
    assert!(!readings[0].is_accepted());
    assert!(parse::parse(&automaton, "xyz").is_empty());
    assert!(parse::parse(&automaton, "").is_empty());
}

#[test]
fn sentences_are_the_same_each_time() {
    let automaton = state("dia");
    assert_eq!(automaton.sentences(7, 20), automaton.sentences(7, 20));
    assert_ne!(automaton.sentences(7, 20), automaton.sentences(8, 20));
}

/// What the shipped grammars say, they understand, nearly always as the same intent; some phrases mean two things.
#[test]
fn shipped_sentences_come_back() {
    for (name, _) in SHIPPED {
        let automaton = state(name.trim_end_matches(".gram"));
        let parser = Parser::new(&automaton);
        let sentences = automaton.sentences(1, 40);
        let mut same = 0;
        for sentence in &sentences {
            let readings = parser.parse(&sentence.words.join(" "));
            let best = readings
                .first()
                .unwrap_or_else(|| panic!("{name}: {sentence:?}"));
            assert!(
                best.rest.is_empty() && best.confidence > 0.9,
                "{name}: {sentence:?}: {best:?}"
            );
            let meant = meaning::read(&sentence.tags, monday()).intent;
            same += usize::from(
                readings
                    .iter()
                    .any(|reading| meaning::read(&reading.tags, monday()).intent == meant),
            );
        }
        assert!(
            same * 10 >= sentences.len() * 9,
            "{name}: {same} of {}",
            sentences.len()
        );
    }
}

/// Every one of the 53 intents can be meant in some state.
#[test]
fn every_intent_is_in_a_grammar() {
    let table = include_str!("../../../grammars/tests/phrasings.tsv");
    let intents: BTreeSet<&str> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('\t').nth(1))
        .collect();
    assert_eq!(intents.len(), 53);
    let tags: BTreeSet<String> = SHIPPED
        .iter()
        .flat_map(|(name, _)| state(name.trim_end_matches(".gram")).tags)
        .collect();
    assert_eq!(intents.iter().find(|intent| !tags.contains(**intent)), None);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn small_grammar() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            Just("sim"),
            Just("não"),
            Just("dia"),
            Just("é"),
            Just("quero pagar"),
            Just("segunda-feira")
        ];
        let leaf = (word, 0..20_u8).prop_map(|(word, tag)| format!("{word} {{T{tag}}}"));
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} | {b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} {b}")),
                inner.clone().prop_map(|a| format!("[{a}]")),
                (inner, 0..3_u8).prop_map(|(a, n)| format!("({a})<{n}-{}>", n + 1)),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_grammar_text_is_read(text in "[$#{}()\\[\\]|;=<>/!\"a-cé0-9*+ \n.-]{0,80}") {
            if let Ok(grammar) = Grammar::load(&files(&[("x.gram", &text)]), "x.gram") {
                let automaton = grammar.automaton(&[], &BTreeMap::new());
                prop_assert!(automaton.is_ok());
            }
        }

        #[test]
        fn any_text_is_parsed(text in "\\PC{0,60}", figures in "[0-9.,:/hx%ºªR$ -]{0,20}") {
            let automaton = compile("public $x = (dia | não | um | mil | reais | centavos | e){X}<1->;");
            for text in [text, figures] {
                for parse in parse::parse(&automaton, &text) {
                    prop_assert!((0.0..=1.0).contains(&parse.confidence));
                }
            }
        }

        #[test]
        fn sentences_parse_back(body in small_grammar(), seed in 0..1000_u64) {
            let automaton = compile(&format!("public $x = {body};"));
            for sentence in automaton.sentences(seed, 5) {
                let readings = parse::parse(&automaton, &sentence.words.join(" "));
                if sentence.words.is_empty() {
                    continue;
                }
                prop_assert!(readings[0].rest.is_empty() && readings[0].confidence > 0.99, "{:?} {:?}", sentence, readings);
                // Two ways to say the same words are two readings; only a few of them are kept.
                let found = readings.iter().any(|reading| reading.tags == sentence.tags);
                prop_assert!(found || readings.len() >= 4, "{:?} {:?}", sentence, readings);
            }
        }
    }
}
