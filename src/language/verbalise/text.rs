//! Written text into words: figures, sums, dates, telephones, addresses. What would have to be guessed is refused.

use jiff::civil::Date;

use super::number::Gender::{Feminine, Masculine};
use super::number::{Gender, counted, integer, money, ordinal, percent};
use super::spell::{Six, digits, digits_with, letter};
use super::when::{date, time};
use crate::base::{BasisPoints, Centavos, Phone};

/// A piece of a text that can be read in more than one way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{piece}` would have to be guessed; {remedy}")]
pub struct Guess {
    pub piece: String,
    pub remedy: &'static str,
}

const IN_WORDS: &str = "write it in words";
const WHAT_IS_COUNTED: &str = "write the number in words, in the gender of what is counted";
const SPELLED: &str = "write it out, or add it to the lexicon";

/// Puts `text`, written on the day `today`, into words.
///
/// # Errors
/// Every piece whose reading is not certain.
pub fn text(text: &str, today: Date) -> Result<String, Vec<Guess>> {
    let pieces: Vec<&str> = text.split_whitespace().collect();
    let mut reader = Reader {
        pieces: &pieces,
        at: 0,
        today,
        guesses: Vec::new(),
    };
    let mut said: Vec<String> = Vec::with_capacity(pieces.len());
    while reader.at < pieces.len() {
        said.push(reader.next());
    }
    match reader.guesses.is_empty() {
        true => Ok(said.join(" ")),
        false => Err(reader.guesses),
    }
}

struct Reader<'a> {
    pieces: &'a [&'a str],
    at: usize,
    today: Date,
    guesses: Vec<Guess>,
}

/// A piece without the punctuation around it.
struct Piece<'a> {
    before: &'a str,
    core: &'a str,
    after: &'a str,
}

fn cut(piece: &str) -> Piece<'_> {
    let inner =
        |c: char| c.is_alphanumeric() || matches!(c, '$' | '%' | 'º' | 'ª' | '°' | '@' | '+' | '/');
    let digit_follows = |at: usize| piece[at..].starts_with(|c: char| c.is_ascii_digit());
    let start = piece
        .char_indices()
        .find(|&(at, c)| inner(c) || c == '(' && digit_follows(at + 1))
        .map_or(piece.len(), |(at, _)| at);
    let rest = &piece[start..];
    let end = rest.rfind(inner).map_or(0, |at| {
        at + rest[at..].chars().next().map_or(0, char::len_utf8)
    });
    // "(11)" keeps its bracket: it is an area code.
    let end = if rest.starts_with('(') && rest[end..].starts_with(')') {
        end + 1
    } else {
        end
    };
    Piece {
        before: &piece[..start],
        core: &rest[..end],
        after: &rest[end..],
    }
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a str> {
        self.pieces.get(self.at + ahead).copied()
    }

    fn guess(&mut self, piece: &str, remedy: &'static str) -> String {
        self.guesses.push(Guess {
            piece: piece.to_owned(),
            remedy,
        });
        piece.to_owned()
    }

    /// Takes one piece, or several that belong together.
    fn next(&mut self) -> String {
        let piece = cut(self.pieces[self.at]);
        let (before, after) = (piece.before.to_owned(), piece.after.to_owned());
        if let Some((words, taken)) = self.several(&piece) {
            let last = cut(self.pieces[self.at + taken - 1]).after.to_owned();
            self.at += taken;
            return format!("{before}{words}{last}");
        }
        self.at += 1;
        let words = self.one(piece.core);
        format!("{before}{words}{after}")
    }

    /// "R$ 89,90", "2 %", "3 x", "(11) 98765-4321", "0800 722 1234", "contrato 98764321", a linha digitável.
    fn several(&self, piece: &Piece<'a>) -> Option<(String, usize)> {
        let second = self.peek(1).map(cut);
        let next = second.as_ref().map(|next| next.core);
        let joined = piece.after.is_empty();
        match (piece.core, next) {
            ("R$" | "r$", Some(amount)) if joined => return Some((money(sum(amount)?), 2)),
            (core, Some("%")) if joined => return Some((rate(core)?, 2)),
            (core, Some("x" | "vezes")) if joined && is_digits(core) => {
                return Some((times(core)?, 2));
            }
            (core, Some(number))
                if joined
                    && core.eq_ignore_ascii_case("contrato")
                    && is_digits(number)
                    && number.len() > 4 =>
            {
                let tail = &number[number.len() - 4..];
                return Some((format!("{core} de final {}", digits(tail)), 2));
            }
            _ => {}
        }
        if !joined
            || !piece
                .core
                .starts_with(|c: char| c.is_ascii_digit() || matches!(c, '(' | '+'))
        {
            return None;
        }
        self.number_in_pieces()
    }

    /// Pieces of figures that make one telephone, service number or linha digitável.
    fn number_in_pieces(&self) -> Option<(String, usize)> {
        let figures = |piece: &str| {
            let core = cut(piece).core;
            !core.is_empty()
                && core
                    .chars()
                    .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '(' | ')' | '+'))
                && core.contains(|c: char| c.is_ascii_digit())
        };
        let mut taken = 0;
        while let Some(piece) = self.peek(taken).filter(|piece| figures(piece)) {
            taken += 1;
            if !cut(piece).after.is_empty() {
                break;
            }
        }
        (2..=taken).rev().find_map(|taken| {
            let parts: Vec<&str> = (0..taken)
                .filter_map(|ahead| self.peek(ahead))
                .map(|piece| cut(piece).core)
                .collect();
            let all: String = parts
                .concat()
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            if matches!(all.len(), 47 | 48) {
                let groups: Vec<String> = parts
                    .iter()
                    .flat_map(|part| part.split(['.', '-']))
                    .map(digits)
                    .collect();
                return Some((groups.join(", "), taken));
            }
            service(&all)
                .or_else(|| telephone(&parts.concat()))
                .map(|words| (words, taken))
        })
    }

    fn one(&mut self, core: &str) -> String {
        if core.is_empty() {
            return String::new();
        }
        if !core.contains(|c: char| c.is_ascii_digit()) {
            return self.letters(core);
        }
        self.figures(core)
            .unwrap_or_else(|| self.guess(core, IN_WORDS))
    }

    fn figures(&mut self, core: &str) -> Option<String> {
        if let Some(amount) = core.strip_prefix("R$").or_else(|| core.strip_prefix("r$")) {
            return Some(money(sum(amount)?));
        }
        if let Some(number) = core.strip_suffix('%') {
            return rate(number);
        }
        if let Some(number) = core.strip_suffix('x').filter(|number| is_digits(number)) {
            return times(number);
        }
        if let Some((number, gender)) = ordinal_of(core) {
            return (1..100).contains(&number).then(|| ordinal(number, gender));
        }
        if core.contains('@') {
            return address(core);
        }
        if is_url(core) {
            return Some(url(core));
        }
        clock(core)
            .or_else(|| self.calendar(core))
            .or_else(|| document(core))
            .or_else(|| telephone(core))
            .or_else(|| self.plain(core))
    }

    /// "10/12", "10/12/2026", "2026-12-10".
    fn calendar(&self, core: &str) -> Option<String> {
        let parts = |sign| {
            core.split(sign)
                .map(|part| part.parse::<i16>().ok())
                .collect::<Option<Vec<_>>>()
        };
        if core.contains('/') {
            let parts = parts('/')?;
            let (day, month, year) = match parts[..] {
                [day, month] => (day, month, None),
                [day, month, year] => (
                    day,
                    month,
                    Some(if year < 100 { 2000 + year } else { year }),
                ),
                _ => return None,
            };
            let (day, month) = (i8::try_from(day).ok()?, i8::try_from(month).ok()?);
            let named = Date::new(year.unwrap_or(self.today.year()), month, day).ok()?;
            // Without its year a day is named without its year.
            return Some(date(named, year.map_or(named, |_| self.today)));
        }
        match parts('-')?[..] {
            [year, month, day] if year > 1900 => {
                let named = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
                Some(date(named.ok()?, self.today))
            }
            _ => None,
        }
    }

    /// A number that counts what the next word names.
    fn plain(&mut self, core: &str) -> Option<String> {
        let whole: String = core.replace('.', "");
        if !is_digits(&whole) || core.contains('.') && !is_grouped(core) {
            return decimal(core);
        }
        if whole.len() > 1 && whole.starts_with('0') || whole.len() > 6 && !core.contains('.') {
            return (whole.len() <= 4).then(|| digits(&whole));
        }
        let number: u64 = whole.parse().ok()?;
        let noun = self.peek(0).map(|piece| cut(piece).core.to_lowercase());
        let gender = noun.as_deref().and_then(gender_of);
        let either = integer(number, Masculine) == integer(number, Feminine);
        let year = (1900..2100).contains(&number) && whole.len() == 4;
        match gender {
            Some(gender) => Some(integer(number, gender)),
            None if either || year => Some(integer(number, Masculine)),
            None => Some(self.guess(core, WHAT_IS_COUNTED)),
        }
    }

    /// Words, addresses, abbreviations.
    fn letters(&mut self, core: &str) -> String {
        if core.contains('@') {
            return address(core).unwrap_or_else(|| core.to_owned());
        }
        if is_url(core) {
            return url(core);
        }
        if core.contains('$') {
            return self.guess(core, IN_WORDS);
        }
        let plain = core.trim_end_matches(['.', 'º', 'ª', '°']);
        let all_caps = plain.chars().count() >= 2 && plain.chars().all(|c| c.is_uppercase());
        let mute = plain.chars().count() >= 2
            && plain.chars().all(char::is_alphabetic)
            && !plain
                .to_lowercase()
                .contains(|c| "aeiouyáéíóúâêôãõàü".contains(c));
        if (all_caps || mute) && !is_known(core) && !is_known(plain) {
            return self.guess(core, SPELLED);
        }
        core.to_owned()
    }
}

/// Abbreviations that the lexicon of the voice spells, or that are words.
const KNOWN: [&str; 34] = [
    "cpf", "cnpj", "sms", "spc", "cvv", "lgpd", "cep", "rg", "pdf", "qr", "sac", "sr", "sra",
    "srta", "dr", "dra", "d", "ltda", "me", "s.a", "s/a", "n.º", "nº", "n", "pix", "serasa",
    "procon", "whatsapp", "tv", "inss", "fgts", "iptu", "ipva", "cet",
];

fn is_known(word: &str) -> bool {
    let lower = word.to_lowercase();
    KNOWN.contains(&lower.trim_end_matches('.')) || KNOWN.contains(&lower.as_str())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// "1.234", "12.345.678".
fn is_grouped(text: &str) -> bool {
    let mut groups = text.split('.');
    groups
        .next()
        .is_some_and(|first| is_digits(first) && first.len() <= 3)
        && groups.all(|group| is_digits(group) && group.len() == 3)
}

/// Centavos of "1.234,56", "89,9" or "50".
fn sum(text: &str) -> Option<Centavos> {
    let (whole, cents) = text.split_once(',').unwrap_or((text, "0"));
    if !(is_grouped(whole) || is_digits(whole)) || !is_digits(cents) || cents.len() > 2 {
        return None;
    }
    let reais: i64 = whole.replace('.', "").parse().ok()?;
    let cents: i64 = format!("{cents:0<2}").parse().ok()?;
    reais.checked_mul(100)?.checked_add(cents).map(Centavos)
}

fn rate(text: &str) -> Option<String> {
    let (whole, part) = text.split_once(',').unwrap_or((text, "0"));
    if !is_digits(whole) || !is_digits(part) || part.len() > 2 {
        return None;
    }
    let points: i32 = format!("{whole}{part:0<2}").parse().ok()?;
    Some(percent(BasisPoints(points)))
}

fn times(number: &str) -> Option<String> {
    Some(counted(number.parse().ok()?, "vez", "vezes", Feminine))
}

fn ordinal_of(core: &str) -> Option<(u64, Gender)> {
    let sign = core.chars().next_back()?;
    let gender = match sign {
        'º' | '°' => Masculine,
        'ª' => Feminine,
        _ => return None,
    };
    let number = core.strip_suffix(sign)?.trim_end_matches('.');
    Some((number.parse().ok()?, gender))
}

/// "14:30", "14h30", "9h".
fn clock(core: &str) -> Option<String> {
    let (hour, minute) = core.split_once([':', 'h'])?;
    let minute = if minute.is_empty() && core.ends_with('h') {
        "0"
    } else {
        minute.trim_end_matches("min")
    };
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then(|| time(hour, minute))
}

/// "111.444.777-35", "11.222.333/0001-81", and a linha digitável in one piece.
fn document(core: &str) -> Option<String> {
    let shape: String = core
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    let known = matches!(
        shape.as_str(),
        "999.999.999-99" | "99.999.999/9999-99" | "99999-999"
    ) || matches!(shape.len(), 47 | 48) && is_digits(core);
    let groups = |text: &str| {
        text.split(['.', '-', '/'])
            .map(digits)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if is_digits(core) && known {
        let groups: Vec<String> = core
            .as_bytes()
            .chunks(4)
            .map(|four| digits(&String::from_utf8_lossy(four)))
            .collect();
        return Some(groups.join(", "));
    }
    known.then(|| groups(core))
}

/// "0800 722 1234": "zero oitocentos, sete dois dois, um dois três quatro".
fn service(all: &str) -> Option<String> {
    let name = match all.get(..4)? {
        "0800" => "zero oitocentos",
        "0300" => "zero trezentos",
        "0500" => "zero quinhentos",
        "4004" if all.len() == 8 => "quatro mil e quatro",
        _ => return None,
    };
    let rest = &all[4..];
    let number = match rest.len() {
        7 => format!("{}, {}", digits(&rest[..3]), digits(&rest[3..])),
        6 => format!("{}, {}", digits(&rest[..2]), digits(&rest[2..])),
        4 => digits(rest),
        _ => return None,
    };
    Some(format!("{name}, {number}"))
}

fn telephone(core: &str) -> Option<String> {
    let written = core.contains(['(', '+', '-']);
    let all: String = core.chars().filter(char::is_ascii_digit).collect();
    if !core
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '(' | ')' | '-' | '+' | '.'))
    {
        return None;
    }
    if written && matches!(all.len(), 8 | 9) {
        let (head, tail) = all.split_at(all.len() - 4);
        return Some(format!("{}, {}", digits(head), digits(tail)));
    }
    if !(10..=13).contains(&all.len()) {
        return None;
    }
    service(&all).or_else(|| Phone::parse(core).ok().map(super::spell::phone))
}

/// "2,5": "dois vírgula cinco".
fn decimal(core: &str) -> Option<String> {
    let (whole, part) = core.split_once(',')?;
    if !(is_grouped(whole) || is_digits(whole)) || !is_digits(part) || part.len() > 4 {
        return None;
    }
    let number: u64 = whole.replace('.', "").parse().ok()?;
    let part = if part.starts_with('0') || part.len() > 2 {
        digits_with(part, Six::Seis)
    } else {
        integer(part.parse().ok()?, Masculine)
    };
    Some(format!("{} vírgula {part}", integer(number, Masculine)))
}

/// The gender of what is counted, for words that calls about debts count.
fn gender_of(noun: &str) -> Option<Gender> {
    const FEMININE: [&str; 26] = [
        "parcela",
        "parcelas",
        "vez",
        "vezes",
        "conta",
        "contas",
        "hora",
        "horas",
        "semana",
        "semanas",
        "pessoa",
        "pessoas",
        "fatura",
        "faturas",
        "dívida",
        "dívidas",
        "opção",
        "opções",
        "mensagem",
        "mensagens",
        "ligação",
        "ligações",
        "proposta",
        "propostas",
        "prestação",
        "prestações",
    ];
    const MASCULINE: [&str; 32] = [
        "dia",
        "dias",
        "mês",
        "meses",
        "ano",
        "anos",
        "real",
        "reais",
        "centavo",
        "centavos",
        "boleto",
        "boletos",
        "contrato",
        "contratos",
        "minuto",
        "minutos",
        "segundo",
        "segundos",
        "número",
        "números",
        "dígito",
        "dígitos",
        "débito",
        "débitos",
        "acordo",
        "acordos",
        "cartão",
        "cartões",
        "telefone",
        "telefones",
        "de",
        "por",
    ];
    if FEMININE.contains(&noun) {
        Some(Feminine)
    } else {
        MASCULINE.contains(&noun).then_some(Masculine)
    }
}

fn is_url(core: &str) -> bool {
    let bare = core
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    let host = bare.split('/').next().unwrap_or_default();
    const ENDS: [&str; 8] = [
        ".br", ".com", ".net", ".org", ".example", ".app", ".io", ".gov",
    ];
    host.split('.').all(|label| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    }) && ENDS.iter().any(|end| host.to_lowercase().ends_with(end))
}

/// "credora.com.br": "credora ponto com ponto bê érre". The scheme and "www" are not said.
fn url(core: &str) -> String {
    let bare = core
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    let bare = bare
        .strip_prefix("www.")
        .unwrap_or(bare)
        .trim_end_matches('/');
    let parts = bare.split('/').map(host);
    parts.collect::<Vec<_>>().join(" barra ")
}

fn host(text: &str) -> String {
    text.split('.')
        .map(label)
        .collect::<Vec<_>>()
        .join(" ponto ")
}

/// A word of an address: as a word, or by its letters where it has no vowel or is a country.
fn label(text: &str) -> String {
    if text.contains(['-', '_']) {
        let name = |sign| {
            if sign == '-' {
                " traço "
            } else {
                " sublinhado "
            }
        };
        let sign = text
            .find(['-', '_'])
            .and_then(|at| text[at..].chars().next());
        return sign.map_or_else(String::new, |sign| {
            text.split(sign)
                .map(label)
                .collect::<Vec<_>>()
                .join(name(sign))
        });
    }
    let lower = text.to_lowercase();
    let vowels = lower.contains(|c| "aeiou".contains(c));
    let split = lower.find(|c: char| c.is_ascii_digit());
    match split {
        Some(0) => {
            let end = lower
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(lower.len());
            let rest = label(&lower[end..]);
            format!("{} {rest}", digits(&lower[..end]))
                .trim_end()
                .to_owned()
        }
        Some(at) => format!("{} {}", label(&lower[..at]), label(&lower[at..])),
        None if lower.is_empty() => lower,
        None if vowels => lower,
        None => lower
            .chars()
            .filter_map(letter)
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// "bia.lima@credora.com.br": "bia ponto lima arroba credora ponto com ponto bê érre".
fn address(core: &str) -> Option<String> {
    let (local, domain) = core.split_once('@')?;
    if local.is_empty() || domain.is_empty() || domain.contains('@') {
        return (core == "@").then(|| "arroba".to_owned());
    }
    Some(format!("{} arroba {}", host(local), host(domain)))
}
