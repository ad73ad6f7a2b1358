use jiff::civil::date as day;
use proptest::prelude::*;

use super::Gender::{Feminine, Masculine};
use super::*;
use crate::base::{BasisPoints, Centavos, Cpf, Date, Phone};

const TODAY: Date = day(2026, 11, 23);

#[test]
fn money_of_the_table() {
    for (centavos, words) in [
        (0, "zero reais"),
        (1, "um centavo"),
        (50, "cinquenta centavos"),
        (100, "um real"),
        (199, "um real e noventa e nove centavos"),
        (8_990, "oitenta e nove reais e noventa centavos"),
        (10_000, "cem reais"),
        (
            12_345,
            "cento e vinte e três reais e quarenta e cinco centavos",
        ),
        (17_020, "cento e setenta reais e vinte centavos"),
        (20_000, "duzentos reais"),
        (100_000, "mil reais"),
        (100_001, "mil reais e um centavo"),
        (110_000, "mil e cem reais"),
        (
            123_456,
            "mil duzentos e trinta e quatro reais e cinquenta e seis centavos",
        ),
        (200_100, "dois mil e um reais"),
        (2_150_000, "vinte e um mil e quinhentos reais"),
        (100_000_000, "um milhão de reais"),
        (110_000_000, "um milhão e cem mil reais"),
        (200_000_000, "dois milhões de reais"),
        (
            123_456_789,
            "um milhão duzentos e trinta e quatro mil quinhentos e sessenta e sete reais e oitenta e nove centavos",
        ),
        (-199, "menos um real e noventa e nove centavos"),
    ] {
        assert_eq!(money(Centavos(centavos)), words);
    }
}

#[test]
fn counts_have_a_gender() {
    assert_eq!(parcelas(1), "uma parcela");
    assert_eq!(parcelas(2), "duas parcelas");
    assert_eq!(parcelas(21), "vinte e uma parcelas");
    assert_eq!(parcelas(200), "duzentas parcelas");
    assert_eq!(parcelas(2_002), "duas mil e duas parcelas");
    assert_eq!(parcelas(1_000_000), "um milhão de parcelas");
    assert_eq!(counted(2, "dia", "dias", Masculine), "dois dias");
    assert_eq!(count(22, Feminine), "vinte e duas");
}

#[test]
fn ordinals() {
    assert_eq!(ordinal(1, Feminine), "primeira");
    assert_eq!(ordinal(5, Masculine), "quinto");
    assert_eq!(ordinal(10, Feminine), "décima");
    assert_eq!(ordinal(12, Masculine), "décimo segundo");
    assert_eq!(ordinal(24, Feminine), "vigésima quarta");
    assert_eq!(ordinal(99, Masculine), "nonagésimo nono");
    assert_eq!(ordinal(120, Feminine), "cento e vinte");
}

#[test]
fn dates_name_the_year_only_when_it_is_far() {
    for (date_of, words) in [
        (day(2026, 12, 10), "dez de dezembro"),
        (day(2026, 12, 1), "primeiro de dezembro"),
        (day(2027, 1, 31), "trinta e um de janeiro"),
        (
            day(2025, 2, 21),
            "vinte e um de fevereiro de dois mil e vinte e cinco",
        ),
        (day(2028, 3, 2), "dois de março de dois mil e vinte e oito"),
        (
            day(1985, 3, 21),
            "vinte e um de março de mil novecentos e oitenta e cinco",
        ),
    ] {
        assert_eq!(date(date_of, TODAY), words);
    }
    assert_eq!(
        weekday_date(day(2026, 12, 10), TODAY),
        "quinta-feira, dez de dezembro"
    );
    assert_eq!(
        weekday_date(day(2026, 12, 7), TODAY),
        "segunda-feira, sete de dezembro"
    );
}

#[test]
fn times() {
    for (hour, minute, words, with_preposition) in [
        (14, 30, "duas e meia da tarde", "às duas e meia da tarde"),
        (9, 15, "nove e quinze da manhã", "às nove e quinze da manhã"),
        (12, 0, "meio-dia", "ao meio-dia"),
        (12, 30, "meio-dia e meia", "ao meio-dia e meia"),
        (13, 0, "uma da tarde", "à uma da tarde"),
        (18, 0, "seis da tarde", "às seis da tarde"),
        (19, 30, "sete e meia da noite", "às sete e meia da noite"),
        (0, 5, "meia-noite e cinco", "à meia-noite e cinco"),
        (
            2,
            2,
            "duas e dois da madrugada",
            "às duas e dois da madrugada",
        ),
    ] {
        assert_eq!(time(hour, minute), words);
        assert_eq!(at_time(hour, minute), with_preposition);
    }
}

#[test]
fn rates() {
    for (rate, words) in [
        (200, "dois por cento"),
        (50, "meio por cento"),
        (199, "um vírgula noventa e nove por cento"),
        (150, "um e meio por cento"),
        (120, "um vírgula dois por cento"),
        (105, "um vírgula zero cinco por cento"),
        (5, "zero vírgula zero cinco por cento"),
        (0, "zero por cento"),
        (10_000, "cem por cento"),
    ] {
        assert_eq!(percent(BasisPoints(rate)), words);
    }
}

#[test]
fn digit_by_digit() {
    let number = Phone::parse("11987654321").expect("valid");
    assert_eq!(
        phone(number),
        "onze, nove oito sete meia cinco, quatro três dois um"
    );
    assert_eq!(
        phone(Phone::parse("2134567890").expect("valid")),
        "vinte e um, três quatro cinco meia, sete oito nove zero"
    );
    assert_eq!(masked_phone(number), "final quatro três dois um");
    assert_eq!(destination(number), "o número de final quatro três dois um");
    assert_eq!(
        cpf_tail(&Cpf::parse("11144477735").expect("valid")),
        "final três cinco"
    );
    assert_eq!(digits("630 667"), "meia três zero, meia meia sete");
    assert_eq!(digits_with("66", Six::Seis), "seis seis");
    assert_eq!(
        protocol("202611230042"),
        "dois zero dois meia, um um dois três, zero zero quatro dois"
    );
    assert_eq!(protocol("A1-6B"), "a um meia bê");
    assert_eq!(
        email_destination("bia@credora.example"),
        "o e-mail que começa com a letra bê"
    );
    assert_eq!(digits(""), "");
}

#[test]
fn a_line_is_read_by_its_fields() {
    let groups = [
        (1, "34191".to_owned()),
        (1, "09982".to_owned()),
        (4, "9".to_owned()),
    ];
    assert_eq!(
        line(&groups),
        "três quatro um nove um, zero nove nove oito dois. nove"
    );
}

/// Reads a number phrase back, by another way than the one that wrote it: classes are summed up word by word.
fn read_integer(words: &str) -> u64 {
    let (mut total, mut class) = (0, 0);
    for word in words.split(' ').filter(|word| *word != "e") {
        let scale = match word {
            "mil" => 1_000,
            "milhão" | "milhões" => 1_000_000,
            "bilhão" | "bilhões" => 1_000_000_000,
            _ => {
                class += value_of(word);
                continue;
            }
        };
        total += class.max(1) * scale;
        class = 0;
    }
    total + class
}

fn value_of(word: &str) -> u64 {
    let feminine = word
        .strip_suffix("as")
        .filter(|stem| stem.ends_with("ent"))
        .map(|stem| format!("{stem}os"));
    let word = match word {
        "uma" => "um",
        "duas" => "dois",
        _ => feminine.as_deref().unwrap_or(word),
    };
    let table = [
        "zero",
        "um",
        "dois",
        "três",
        "quatro",
        "cinco",
        "seis",
        "sete",
        "oito",
        "nove",
        "dez",
        "onze",
        "doze",
        "treze",
        "catorze",
        "quinze",
        "dezesseis",
        "dezessete",
        "dezoito",
        "dezenove",
    ];
    let tens = [
        "vinte",
        "trinta",
        "quarenta",
        "cinquenta",
        "sessenta",
        "setenta",
        "oitenta",
        "noventa",
    ];
    let hundreds = [
        "cento",
        "duzentos",
        "trezentos",
        "quatrocentos",
        "quinhentos",
        "seiscentos",
        "setecentos",
        "oitocentos",
        "novecentos",
    ];
    let position = |list: &[&str]| {
        list.iter()
            .position(|&entry| entry == word)
            .map(|at| at as u64)
    };
    None.or(position(&table))
        .or(position(&tens).map(|at| (at + 2) * 10))
        .or(position(&hundreds).map(|at| (at + 1) * 100))
        .or((word == "cem").then_some(100))
        .unwrap_or_else(|| panic!("«{word}» is no number"))
}

fn read_money(words: &str) -> i64 {
    let (reais, cents) = match words
        .split_once(" reais")
        .or_else(|| words.split_once(" real"))
    {
        Some((reais, cents)) => (reais, cents.trim_start_matches(" e ")),
        None => ("zero", words),
    };
    let cents = cents
        .trim_end_matches(" centavos")
        .trim_end_matches(" centavo");
    let cents = if cents.is_empty() { "zero" } else { cents };
    (read_integer(reais.trim_end_matches(" de")) * 100 + read_integer(cents)) as i64
}

proptest! {
    #[test]
    fn money_is_read_back(centavos in prop_oneof![0i64..100_000, 0i64..100_000_000_000]) {
        let words = money(Centavos(centavos));
        prop_assert!(!words.contains(|c: char| c.is_ascii_digit()));
        prop_assert_eq!(read_money(&words), centavos, "{}", words);
    }

    #[test]
    fn counts_are_read_back(n in 0u64..1_000_000_000_000) {
        prop_assert_eq!(read_integer(&integer(n, Feminine)), n);
        prop_assert_eq!(read_integer(&integer(n, Masculine)), n);
    }

    #[test]
    fn no_digit_is_ever_left(n in any::<i64>(), rate in any::<i32>(), hour: u8, minute: u8, text in ".{0,20}") {
        let year = (n % 9_000).abs() as i16;
        let spoken = [
            money(Centavos(n)),
            integer(n.unsigned_abs(), Masculine),
            ordinal(n.unsigned_abs() % 200, Feminine),
            percent(BasisPoints(rate)),
            time(hour, minute),
            digits(&text),
            protocol(&text),
            email_destination(&text),
            date(day(year, 2, 28), TODAY),
        ];
        for words in spoken {
            prop_assert!(!words.chars().any(|c| c.is_ascii_digit()), "{}", words);
        }
    }
}
