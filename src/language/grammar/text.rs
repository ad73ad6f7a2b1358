//! Written text as it would be said: lower case, no punctuation, figures in words.
//!
//! "dia 5", "R$ 1.200,50", "10/12", "18h30", "3x", "2ª via" and "111.444.777-35" become the words a caller would say, so
//! that one grammar serves speech and messages.

pub use super::stem::stem;
use crate::language::verbalise;

/// What comes from outside is cut here; nobody says so much in one turn.
const WORD_LIMIT: usize = 400;

/// The words of `text` as they would be said.
pub fn words(text: &str) -> Vec<String> {
    let mut said = Vec::new();
    let mut money = false;
    for piece in text.split_whitespace() {
        if said.len() >= WORD_LIMIT {
            break;
        }
        let piece = clean(piece);
        // "R$" may stand apart from its number.
        let (amount, marked) = match piece.strip_prefix("r$") {
            Some(amount) => (amount, true),
            None => (piece.as_str(), false),
        };
        money |= marked;
        if amount.is_empty() {
            continue;
        }
        if amount.starts_with(|c: char| c.is_ascii_digit()) {
            say_figures(amount, std::mem::take(&mut money), &mut said);
        } else {
            say_letters(amount, &mut said);
        }
    }
    said.truncate(WORD_LIMIT);
    said
}

/// Lower case, accents composed, no punctuation at the edges.
fn clean(piece: &str) -> String {
    let lower: String = compose(&piece.to_lowercase());
    let edge = |c: char| !c.is_alphanumeric() && !matches!(c, '%' | '$' | '@' | '°');
    lower.trim_matches(edge).to_owned()
}

/// Joins letters with combining accents, as some keyboards and files separate them.
fn compose(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for mark in text.chars() {
        let accented = joined
            .chars()
            .next_back()
            .and_then(|letter| with_accent(letter, mark));
        match accented {
            Some(accented) => {
                joined.pop();
                joined.push(accented);
            }
            None if ('\u{300}'..='\u{36f}').contains(&mark) => {}
            None => joined.push(mark),
        }
    }
    joined
}

fn with_accent(letter: char, mark: char) -> Option<char> {
    let row = match mark {
        '\u{301}' => "aáeéiíoóuú",
        '\u{300}' => "aàeèiìoòuù",
        '\u{302}' => "aâeêiîoôuû",
        '\u{303}' => "aãoõnñ",
        '\u{308}' => "uüiïaäoö",
        '\u{327}' => "cç",
        _ => return None,
    };
    let mut letters = row.chars();
    while let (Some(plain), Some(accented)) = (letters.next(), letters.next()) {
        if plain == letter {
            return Some(accented);
        }
    }
    None
}

fn say_letters(piece: &str, said: &mut Vec<String>) {
    if piece.contains('@') {
        say_address(piece, said);
        return;
    }
    for part in piece.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '\'' | '’' | '%'))
    {
        let part = part.trim_matches(|c: char| !c.is_alphanumeric() && c != '%');
        if part == "%" {
            said.extend(["por", "cento"].map(String::from));
        } else {
            say_compound(part, said);
        }
    }
}

/// "bia.lima@credora.com.br" as it is dictated.
fn say_address(piece: &str, said: &mut Vec<String>) {
    let mut word = String::new();
    for c in piece.chars().chain([' ']) {
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        said.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        let sign = match c {
            '@' => "arroba",
            '.' => "ponto",
            '-' => "traço",
            '_' => "underline",
            _ => continue,
        };
        said.push(sign.to_owned());
    }
}

/// "segunda-feira" is two words; "e-mail" is one, as any compound with a single letter.
fn say_compound(part: &str, said: &mut Vec<String>) {
    let part: String = part
        .chars()
        .filter(|c| !matches!(c, '\'' | '’' | '%'))
        .collect();
    if part.split('-').any(|word| word.chars().count() == 1) {
        said.extend((!part.is_empty()).then_some(part));
        return;
    }
    for word in part.split('-').filter(|word| !word.is_empty()) {
        match word.chars().next().filter(char::is_ascii_digit) {
            Some(_) => say_figures(word, false, said),
            None => said.push(unabbreviated(word).to_owned()),
        }
    }
}

/// What people type for short.
fn unabbreviated(word: &str) -> &str {
    match word {
        "vc" => "você",
        "vcs" => "vocês",
        "q" | "ki" => "que",
        "n" | "ñ" | "nao" | "naum" => "não",
        "tb" | "tbm" => "também",
        "blz" => "beleza",
        "hj" => "hoje",
        "pq" => "porque",
        "qdo" => "quando",
        "qto" | "qnto" => "quanto",
        "qtas" => "quantas",
        "msg" => "mensagem",
        "obg" => "obrigado",
        "vlw" => "valeu",
        "flw" => "falou",
        "pfv" | "pf" => "favor",
        "dps" => "depois",
        "ctz" => "certeza",
        "td" => "tudo",
        "oq" => "quê",
        "wpp" | "whats" | "zapzap" => "zap",
        _ => word,
    }
}

fn say_figures(piece: &str, money: bool, said: &mut Vec<String>) {
    let shape: String = piece
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    let numbers: Vec<&str> = piece
        .split(|c: char| !c.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .collect();
    let first = numbers.first().copied().unwrap_or_default();
    let rest = &piece[first.len()..];
    match numbers.as_slice() {
        [whole] if rest.is_empty() => say_whole(whole, money, said),
        ["1"] if rest == "x" => said.extend(["uma", "vez"].map(String::from)),
        [number] if matches!(rest, "x" | "vezes") => {
            say_number(number, said);
            said.push("vezes".into());
        }
        [number] if matches!(rest, "º" | "ª" | "°" | "o" | "a") => {
            say_ordinal(number, rest, said)
        }
        [number] if rest == "%" => {
            say_number(number, said);
            said.extend(["por", "cento"].map(String::from));
        }
        [hour] if matches!(rest, "h" | "hs" | "hrs") => {
            say_number(hour, said);
            said.push("horas".into());
        }
        [hour, minute] if matches!(shape.as_str(), "9h99" | "99h99" | "9:99" | "99:99") => {
            say_number(hour, said);
            said.push("horas".into());
            if !minute.trim_start_matches('0').is_empty() {
                said.push("e".into());
                say_number(minute, said);
            }
        }
        [day, month, year @ ..] if is_date(&shape) => {
            say_date(day, month, year.first().copied(), said)
        }
        _ if is_amount(&shape) => say_amount(piece, money, said),
        _ => say_mixed(piece, said),
    }
}

fn is_date(shape: &str) -> bool {
    let mut parts = shape.split('/');
    let short = |part: Option<&str>| part.is_some_and(|part| matches!(part, "9" | "99"));
    short(parts.next())
        && short(parts.next())
        && parts
            .next()
            .is_none_or(|year| matches!(year, "99" | "9999"))
        && parts.next().is_none()
}

/// "1.200", "1.200,50", "89,90".
fn is_amount(shape: &str) -> bool {
    let (whole, cents) = shape
        .split_once(',')
        .map_or((shape, None), |(whole, cents)| (whole, Some(cents)));
    let groups: Vec<&str> = whole.split('.').collect();
    let grouped = match groups.as_slice() {
        [one] => cents.is_some() && !one.is_empty() && one.bytes().all(|b| b == b'9'),
        // Three groups and more are a CPF sooner than a sum of millions.
        [head, tail] => matches!(*head, "9" | "99" | "999") && *tail == "999",
        _ => false,
    };
    grouped && cents.is_none_or(|cents| matches!(cents, "9" | "99"))
}

fn say_whole(digits: &str, money: bool, said: &mut Vec<String>) {
    say_number(digits, said);
    if money {
        said.push(if digits == "1" { "real" } else { "reais" }.into());
    }
}

fn say_amount(piece: &str, money: bool, said: &mut Vec<String>) {
    let (whole, cents) = piece
        .split_once(',')
        .map_or((piece, None), |(whole, cents)| (whole, Some(cents)));
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let cents = cents.map(|cents| {
        if cents.len() == 1 {
            format!("{cents}0")
        } else {
            cents.to_owned()
        }
    });
    say_whole(&whole, money || cents.is_some(), said);
    if let Some(cents) = cents.filter(|cents| cents != "00") {
        said.push("e".into());
        say_number(cents.trim_start_matches('0'), said);
        said.push("centavos".into());
    }
}

fn say_date(day: &str, month: &str, year: Option<&str>, said: &mut Vec<String>) {
    say_number(day.trim_start_matches('0'), said);
    said.push("do".into());
    say_number(month.trim_start_matches('0'), said);
    if let Some(year) = year {
        said.push("de".into());
        say_number(year, said);
    }
}

fn say_ordinal(number: &str, ending: &str, said: &mut Vec<String>) {
    const ORDINALS: [&str; 10] = [
        "primeir", "segund", "terceir", "quart", "quint", "sext", "sétim", "oitav", "non", "décim",
    ];
    let stem = number
        .parse::<usize>()
        .ok()
        .and_then(|number| ORDINALS.get(number.checked_sub(1)?));
    match stem {
        Some(stem) => said.push(format!(
            "{stem}{}",
            if matches!(ending, "ª" | "a") {
                'a'
            } else {
                'o'
            }
        )),
        None => say_number(number, said),
    }
}

/// Runs of letters and digits one after the other; digits joined by `.`, `-` or `/` are one string of digits.
fn say_mixed(piece: &str, said: &mut Vec<String>) {
    if piece
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '/' | ',' | ':'))
    {
        say_digits(piece, said);
        return;
    }
    let mut run = String::new();
    for next in piece.chars().chain([' ']) {
        let joins = run.chars().next_back().is_some_and(|last| {
            next.is_alphanumeric() && last.is_ascii_digit() == next.is_ascii_digit()
        });
        if !joins && !run.is_empty() {
            match run.bytes().all(|b| b.is_ascii_digit()) {
                true => say_number(&run, said),
                false => said.push(unabbreviated(&run).to_owned()),
            }
            run.clear();
        }
        if next.is_alphanumeric() {
            run.push(next);
        }
    }
}

/// A number below a million in words; codes (long, or with a leading zero) digit by digit.
fn say_number(digits: &str, said: &mut Vec<String>) {
    let code = digits.len() > 6 || digits.len() > 1 && digits.starts_with('0');
    match digits.parse() {
        Ok(number) if !code => say(number, said),
        _ => say_digits(digits, said),
    }
}

fn say_digits(digits: &str, said: &mut Vec<String>) {
    for digit in digits.chars().filter_map(|c| c.to_digit(10)) {
        say(digit.into(), said);
    }
}

fn say(number: u64, said: &mut Vec<String>) {
    let words = verbalise::integer(number, verbalise::Gender::Masculine);
    said.extend(words.split(' ').map(String::from));
}

/// Lower case without accents and hyphens: "às" → "as", "e-mail" → "email".
pub fn fold(word: &str) -> String {
    let plain = |c: char| match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        _ => c,
    };
    word.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .map(plain)
        .collect()
}

/// Words that mean and weigh the same in every grammar, by one of them: "estou" = "tô", "para" = "pra", "duas" = "dois".
pub fn key(word: &str) -> String {
    let folded = fold(word);
    let same = match folded.as_str() {
        "estou" | "tou" => "to",
        "esta" => "ta",
        "estao" => "tao",
        "estava" => "tava",
        "estavam" => "tavam",
        "estamos" => "tamos",
        "para" => "pra",
        "voce" | "voces" | "ces" | "tu" => "ce",
        "uma" => "um",
        "duas" => "dois",
        "num" | "nao" => "nao",
        "obrigada" | "brigado" | "brigada" => "obrigado",
        "desempregada" => "desempregado",
        "quatorze" => "catorze",
        "whatsapp" | "whats" | "zap" | "zapi" => "zap",
        "cel" => "celular",
        "mesma" => "mesmo",
        "trezentas" => "trezentos",
        "duzentas" => "duzentos",
        "quatrocentas" => "quatrocentos",
        "quinhentas" => "quinhentos",
        "falecida" => "falecido",
        "ocupada" => "ocupado",
        "doida" => "doido",
        "internada" => "internado",
        "afastada" => "afastado",
        "atendentes" => "atendente",
        "ligacoes" => "ligacao",
        "dinheirinho" => "dinheiro",
        "moco" => "moca",
        "telefonema" => "ligacao",
        _ => return participle(folded),
    };
    same.to_owned()
}

/// "cansada", "cansados" → "cansado": who speaks does not change what is meant.
fn participle(folded: String) -> String {
    let Some(stem) = ["ada", "adas", "ados", "ida", "idas", "idos"]
        .iter()
        .find_map(|ending| folded.strip_suffix(ending).map(|stem| (stem, ending)))
        .filter(|(stem, _)| stem.len() >= 3)
    else {
        return folded;
    };
    format!("{}{}do", stem.0, &stem.1[..1])
}

/// True if the words differ by a slip of the finger: one letter wrong, missing, doubled or swapped.
pub fn differ_slightly(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let common = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[common..], &b[common..]);
    let common = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    match (&a[..a.len() - common], &b[..b.len() - common]) {
        ([], []) => false,
        ([_], [] | [_]) | ([], [_]) => true,
        ([p, q], [r, s]) => p == s && q == r,
        _ => false,
    }
}
