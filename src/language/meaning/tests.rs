//! What debtors say and what it means, row by row, said on Monday 2026-11-23, and words that mislead.

use std::collections::BTreeMap;

use jiff::civil::date;

use super::{DateValue, Meaning, Value, read};
use crate::base::Date;
use crate::language::grammar::{Automaton, Grammar, Shipped, parse};

fn monday() -> Date {
    date(2026, 11, 23)
}

fn automaton(file: &str, rules: &[&str]) -> Automaton {
    let grammar = Grammar::load(&Shipped, file).expect("shipped grammars load");
    let names = ["joão", "maria", "joão da silva"]
        .map(String::from)
        .to_vec();
    grammar
        .automaton(rules, &BTreeMap::from([("nome_titular".to_owned(), names)]))
        .expect("shipped grammars compile")
}

/// The tags of the whole of `text` as the slot `name`.
fn value(automaton: &Automaton, name: &str, text: &str) -> Option<Value> {
    let best = parse::parse(automaton, text)
        .into_iter()
        .next()
        .filter(|best| best.rest.is_empty())?;
    let open = [format!("{name}(")];
    let tags: Vec<String> = open
        .into_iter()
        .chain(best.tags)
        .chain([")".to_owned()])
        .collect();
    read(&tags, monday()).slots.remove(name)
}

fn understand(file: &str, text: &str) -> Meaning {
    understand_in(&automaton(file, &[]), text)
}

fn understand_in(automaton: &Automaton, text: &str) -> Meaning {
    let best = parse::parse(automaton, text)
        .into_iter()
        .next()
        .filter(|best| best.confidence >= parse::ACCEPTED);
    best.map(|best| read(&best.tags, monday()))
        .unwrap_or_default()
}

#[test]
fn dictated_digits() {
    let automaton = automaton("numeros.gram", &["digitos"]);
    let table = [
        (
            "um um um quatro quatro quatro sete sete sete três cinco",
            "11144477735",
        ),
        (
            "cento e onze, quatrocentos e quarenta e quatro, setecentos e setenta e sete, trinta e cinco",
            "11144477735",
        ),
        (
            "cinco dois nove, nove oito dois, dois quatro sete, dígito vinte e cinco",
            "52998224725",
        ),
        (
            "cinco vinte e nove ponto nove oitenta e dois ponto dois quarenta e sete traço vinte e cinco",
            "52998224725",
        ),
        ("meia três zero", "630"),
        ("meia meia sete", "667"),
        ("zero zero um", "001"),
        ("três zeros um", "0001"),
        ("duplo zero sete", "007"),
        ("triplo nove", "999"),
        ("dois cincos e três", "553"),
        ("trezentos e noventa", "390"),
        ("três nove zero", "390"),
        ("quinze oitenta e cinco", "1585"),
        ("sessenta e seis", "66"),
        ("vinte e um, zero três, oitenta e cinco", "210385"),
        ("onze nove oito sete meia cinco", "1198765"),
        ("111.444.777-35", "11144477735"),
        ("529", "529"),
        ("012", "012"),
    ];
    for (said, digits) in table {
        assert_eq!(
            value(&automaton, "digitos", said),
            Some(Value::Digits(digits.into())),
            "{said}"
        );
    }
    assert_eq!(
        value(&automaton, "digitos", "sessenta e meia"),
        Some(Value::Digits("606".into())),
        "six is never added to sixty"
    );
}

#[test]
fn three_digits_of_a_cpf() {
    let automaton = automaton("identifica.gram", &[]);
    for said in [
        "um um um",
        "cento e onze",
        "um onze",
        "onze um",
        "três uns",
        "111",
        "é um um um",
        "os três primeiros são cento e onze",
    ] {
        let meaning = understand_in(&automaton, said);
        assert_eq!(meaning.intent.as_deref(), Some("INFORMA_DIGITOS"), "{said}");
        assert_eq!(
            meaning.slots.get("digitos"),
            Some(&Value::Digits("111".into())),
            "{said}"
        );
    }
    let meaning = understand_in(
        &automaton,
        "cento e onze, quatrocentos e quarenta e quatro, setecentos e setenta e sete, trinta e cinco",
    );
    assert_eq!(
        meaning.slots.get("digitos"),
        Some(&Value::Digits("11144477735".into()))
    );
    let meaning = understand_in(&automaton, "vinte e um do três de oitenta e cinco");
    assert_eq!(meaning.intent.as_deref(), Some("INFORMA_NASCIMENTO"));
    assert_eq!(
        meaning.slots.get("nascimento"),
        Some(&Value::Birth {
            day: 21,
            month: 3,
            year: Some(1985)
        })
    );
}

#[test]
fn money_as_debtors_say_it() {
    let automaton = automaton("numeros.gram", &["dinheiro"]);
    let exactly = |centavos| Value::Money {
        centavos,
        approximate: false,
    };
    let about = |centavos| Value::Money {
        centavos,
        approximate: true,
    };
    let table = [
        ("cem reais", exactly(10_000)),
        ("cem conto", exactly(10_000)),
        ("cem pila", exactly(10_000)),
        ("cenzão", exactly(10_000)),
        ("duzentão", exactly(20_000)),
        ("duzentinho", exactly(20_000)),
        ("cinquenta", exactly(5_000)),
        ("cinquentinha", exactly(5_000)),
        ("cinquenta pratas", exactly(5_000)),
        ("mil", exactly(100_000)),
        ("um pau", exactly(100_000)),
        ("mil conto", exactly(100_000)),
        ("um barão", exactly(100_000)),
        ("mil e duzentos", exactly(120_000)),
        ("um e duzentos", exactly(120_000)),
        ("dois e quinhentos", exactly(250_000)),
        ("dois mil e meio", exactly(250_000)),
        ("dois paus e meio", exactly(250_000)),
        ("um e meio", about(150_000)),
        ("oitenta e nove e noventa", exactly(8_990)),
        ("trezentos e pouco", about(30_000)),
        ("uns trezentos", about(30_000)),
        ("duzentos e pouco", about(20_000)),
        ("metade", Value::Text("metade".into())),
        ("oitenta e nove reais e noventa centavos", exactly(8_990)),
        ("R$ 1.234,56", exactly(123_456)),
        ("89,90", exactly(8_990)),
        (
            "noventa e nove mil novecentos e noventa e nove",
            exactly(9_999_900),
        ),
        (
            "doze mil trezentos e quarenta e cinco reais",
            exactly(1_234_500),
        ),
        ("cinquenta centavos", exactly(50)),
        ("duzentos e cinquenta", exactly(25_000)),
        ("trinta e cinco", exactly(3_500)),
    ];
    for (said, money) in table {
        assert_eq!(value(&automaton, "valor", said), Some(money), "{said}");
    }
}

#[test]
fn counter_offers() {
    let oferta = automaton("quanto.gram", &[]);
    let two_of_a_hundred = understand_in(&oferta, "duas de cem");
    assert_eq!(two_of_a_hundred.intent.as_deref(), Some("CONTRAPROPOSTA"));
    assert_eq!(
        two_of_a_hundred.slots.get("parcelas"),
        Some(&Value::Count(2))
    );
    assert_eq!(
        two_of_a_hundred.slots.get("valor"),
        Some(&Value::Money {
            centavos: 10_000,
            approximate: false
        })
    );
    let ten = understand_in(&oferta, "dez de cem");
    assert_eq!(ten.slots.get("parcelas"), Some(&Value::Count(10)));
    for said in ["cem", "sem", "100"] {
        let meaning = understand_in(&oferta, said);
        assert_eq!(
            meaning.slots.get("valor"),
            Some(&Value::Money {
                centavos: 10_000,
                approximate: false
            }),
            "{said}"
        );
    }
    assert!(understand_in(&oferta, "sem condições").is("SEM_DINHEIRO"));
    let down = understand_in(&oferta, "dou trezentos de entrada");
    assert_eq!(
        down.slots.get("entrada"),
        Some(&Value::Money {
            centavos: 30_000,
            approximate: false
        })
    );
}

#[test]
fn days_as_debtors_say_them() {
    let automaton = automaton("datas.gram", &["data_resposta"]);
    let on = |month, day| DateValue::Day(date(2026, month, day));
    let range = |text: &str| DateValue::Range { text: text.into() };
    let table = [
        ("hoje", on(11, 23)),
        ("agora", on(11, 23)),
        ("amanhã", on(11, 24)),
        ("depois de amanhã", on(11, 25)),
        ("sexta", on(11, 27)),
        ("sexta agora", on(11, 27)),
        ("nessa sexta", on(11, 27)),
        (
            "sexta que vem",
            DateValue::Either {
                likely: date(2026, 12, 4),
                other: date(2026, 11, 27),
            },
        ),
        ("sexta da semana que vem", on(12, 4)),
        ("segunda", on(11, 30)),
        ("segunda que vem", on(11, 30)),
        ("sábado", on(11, 28)),
        ("dia vinte e três", on(11, 23)),
        ("dia trinta", on(11, 30)),
        ("fim do mês", on(11, 30)),
        ("final do mês", on(11, 30)),
        (
            "dia trinta e um",
            DateValue::Missing {
                said: 31,
                nearest: date(2026, 11, 30),
            },
        ),
        ("dia primeiro", on(12, 1)),
        ("dia cinco", on(12, 5)),
        ("quinto dia útil", on(12, 5)),
        ("depois do dia dez", DateValue::From(date(2026, 12, 11))),
        ("daqui a quinze dias", on(12, 8)),
        ("daqui uma semana", on(11, 30)),
        ("semana que vem", range("semana que vem")),
        ("mês que vem", range("mês que vem")),
        ("começo do mês", range("começo do mês")),
        ("quando eu receber", range("quando receber")),
        ("depois do pagamento", range("pagamento")),
        ("vinte e cinco de dezembro", on(12, 25)),
        ("dia cinco de janeiro", DateValue::Day(date(2027, 1, 5))),
        ("no vale", range("vale")),
        ("no adiantamento", range("vale")),
        ("no décimo", range("décimo terceiro")),
        ("dia 5", on(12, 5)),
        ("10/12", on(12, 10)),
        ("5º dia útil", on(12, 5)),
        ("quinto dia útil do mês que vem", on(12, 5)),
        ("dia vinte do mês que vem", on(12, 20)),
        ("dez do doze", on(12, 10)),
        ("quinze", on(12, 15)),
        ("fim do mês que vem", on(12, 31)),
        (
            "dia dez de janeiro de dois mil e vinte e sete",
            DateValue::Day(date(2027, 1, 10)),
        ),
    ];
    for (said, day) in table {
        assert_eq!(
            value(&automaton, "data", said),
            Some(Value::Date(day)),
            "{said}"
        );
    }
}

#[test]
fn days_gone_by() {
    let automaton = automaton("datas.gram", &["data_passada"]);
    let table = [
        ("ontem", date(2026, 11, 22)),
        ("dia dez", date(2026, 11, 10)),
        ("sexta", date(2026, 11, 20)),
        ("dia trinta", date(2026, 10, 30)),
    ];
    for (said, day) in table {
        assert_eq!(
            value(&automaton, "pago_em", said),
            Some(Value::Date(DateValue::Day(day))),
            "{said}"
        );
    }
}

#[test]
fn times_of_day() {
    let automaton = automaton("datas.gram", &["hora"]);
    let table = [
        ("seis horas", (18, 0)),
        ("meio-dia e meia", (12, 30)),
        ("sete e meia da noite", (19, 30)),
        ("nove e quinze da manhã", (9, 15)),
        ("18h30", (18, 30)),
        ("duas da tarde", (14, 0)),
        ("sete da manhã", (7, 0)),
    ];
    for (said, (hour, minute)) in table {
        assert_eq!(
            value(&automaton, "hora", said),
            Some(Value::Time { hour, minute }),
            "{said}"
        );
    }
}

#[test]
fn the_last_word_counts() {
    let dia = automaton("dia.gram", &[]);
    for said in [
        "dia cinco, não, dia dez",
        "dia cinco… não… dia dez",
        "bom, dia cinco, quer dizer, dia dez, tá?",
    ] {
        let meaning = understand_in(&dia, said);
        assert_eq!(meaning.intent.as_deref(), Some("INFORMA_DATA"), "{said}");
        assert_eq!(
            meaning.slots.get("data"),
            Some(&Value::Date(DateValue::Day(date(2026, 12, 10)))),
            "{said}"
        );
    }
    let meaning = understand_in(&dia, "dia cinco, pode ser");
    assert_eq!(meaning.intent.as_deref(), Some("INFORMA_DATA"));
}

/// One word of a long story is no answer.
#[test]
fn stories_are_not_understood() {
    let story = "olha minha filha ontem minha vizinha foi lá no mercado comprar arroz e encontrou o padeiro que falou do boleto da prima";
    assert_eq!(understand("oferta.gram", story).intent, None);
}

#[test]
fn a_yes_does_not_cover_what_was_said() {
    let tags = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    let intent = |text| read(&tags(text), monday()).intent;
    assert_eq!(intent("INFORMA_DATA SIM").as_deref(), Some("INFORMA_DATA"));
    assert_eq!(intent("NAO SIM").as_deref(), Some("SIM"));
    assert_eq!(intent("SIM LIGAR_DEPOIS").as_deref(), Some("LIGAR_DEPOIS"));
    assert_eq!(
        intent("RISCO_VIDA SEM_DINHEIRO").as_deref(),
        Some("RISCO_VIDA")
    );
    assert_eq!(intent("+20 c 7 ) x("), None);
}

/// A grammar of one's own may hold any tag.
#[test]
fn tags_of_no_sense_have_no_value_and_do_not_overflow() {
    let huge = "*588369660".to_owned();
    let read = |slot: &str, tags: &[&str]| {
        let open = std::iter::once(format!("{slot}("));
        let inside = tags.iter().map(|&tag| tag.to_owned());
        let tags: Vec<String> = open.chain(inside).chain([")".to_owned()]).collect();
        super::read(&tags, monday()).slots.get(slot).cloned()
    };
    for negative in ["*-800000000660718", "+-5", "*-1"] {
        assert_eq!(read("valor", &[negative]), None, "{negative}");
    }
    let limit = Some(Value::Money {
        centavos: 100_000_000_000_000,
        approximate: false,
    });
    assert_eq!(read("valor", &["+7", &huge, &huge, &huge]), limit);
    assert_eq!(read("taxa", &["+7", &huge, &huge, "%", "%"]), None);
    assert_eq!(read("parcelas", &["+7", &huge, &huge]), None);
}
