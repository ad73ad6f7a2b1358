//! Words that a voice would read wrongly, and how to spell them so that every voice says them right.

/// Spelling in a text, compared without regard to case, and what the voice is given instead.
///
/// Letters are written out as they are called in Brazil.
const WORDS: &[(&str, &str)] = &[
    ("0800", "zero oitocentos"),
    ("banco central", "banco centrau"),
    ("boleto", "boleto"),
    ("call center", "cól cênter"),
    ("cep", "cépi"),
    ("cnpj", "cê ene pê jota"),
    ("cpf", "cê pê éfe"),
    ("cvv", "cê vê vê"),
    ("d.", "dona"),
    ("dr.", "doutor"),
    ("dra.", "doutora"),
    ("e-mail", "iméiu"),
    ("e-mails", "iméius"),
    ("internet", "internéti"),
    ("lgpd", "éle gê pê dê"),
    ("link", "línqui"),
    ("ltda", "limitada"),
    ("ltda.", "limitada"),
    ("me", "me"),
    ("n.º", "número"),
    ("nº", "número"),
    ("online", "onláini"),
    ("pdf", "pê dê éfe"),
    ("pix", "pics"),
    ("procon", "prócon"),
    ("qr code", "quê érre côudi"),
    ("rg", "érre gê"),
    ("s.a.", "ésse á"),
    ("s/a", "ésse á"),
    ("sac", "saqui"),
    ("serasa", "serása"),
    ("site", "saiti"),
    ("sms", "ésse eme ésse"),
    ("spc", "ésse pê cê"),
    ("sr.", "senhor"),
    ("sra.", "senhora"),
    ("srta.", "senhorita"),
    ("whatsapp", "uóts ápi"),
    ("@", "arroba"),
    ("%", "por cento"),
];

/// Whether there is a spelling for a word, so that no voice has to guess.
pub fn knows(word: &str) -> bool {
    let lower = word.to_lowercase();
    WORDS.iter().any(|(known, _)| *known == lower)
}

/// Puts the spellings of the lexicon in place of the words it knows; whole words only.
///
/// `domestic` words come first: names of the creditor and whatever else an installation spells its own way.
pub fn respell(text: &str, domestic: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(letter) = rest.chars().next() {
        if let Some((length, spelling)) = at_boundary(before)
            .then(|| longest(rest, domestic))
            .flatten()
        {
            out.push_str(spelling);
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
        } else {
            out.push(letter);
            before = Some(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    out
}

/// The longest entry that stands at the start of `text` as a whole word: its length in bytes, and its spelling.
fn longest<'a>(text: &str, domestic: &'a [(String, String)]) -> Option<(usize, &'a str)> {
    let own = domestic
        .iter()
        .map(|(word, spelling)| (word.as_str(), spelling.as_str()));
    let known = WORDS.iter().copied();
    let matches = |words: &mut dyn Iterator<Item = (&'a str, &'a str)>| {
        words
            .filter_map(|(word, spelling)| Some((prefix(text, word)?, spelling)))
            .max_by_key(|(length, _)| *length)
    };
    matches(&mut own.into_iter()).or_else(|| matches(&mut known.into_iter()))
}

/// How many bytes of `text` are `word` in any case, if it ends there as a word.
fn prefix(text: &str, word: &str) -> Option<usize> {
    let mut letters = text.char_indices();
    for wanted in word.chars() {
        let (_, letter) = letters.next()?;
        if !letter.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    let end = letters.next();
    let symbol = word
        .chars()
        .next_back()
        .is_some_and(|last| !last.is_alphanumeric());
    let ends = symbol || end.is_none_or(|(_, next)| !next.is_alphanumeric());
    (ends && !word.is_empty()).then(|| end.map_or(text.len(), |(at, _)| at))
}

fn at_boundary(before: Option<char>) -> bool {
    before.is_none_or(|letter| !letter.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        respell(text, &[])
    }

    #[test]
    fn the_words_of_the_trade_are_spelled_as_they_sound() {
        assert_eq!(
            said("Envio o Pix por SMS ou WhatsApp."),
            "Envio o pics por ésse eme ésse ou uóts ápi."
        );
        assert_eq!(
            said("os três primeiros dígitos do CPF"),
            "os três primeiros dígitos do cê pê éfe"
        );
        assert_eq!(said("Sr. João e Sra. Maria"), "senhor João e senhora Maria");
        assert_eq!(said("o QR Code"), "o quê érre côudi");
    }

    #[test]
    fn only_whole_words_are_changed() {
        assert_eq!(
            said("pixote, esmsa, sacola, recepção"),
            "pixote, esmsa, sacola, recepção"
        );
        assert_eq!(said("não se esqueça da senha"), "não se esqueça da senha");
        assert_eq!(said("Pixão"), "Pixão");
    }

    #[test]
    fn symbols_are_words_too() {
        assert_eq!(said("dois % ao mês"), "dois por cento ao mês");
        assert_eq!(said("Casa S.A., boa tarde"), "Casa ésse á, boa tarde");
    }

    #[test]
    fn an_installation_spells_its_own_names() {
        let own = [
            ("Credora Pay".to_owned(), "credora pei".to_owned()),
            ("pix".to_owned(), "píquis".to_owned()),
        ];
        assert_eq!(
            respell("a CREDORA PAY aceita Pix", &own),
            "a credora pei aceita píquis"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives(text in "\\PC{0,60}") {
            let _ = said(&text);
        }
    }
}
