//! Letters to phones for Brazilian Portuguese, by rule. The same function labels training speech and spells the
//! lexicon of the decoder, so a change here means a new acoustic model (`models/`).
//!
//! Phones: `a e i o u`, nasal `A E I O U`, glides `y w`, `p b t d k g f v s z`, `S` (ch), `Z` (j), `c` and `j` (t and
//! d before i), `m n`, `N` (nh), `l`, `L` (lh), `r` (tap and coda), `R` (strong). Open and closed e and o are one
//! phone each: no rule can tell them apart reliably, and no pair of words of the trade needs it.

use std::collections::BTreeSet;

/// Every phone, in the order of the acoustic model's outputs 1 to 33; output 0 is the CTC blank.
pub const PHONES: &str = "aeiouAEIOUywpbtdkgfvszSZcjmnNlLrR";

/// Spellings that the rules get wrong.
#[rustfmt::skip]
const EXCEPTIONS: &[(&str, &str)] = &[
    ("e", "i"), ("o", "u"), ("os", "us"), ("a", "a"), ("as", "as"), ("um", "U"), ("uns", "Us"), ("uma", "uma"),
    ("que", "ki"), ("se", "si"), ("me", "mi"), ("te", "ci"), ("de", "ji"), ("do", "du"), ("da", "da"),
    ("dos", "dus"), ("das", "das"), ("no", "nu"), ("nos", "nus"), ("na", "na"), ("por", "por"), ("com", "kO"),
    ("sem", "sEy"), ("em", "Ey"), ("lhe", "Li"), ("muito", "mUytu"), ("muita", "mUyta"), ("muitos", "mUytus"),
    ("muitas", "mUytas"), ("mui", "mUy"), ("próximo", "prosimu"), ("próxima", "prosima"), ("máximo", "masimu"),
    ("táxi", "taksi"), ("fixo", "fiksu"), ("fixa", "fiksa"), ("trouxe", "trosi"), ("auxílio", "awsiliu"),
    ("sexo", "seksu"), ("tóxico", "toksiku"), ("anexo", "aneksu"), ("conexão", "koneksAw"),
    ("cinquenta", "sIkwEta"), ("frequente", "frekwEci"), ("tranquilo", "trAkwilu"), ("sequência", "sekwEsia"),
    ("consequência", "kOsekwEsia"), ("pix", "piks"), ("boleto", "boletu"), ("sms", "esiemiesi"),
    ("whatsapp", "watsapi"), ("email", "imeyw"), ("e-mail", "imeyw"), ("ok", "okey"), ("cpf", "sepeefi"),
    ("cnpj", "seenipeZota"), ("rg", "eReZe"), ("cep", "sepi"), ("site", "sayci"), ("net", "neci"),
    ("internet", "Iterneci"), ("tv", "teve"), ("fax", "faks"), ("hein", "Ey"), ("psiu", "psiw"), ("uhum", "UU"),
    ("aham", "aA"), ("ãhã", "AA"), ("ruim", "RuI"), ("dois", "doys"), ("seis", "seys"), ("trezentos", "trezEtus"),
    ("duzentos", "duzEtus"), ("link", "lIki"), ("zap", "zapi"), ("chip", "Sipi"), ("inss", "ieniesiesi"),
    ("spc", "esipese"), ("gmail", "Zemeyw"), ("qr", "keeRi"),
];

/// Further ways to say a word that no rule of [`variants`] makes.
#[rustfmt::skip]
const CASUAL: &[(&str, &[&str])] = &[
    ("não", &["nAw", "nU", "nO"]), ("está", &["ista", "ta", "esta"]), ("estou", &["isto", "to", "esto"]),
    ("você", &["vose", "se", "vosey"]), ("três", &["tres", "treys"]), ("dez", &["des", "deys"]),
    ("seis", &["seys", "ses"]), ("dois", &["doys"]), ("nove", &["novi"]), ("sim", &["sI", "sIy"]),
    ("meia", &["meya"]), ("quatro", &["kwatru", "kwatu"]), ("para", &["para", "pra", "pa"]), ("cinco", &["sIku"]),
    ("um", &["U", "Um"]), ("quero", &["keru"]), ("pagar", &["pagar", "paga", "pagaR"]),
    ("dezesseis", &["dezeseys", "dizeseys"]), ("dezessete", &["dezeseci", "dizeseci", "dezesete"]),
    ("dezoito", &["dezoytu", "dizoytu"]), ("dezenove", &["dezenovi", "dizenovi"]), ("cinquenta", &["sIkwEta"]),
    ("sessenta", &["sesEta"]), ("oito", &["oytu", "oyto"]), ("sete", &["seci", "sete", "sec"]),
    ("vinte", &["vIci", "vIte", "vIc"]), ("vinte e", &["vIci"]), ("zero", &["zeru"]),
    // The h between nasal vowels is no phone of the model, which hears an r or an l there. Nasal vowels alone would be
    // too much like "não".
    ("aham", &["ara", "ala"]), ("ahã", &["ara", "ala"]), ("uhum", &["uU", "oU", "uA"]),
];

const VOWELS: &str = "aeiouáâãàéêíóôõúü";
const FRONT: &str = "eiéêí";

/// The phones of one word, one character each; empty when nothing in it can be spoken by rule (`"123"`).
pub fn word(text: &str) -> String {
    let lower = text.to_lowercase();
    let word = lower.trim_matches(['-', '\'']);
    if let Some((_, phones)) = EXCEPTIONS.iter().find(|(spelling, _)| *spelling == word) {
        return (*phones).to_owned();
    }
    if word.contains('-') {
        return word
            .split('-')
            .filter(|part| !part.is_empty())
            .map(self::word)
            .collect();
    }
    let mut speller = Speller {
        letters: letters(word),
        at: 0,
        phones: Vec::new(),
    };
    while speller.at < speller.letters.len() {
        speller.step();
    }
    palatalise(&mut speller.phones);
    speller.phones.into_iter().collect()
}

/// The phones of every word of `text` that has any.
pub fn phones(text: &str) -> Vec<String> {
    let is_letter = |c: char| matches!(c, 'a'..='z' | 'à'..='ÿ' | '\'' | '-');
    text.to_lowercase()
        .split(|c| !is_letter(c))
        .map(word)
        .filter(|phones| !phones.is_empty())
        .collect()
}

/// Every way to say a word, dialect and casual speech included, sorted; empty when it has no phones.
pub fn variants(text: &str) -> Vec<String> {
    let mut all = BTreeSet::from([word(text)]);
    for rule in [
        drop_final_r,
        strong_coda_r,
        hushed_coda_s,
        unpalatalised,
        plain_ey,
        diphthong_o,
    ] {
        let made: Vec<String> = all.iter().map(|said| rule(said)).collect();
        all.extend(made);
    }
    if let Some((_, casual)) = CASUAL.iter().find(|(spelling, _)| *spelling == text) {
        all.extend(casual.iter().map(|&said| said.to_owned()));
    }
    all.into_iter().filter(|said| !said.is_empty()).collect()
}

/// falar → fala
fn drop_final_r(said: &str) -> String {
    match said.strip_suffix('r') {
        Some(rest) if said.len() > 3 => rest.to_owned(),
        _ => said.to_owned(),
    }
}

/// Rio and the north: a strong r before a consonant and at the end.
fn strong_coda_r(said: &str) -> String {
    replace_before(said, 'r', 'R', |next| {
        next.is_none_or(|c| "ptkbdgfvszSZcjmnlLNR".contains(c))
    })
}

/// Rio: a hushing s before an unvoiced consonant and at the end.
fn hushed_coda_s(said: &str) -> String {
    replace_before(said, 's', 'S', |next| {
        next.is_none_or(|c| "ptkfcsS".contains(c))
    })
}

/// The northeast and the south: "tia", "dia" with plain t and d.
fn unpalatalised(said: &str) -> String {
    let phones: Vec<char> = said.chars().collect();
    let palatal = phones
        .windows(2)
        .any(|pair| "cj".contains(pair[0]) && "iI".contains(pair[1]));
    if palatal {
        said.replace('c', "t").replace('j', "d")
    } else {
        said.to_owned()
    }
}

/// dinheiro → dinhero
fn plain_ey(said: &str) -> String {
    let applies = ["eyr", "eyZ", "eyS"]
        .iter()
        .any(|pattern| said.contains(pattern));
    if applies {
        said.replace("ey", "e")
    } else {
        said.to_owned()
    }
}

/// com → cõu
fn diphthong_o(said: &str) -> String {
    if said.ends_with('O') {
        format!("{said}w")
    } else {
        said.to_owned()
    }
}

fn replace_before(
    said: &str,
    from: char,
    to: char,
    follows: impl Fn(Option<char>) -> bool,
) -> String {
    let phones: Vec<char> = said.chars().collect();
    let replaced = |(i, &phone): (usize, &char)| {
        if phone == from && follows(phones.get(i + 1).copied()) {
            to
        } else {
            phone
        }
    };
    phones.iter().enumerate().map(replaced).collect()
}

/// The letters that the rules know: accents composed, anything else dropped.
fn letters(word: &str) -> Vec<char> {
    let mut composed: Vec<char> = Vec::with_capacity(word.len());
    for c in word.chars() {
        match composed.last().and_then(|&base| compose(base, c)) {
            Some(letter) => {
                *composed
                    .last_mut()
                    .expect("a base letter was just looked at") = letter
            }
            None => composed.push(c),
        }
    }
    let mut letters = Vec::with_capacity(composed.len());
    for c in composed.into_iter().filter(|c| c.is_alphabetic()) {
        match c {
            'y' => letters.push('i'),
            'w' => letters.push('u'),
            'ñ' => letters.extend(['n', 'h']),
            _ => letters.push(c),
        }
    }
    letters
}

/// Unicode composition (NFC) for the letters that Portuguese and Spanish names use.
fn compose(base: char, mark: char) -> Option<char> {
    let (bases, letters) = match mark {
        '\u{300}' => ("aeiou", "àèìòù"),
        '\u{301}' => ("aeiouy", "áéíóúý"),
        '\u{302}' => ("aeiou", "âêîôû"),
        '\u{303}' => ("aon", "ãõñ"),
        '\u{308}' => ("aeiouy", "äëïöüÿ"),
        '\u{327}' => ("c", "ç"),
        _ => return None,
    };
    bases
        .chars()
        .zip(letters.chars())
        .find(|(b, _)| *b == base)
        .map(|(_, letter)| letter)
}

/// t and d before i become affricates.
fn palatalise(phones: &mut [char]) {
    for i in 1..phones.len() {
        if "iI".contains(phones[i]) {
            match phones[i - 1] {
                't' => phones[i - 1] = 'c',
                'd' => phones[i - 1] = 'j',
                _ => {}
            }
        }
    }
}

fn is_vowel(c: char) -> bool {
    VOWELS.contains(c)
}

/// The vowel without its accent; nasal vowels are capitals.
fn bare(c: char) -> char {
    match c {
        'á' | 'â' | 'à' => 'a',
        'ã' => 'A',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'ô' => 'o',
        'õ' => 'O',
        'ú' | 'ü' => 'u',
        _ => c,
    }
}

struct Speller {
    letters: Vec<char>,
    at: usize,
    phones: Vec<char>,
}

impl Speller {
    /// Spells from the letter at hand, and moves past what it used.
    fn step(&mut self) {
        let letter = self.letters[self.at];
        let used = if is_vowel(letter) {
            self.vowel(letter)
        } else {
            self.consonant(letter)
        };
        self.at += used;
    }

    fn ahead(&self, n: usize) -> Option<char> {
        self.letters.get(self.at + n).copied()
    }

    fn before(&self) -> Option<char> {
        self.at.checked_sub(1).map(|i| self.letters[i])
    }

    fn ahead_in(&self, n: usize, set: &str) -> bool {
        self.ahead(n).is_some_and(|c| set.contains(c))
    }

    fn ahead_vowel(&self, n: usize) -> bool {
        self.ahead(n).is_some_and(is_vowel)
    }

    /// Whether the word ends `n` letters ahead, a plural s aside.
    fn ends(&self, n: usize) -> bool {
        self.at + n >= self.letters.len()
            || (self.ahead(n) == Some('s') && self.at + n + 1 == self.letters.len())
    }

    fn say(&mut self, phones: &str, used: usize) -> usize {
        self.phones.extend(phones.chars());
        used
    }

    fn say_char(&mut self, phone: char, used: usize) -> usize {
        self.phones.push(phone);
        used
    }

    fn vowel(&mut self, letter: char) -> usize {
        let base = bare(letter);
        if let Some(used) = self.nasal_coda(base) {
            return used;
        }
        match letter {
            'ã' => return self.nasal_a(),
            'õ' if self.ahead(1) == Some('e') => return self.say("Oy", 2),
            'õ' => return self.say("O", 1),
            _ => {}
        }
        if let Some(used) = self.diphthong(base) {
            return used;
        }
        if base == 'i' && self.ahead(1) == Some('u') && self.ends(2) {
            return self.say("iw", 2);
        }
        let accented = base != letter && !"àü".contains(letter);
        let raised = self.ends(1) && !accented && self.letters.len() > 1;
        let phone = match base {
            'e' if raised => 'i',
            'o' if raised => 'u',
            _ => base,
        };
        self.say_char(phone, 1)
    }

    /// A vowel made nasal by an m or n that closes its syllable.
    fn nasal_coda(&mut self, base: char) -> Option<usize> {
        let open =
            self.ahead_vowel(2) || (self.ahead(1) == Some('n') && self.ahead(2) == Some('h'));
        if "AO".contains(base) || !self.ahead_in(1, "mn") || open {
            return None;
        }
        let used = match base {
            'e' if self.ends(2) => self.say("Ey", 2),
            'a' if self.ends(2) && self.ahead(1) == Some('m') => self.say("Aw", 2),
            _ => self.say_char(base.to_ascii_uppercase(), 2),
        };
        Some(used)
    }

    fn nasal_a(&mut self) -> usize {
        match self.ahead(1) {
            Some('o') => self.say("Aw", 2),
            Some('e') => self.say("Ay", 2),
            Some('m' | 'n') if self.ahead(2).is_some_and(|c| !is_vowel(c)) => self.say("A", 2),
            _ => self.say("A", 1),
        }
    }

    /// A falling diphthong: the second letter is an unaccented i or u that no nasal coda or nh follows.
    fn diphthong(&mut self, base: char) -> Option<usize> {
        let glide = self.ahead(1).filter(|&c| "iu".contains(c) && c != base)?;
        if !"aeou".contains(base) || self.nasal_follows() || self.hiatus() {
            return None;
        }
        Some(match (base, glide) {
            ('o', 'u') => self.say("o", 2),
            (_, 'i') => self.say(&format!("{base}y"), 2),
            _ => self.say(&format!("{base}w"), 2),
        })
    }

    fn nasal_follows(&self) -> bool {
        self.ahead_in(2, "mn") && (!self.ahead_vowel(3) || self.ahead(3) == Some('h'))
    }

    /// raiz, cair, paul, rainha: two syllables.
    fn hiatus(&self) -> bool {
        (self.ahead_in(2, "zrl") && self.ahead(3).is_none())
            || (self.ahead(2) == Some('n') && self.ahead(3) == Some('h'))
    }

    fn consonant(&mut self, letter: char) -> usize {
        match letter {
            'c' => self.letter_c(),
            'g' => self.letter_g(),
            'q' => self.letter_q(),
            'l' => self.letter_l(),
            'r' => self.letter_r(),
            's' => self.letter_s(),
            'x' => self.letter_x(),
            'n' if self.ahead(1) == Some('h') => self.say("N", 2),
            'p' if self.ahead(1) == Some('h') => self.say("f", 2),
            't' if self.ahead(1) == Some('t') => 1,
            'z' if self.ahead(1).is_none() => self.say("s", 1),
            'ç' => self.say("s", 1),
            'j' => self.say("Z", 1),
            'n' | 'm' | 'z' | 'p' | 't' | 'k' | 'b' | 'd' | 'f' | 'v' => self.say_char(letter, 1),
            // h is mute, and what is no Portuguese letter has no sound here.
            _ => 1,
        }
    }

    fn letter_c(&mut self) -> usize {
        match self.ahead(1) {
            Some('h') => self.say("S", 2),
            Some(c) if FRONT.contains(c) => self.say("s", 1),
            Some('c') if self.ahead_in(2, "ei") => self.say("ks", 2),
            _ => self.say("k", 1),
        }
    }

    fn letter_g(&mut self) -> usize {
        match self.ahead(1) {
            Some('u') if self.ahead_in(2, FRONT) => self.say("g", 2),
            Some('u') if self.ahead_in(2, "aoáãâó") => self.say("gw", 2),
            Some(c) if FRONT.contains(c) => self.say("Z", 1),
            _ => self.say("g", 1),
        }
    }

    fn letter_q(&mut self) -> usize {
        match self.ahead(1) {
            Some('u') if self.ahead_in(2, FRONT) => self.say("k", 2),
            Some('u' | 'ü') => self.say("kw", 2),
            _ => self.say("k", 1),
        }
    }

    fn letter_l(&mut self) -> usize {
        match self.ahead(1) {
            Some('h') => self.say("L", 2),
            Some('l') if self.phones.last() == Some(&'l') => 2,
            Some('l') => self.say("l", 2),
            Some(c) if is_vowel(c) => self.say("l", 1),
            _ => self.say("w", 1),
        }
    }

    fn letter_r(&mut self) -> usize {
        match (self.before(), self.ahead(1)) {
            (_, Some('r')) => self.say("R", 2),
            (None | Some('n' | 'l' | 's'), _) => self.say("R", 1),
            _ => self.say("r", 1),
        }
    }

    fn letter_s(&mut self) -> usize {
        let from = self.at.saturating_sub(4);
        let after_tran = self.letters[from..self.at] == ['t', 'r', 'a', 'n'];
        match self.ahead(1) {
            Some('s' | 'ç') => self.say("s", 2),
            Some('c') if self.ahead_in(2, FRONT) => self.say("s", 2),
            Some('h') => self.say("S", 2),
            Some(c) if is_vowel(c) && (self.before().is_some_and(is_vowel) || after_tran) => {
                self.say("z", 1)
            }
            Some(c) if "bdgvmnlrj".contains(c) => self.say("z", 1),
            _ => self.say("s", 1),
        }
    }

    fn letter_x(&mut self) -> usize {
        match self.ahead(1) {
            Some(c) if self.at == 1 && self.before() == Some('e') && is_vowel(c) => {
                self.say("z", 1)
            }
            Some('c') if self.ahead_in(2, FRONT) => self.say("s", 2),
            Some(c) if is_vowel(c) => self.say("S", 1),
            Some(_) => self.say("s", 1),
            None => self.say("ks", 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/data/g2p.tsv` was written by the Python of the training tool: word, phones, variants.
    #[test]
    fn says_every_word_as_the_training_tool_does() {
        let table = include_str!("../../tests/data/g2p.tsv");
        let rows: Vec<Vec<&str>> = table
            .lines()
            .map(|line| line.split('\t').collect())
            .collect();
        assert!(rows.len() > 300);
        for row in rows {
            let [text, said, all] = row[..] else {
                panic!("a row of three columns: {row:?}")
            };
            assert_eq!(word(text), said, "{text}");
            assert_eq!(variants(text).join(" "), all, "{text}");
        }
    }

    #[test]
    fn finds_words_between_other_signs() {
        assert_eq!(phones("Dia 2, pode-ser; não!"), ["jia", "pojiser", "nAw"]);
        assert!(phones("12 %").is_empty());
    }

    #[test]
    fn composes_accents_written_as_marks() {
        assert_eq!(word("na\u{303}o"), word("não"));
        assert_eq!(word("marc\u{327}o"), word("março"));
    }
}
