//! E-mail addresses as they are dictated or typed: "maria ponto souza arroba gmail ponto com".
//!
//! A grammar cannot list the words that people make addresses of, so they are found by the "arroba" in their middle.

/// Words before an address that do not belong to it.
const BEFORE: [&str; 19] = [
    "é", "meu", "e-mail", "email", "certo", "correto", "novo", "no", "na", "para", "pra", "por",
    "pelo", "manda", "mande", "envia", "anota", "aí", "esse",
];
/// What a word of an address is written as.
const SIGNS: [(&str, &str); 9] = [
    ("ponto", "."),
    ("traço", "-"),
    ("tracinho", "-"),
    ("hífen", "-"),
    ("underline", "_"),
    ("underscore", "_"),
    ("sublinhado", "_"),
    ("anderlaine", "_"),
    ("arroba", "@"),
];
const LETTERS: [(&str, &str); 24] = [
    ("bê", "b"),
    ("cê", "c"),
    ("dê", "d"),
    ("éfe", "f"),
    ("efe", "f"),
    ("gê", "g"),
    ("agá", "h"),
    ("jota", "j"),
    ("cá", "k"),
    ("ele", "l"),
    ("éle", "l"),
    ("eme", "m"),
    ("ene", "n"),
    ("pê", "p"),
    ("quê", "q"),
    ("erre", "r"),
    ("esse", "s"),
    ("ésse", "s"),
    ("tê", "t"),
    ("vê", "v"),
    ("dáblio", "w"),
    ("xis", "x"),
    ("ípsilon", "y"),
    ("zê", "z"),
];
const DIGITS: [(&str, &str); 12] = [
    ("zero", "0"),
    ("um", "1"),
    ("dois", "2"),
    ("duas", "2"),
    ("três", "3"),
    ("quatro", "4"),
    ("cinco", "5"),
    ("seis", "6"),
    ("meia", "6"),
    ("sete", "7"),
    ("oito", "8"),
    ("nove", "9"),
];
/// Words of an address at most, on each side of its "arroba".
const LONGEST: usize = 24;

/// Takes the words of the first address out, but for its "arroba", and puts them together.
pub fn take(words: &mut Vec<String>) -> Option<String> {
    let at = words.iter().position(|word| word == "arroba")?;
    let mut from = at;
    while from > 0 && at - from < LONGEST && !BEFORE.contains(&words[from - 1].as_str()) {
        from -= 1;
    }
    let mut to = at + 1;
    while to < words.len() && to - at < LONGEST && belongs(words, to) {
        to += 1;
    }
    let spoken = |words: &[String]| words.iter().map(|word| written(word)).collect::<String>();
    let (local, domain) = (spoken(&words[from..at]), spoken(&words[at + 1..to]));
    if local.is_empty() || !domain.contains('.') {
        return None;
    }
    words.splice(from..to, ["arroba".to_owned()]);
    Some(format!("{local}@{domain}"))
}

/// A domain goes on with every "ponto" and the word behind it.
fn belongs(words: &[String], position: usize) -> bool {
    let joins = |word: &String| SIGNS.iter().any(|(said, _)| said == word);
    words[position - 1] == "arroba" || joins(&words[position]) || joins(&words[position - 1])
}

fn written(word: &str) -> String {
    let known = SIGNS.iter().chain(&LETTERS).chain(&DIGITS);
    let sign = known.into_iter().find(|(said, _)| *said == word);
    sign.map_or_else(|| super::text::fold(word), |(_, sign)| (*sign).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::grammar::text;

    #[test]
    fn dictated_and_typed() {
        for (said, address) in [
            (
                "meu e-mail é maria ponto souza arroba gmail ponto com",
                Some("maria.souza@gmail.com"),
            ),
            (
                "é joãosilva arroba hotmail ponto com ponto br tá",
                Some("joaosilva@hotmail.com.br"),
            ),
            (
                "ana underline dois três arroba uol ponto com ponto br",
                Some("ana_23@uol.com.br"),
            ),
            (
                "bê a traço jota arroba terra ponto com",
                Some("ba-j@terra.com"),
            ),
            (
                "manda no e-mail bia.lima@credora.com.br por favor",
                Some("bia.lima@credora.com.br"),
            ),
            ("arroba gmail", None),
            ("arroba", None),
            ("não tenho e-mail", None),
        ] {
            assert_eq!(take(&mut text::words(said)).as_deref(), address, "{said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_words(words in proptest::collection::vec("arroba|ponto|é|[a-z]{1,4}|", 0..30)) {
            let mut left = words.clone();
            if let Some(address) = take(&mut left) {
                proptest::prop_assert!(address.contains('@') && left.len() < words.len());
            }
        }
    }
}
