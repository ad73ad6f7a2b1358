//! The part of a word that its relatives share: "parcelamento", "parcelinhas" and "parcelar" are all `parcel`.
//!
//! A light stemmer in the manner of Orengo and Huyck (RSLP, 2001), cut down to what telephone talk needs. What has
//! happened and what will happen stay apart: "quitei" and "quitar" are no relatives here.

use super::text::fold;

/// Endings of what has happened.
const PAST: [&str; 12] = [
    "aram", "eram", "iram", "aste", "este", "iste", "amos", "imos", "ei", "ou", "eu", "iu",
];
/// Other endings, longer ones before those they contain.
const OTHERS: [&str; 63] = [
    "amentos", "imentos", "amento", "imento", "adores", "adoras", "zinhos", "zinhas", "ariam",
    "eriam", "assem", "essem", "adora", "acoes", "zinho", "zinha", "inhos", "inhas", "aria",
    "eria", "iria", "asse", "esse", "isse", "ando", "endo", "indo", "acao", "ador", "inho", "inha",
    "ados", "adas", "idos", "idas", "avam", "arem", "erem", "irem", "ava", "ada", "ado", "ida",
    "ido", "ara", "era", "ira", "ias", "iam", "ar", "er", "ir", "am", "em", "as", "es", "os", "ia",
    "a", "e", "o", "s", "m",
];
/// A shorter stem is shared by strangers.
const SHORTEST: usize = 4;

/// The stem, with a mark if the word tells what has happened; `None` for short words.
pub fn stem(word: &str) -> Option<String> {
    let folded = fold(word);
    let cut = |endings: &[&str]| {
        endings.iter().find_map(|ending| {
            folded
                .strip_suffix(ending)
                .filter(|stem| stem.len() >= SHORTEST && stem.is_ascii())
                .map(String::from)
        })
    };
    if let Some(stem) = cut(&PAST) {
        return Some(stem + "+");
    }
    cut(&OTHERS).or_else(|| (folded.len() > SHORTEST && folded.is_ascii()).then_some(folded))
}
