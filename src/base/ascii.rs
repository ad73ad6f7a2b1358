//! Portuguese letters as plain ASCII: what Pix codes, bank files and one-part SMS can carry.

/// Writes `text` in ASCII: accents are taken off, typographic marks become plain ones, and what has no
/// likeness (an emoji) is left out.
pub fn transliterate(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            _ if letter.is_ascii() => plain.push(letter),
            _ => plain.push_str(plain_form(letter)),
        }
    }
    plain
}

/// Lower case without accents: the form in which names are compared.
pub fn fold(text: &str) -> String {
    transliterate(text).to_ascii_lowercase()
}

fn plain_form(letter: char) -> &'static str {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ª' => "a",
        'Á' | 'À' | 'Â' | 'Ã' | 'Ä' | 'Å' => "A",
        'é' | 'è' | 'ê' | 'ë' | 'ẽ' => "e",
        'É' | 'È' | 'Ê' | 'Ë' | 'Ẽ' => "E",
        'í' | 'ì' | 'î' | 'ï' => "i",
        'Í' | 'Ì' | 'Î' | 'Ï' => "I",
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'ø' | 'º' | '°' => "o",
        'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ö' | 'Ø' => "O",
        'ú' | 'ù' | 'û' | 'ü' => "u",
        'Ú' | 'Ù' | 'Û' | 'Ü' => "U",
        'ç' => "c",
        'Ç' => "C",
        'ñ' => "n",
        'Ñ' => "N",
        'ý' | 'ÿ' => "y",
        'Ý' => "Y",
        'ß' => "ss",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        '“' | '”' | '„' | '«' | '»' => "\"",
        '‘' | '’' | '‚' | '´' | '′' => "'",
        '–' | '—' | '‑' | '‐' | '−' => "-",
        '…' => "...",
        '•' | '·' => "-",
        '×' => "x",
        '€' => "EUR",
        '\u{a0}' | '\u{202f}' | '\u{2007}' | '\u{2009}' => " ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portuguese_becomes_plain() {
        assert_eq!(transliterate("João da Conceição"), "Joao da Conceicao");
        assert_eq!(
            transliterate("1º “acordo” – fim…\u{a0}ok"),
            "1o \"acordo\" - fim... ok"
        );
        assert_eq!(transliterate("Oi 😀"), "Oi ");
        assert_eq!(fold("ÂNGELA"), "angela");
    }
}
