//! What is said digit by digit, letter by letter.

use super::number::{Gender, integer};
use crate::base::{Cpf, Phone};

/// How a six is said among digits: on the telephone "seis" and "três" collide.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Six {
    #[default]
    Meia,
    Seis,
}

/// "nove oito sete meia cinco": one word a digit. A comma or a space in `text` becomes a pause; what is neither
/// digit nor pause is left out.
pub fn digits(text: &str) -> String {
    digits_with(text, Six::Meia)
}

/// Like [`digits`], with the six of one's choice.
pub fn digits_with(text: &str, six: Six) -> String {
    let groups = text.split(|c: char| c == ',' || c.is_whitespace());
    let spoken = groups.map(|group| {
        group
            .chars()
            .filter_map(|c| digit(c, six))
            .collect::<Vec<_>>()
            .join(" ")
    });
    spoken
        .filter(|group| !group.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn digit(c: char, six: Six) -> Option<&'static str> {
    Some(match c {
        '0' => "zero",
        '1' => "um",
        '2' => "dois",
        '3' => "três",
        '4' => "quatro",
        '5' => "cinco",
        '6' if six == Six::Meia => "meia",
        '6' => "seis",
        '7' => "sete",
        '8' => "oito",
        '9' => "nove",
        _ => return None,
    })
}

/// The name of a letter of the alphabet: "bê", "ípsilon".
pub fn letter(c: char) -> Option<&'static str> {
    Some(match c.to_ascii_lowercase() {
        'a' => "a",
        'b' => "bê",
        'c' => "cê",
        'd' => "dê",
        'e' => "é",
        'f' => "éfe",
        'g' => "gê",
        'h' => "agá",
        'i' => "i",
        'j' => "jota",
        'k' => "cá",
        'l' => "éle",
        'm' => "eme",
        'n' => "ene",
        'o' => "ó",
        'p' => "pê",
        'q' => "quê",
        'r' => "érre",
        's' => "ésse",
        't' => "tê",
        'u' => "u",
        'v' => "vê",
        'w' => "dáblio",
        'x' => "xis",
        'y' => "ípsilon",
        'z' => "zê",
        _ => return None,
    })
}

/// Letters and digits one by one, the rest left out.
pub fn spelled(text: &str) -> String {
    let words = text
        .chars()
        .filter_map(|c| digit(c, Six::Meia).or_else(|| letter(c)));
    words.collect::<Vec<_>>().join(" ")
}

/// "onze, nove oito sete meia cinco, quatro três dois um".
pub fn phone(phone: Phone) -> String {
    let number = phone.subscriber();
    let (head, tail) = number.split_at(number.len() - 4);
    format!(
        "{}, {}, {}",
        integer(phone.ddd().into(), Gender::Masculine),
        digits(head),
        digits(tail)
    )
}

/// "final quatro três dois um": how a number is named to the person whose it is.
pub fn masked_phone(phone: Phone) -> String {
    format!("final {}", digits(&phone.last_four()))
}

/// Where a message goes: "o número de final quatro três dois um".
pub fn destination(phone: Phone) -> String {
    format!("o número de {}", masked_phone(phone))
}

/// Where an e-mail goes, by its first letter only: "o e-mail que começa com a letra bê".
pub fn email_destination(email: &str) -> String {
    match email.chars().next().and_then(letter) {
        Some(name) => format!("o e-mail que começa com a letra {name}"),
        None => "o seu e-mail".to_owned(),
    }
}

/// "final três cinco".
pub fn cpf_tail(cpf: &Cpf) -> String {
    let all = cpf.digits();
    format!("final {}", digits(&all[9..]))
}

/// A protocol, in groups of at most four with a pause between them.
pub fn protocol(text: &str) -> String {
    let characters: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let groups = characters
        .chunks(4)
        .map(|group| spelled(&group.iter().collect::<String>()));
    groups.collect::<Vec<_>>().join(", ")
}

/// A linha digitável by its printed groups, given with the number of the field they belong to: a comma within a
/// field, a full stop between fields.
pub fn line(groups: &[(u8, String)]) -> String {
    let mut text = String::new();
    for (nth, (field, group)) in groups.iter().enumerate() {
        let same = nth > 0 && groups[nth - 1].0 == *field;
        text += match (nth, same) {
            (0, _) => "",
            (_, true) => ", ",
            (_, false) => ". ",
        };
        text += &digits(group);
    }
    text
}
