use std::collections::BTreeMap;

use super::parse::{ACCEPTED, Parser};
use super::shipped::SHIPPED;
use super::*;
use crate::language::meaning;

fn monday() -> crate::base::Date {
    jiff::civil::date(2026, 11, 23)
}

fn state(name: &str) -> Automaton {
    let grammar = Grammar::load(&Shipped, &format!("{name}.gram"));
    let grammar = grammar.unwrap_or_else(|errors| panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>()));
    let dynamic = BTreeMap::from([("nome_titular".to_owned(), vec!["joão".to_owned(), "maria".to_owned(), "joão da silva".to_owned()])]);
    grammar.automaton(&[], &dynamic).expect("shipped grammars compile")
}

#[test]
fn phrasings_are_understood() {
    let table = include_str!("../../../grammars/tests/phrasings.tsv");
    let automata: BTreeMap<String, Automaton> = SHIPPED.iter().map(|(name, _)| name.trim_end_matches(".gram")).map(|name| (name.to_owned(), state(name))).collect();
    let parsers: BTreeMap<&str, Parser> = automata.iter().map(|(name, automaton)| (name.as_str(), Parser::new(automaton))).collect();
    for (name, automaton) in &automata {
        println!("{name}: {} states, {} arcs, {} jumps, {} words, {} tags", automaton.states, automaton.arcs.len(), automaton.jumps.len(), automaton.words.len(), automaton.tags.len());
    }
    let (mut right, mut all) = (0, 0);
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('\t').collect();
        let [state, intent, text] = parts[..] else { panic!("{line}") };
        let best = parsers[state].parse(text).into_iter().next();
        let meaning = best.as_ref().filter(|best| best.confidence >= ACCEPTED).map(|best| meaning::read(&best.tags, monday()));
        all += 1;
        if meaning.as_ref().is_some_and(|meaning| meaning.is(intent)) {
            right += 1;
        } else {
            println!("{state}: {text}: {intent}, not {:?}", best.map(|b| (b.tags, b.confidence, b.rest)));
        }
    }
    println!("{right} of {all}");
    assert!(right * 100 >= all * 90, "{right} of {all} phrasings are understood");
}

#[test]
fn timing() {
    let now = || jiff::Timestamp::now().as_microsecond();
    for name in ["abertura", "oferta", "dia"] {
        let start = now();
        let automaton = state(name);
        let compiled = now();
        let parser = Parser::new(&automaton);
        let ready = now();
        for _ in 0..20 { parser.parse("não olha eu até quero pagar mas agora tô sem dinheiro nenhum"); }
        println!("{name}: compile {} us, parser {} us, parse {} us", compiled - start, ready - compiled, (now() - ready) / 20);
    }
}
