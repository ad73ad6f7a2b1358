//! What it costs the parser of free text to leave a word out.

use super::text;

/// A word that turns the meaning round, one that carries it, one that joins, one that fills.
pub const NEGATION: f32 = 2.0;
pub const CONTENT: f32 = 1.0;
pub const SMALL_WORD: f32 = 0.4;
pub const FILLER: f32 = 0.1;

/// Words that people put between others and that say nothing.
const FILLERS: [&str; 71] = [
    "e",
    "entao",
    "assim",
    "bom",
    "bem",
    "olha",
    "olhe",
    "ah",
    "uai",
    "che",
    "tche",
    "oxe",
    "oxente",
    "bah",
    "ue",
    "egua",
    "favor",
    "por",
    "ne",
    "viu",
    "o",
    "ai",
    "la",
    "tipo",
    "ahn",
    "hum",
    "eh",
    "moca",
    "dona",
    "senhora",
    "senhor",
    "filha",
    "filho",
    "querida",
    "querido",
    "ta",
    "mas",
    "que",
    "pois",
    "mano",
    "cara",
    "menina",
    "amiga",
    "amigo",
    "gente",
    "nossa",
    "so",
    "ja",
    "sabe",
    "entendeu",
    "certo",
    "veja",
    "escuta",
    "hein",
    "porque",
    "a",
    "ha",
    "ham",
    "digo",
    "alias",
    "desculpa",
    "ora",
    "infelizmente",
    "sinceramente",
    "realmente",
    "meio",
    "ih",
    "eita",
    "vixe",
    "rapaz",
    "opa",
];
/// Words that join, and verbs that only tell how the next one is meant.
const SMALL: [&str; 76] = [
    "eu", "me", "se", "de", "da", "do", "das", "dos", "pra", "pro", "em", "no", "na", "nos", "nas",
    "os", "as", "um", "com", "meu", "minha", "isso", "esse", "essa", "isto", "este", "esta",
    "aqui", "ce", "ele", "ela", "te", "lhe", "to", "vou", "sim", "mesmo", "muito", "tudo", "mais",
    "ser", "agora", "ainda", "tambem", "ver", "quero", "queria", "gostaria", "pode", "poderia",
    "posso", "podia", "consigo", "tem", "tinha", "tenho", "da", "ia", "vai", "foi", "era", "saber",
    "falar", "estar", "estava", "tava", "ter", "fazer", "como", "onde", "coisa", "negocio",
    "aquele", "aquela", "outra", "outro",
];
const NEGATIONS: [&str; 6] = ["nao", "nunca", "nem", "jamais", "nada", "sem"];

/// Turns of phrase that fill a pause; each word of them is a filler.
const PHRASES: [&str; 40] = [
    "vou te falar",
    "vou lhe falar",
    "vou te dizer",
    "deixa eu te falar",
    "deixa eu falar",
    "vou ser sincero",
    "vou ser sincera",
    "vou ser honesto",
    "pra ser sincero",
    "sendo sincero",
    "sendo bem sincero",
    "pra falar a verdade",
    "na verdade",
    "e o seguinte",
    "o negocio e que",
    "a verdade e que",
    "o problema e que",
    "acontece que",
    "e que",
    "pelo amor de deus",
    "por gentileza",
    "faz favor",
    "faz o favor",
    "meu deus",
    "meu deus do ceu",
    "deus me livre",
    "nossa senhora",
    "minha filha",
    "meu filho",
    "meu amor",
    "meu bem",
    "minha querida",
    "ce sabe",
    "sabe como e",
    "com todo respeito",
    "se deus quiser",
    "gracas a deus",
    "no caso",
    "de boa",
    "tipo assim",
];

/// The price of each word of a sentence.
pub fn prices(words: &[String]) -> Vec<f32> {
    let keys: Vec<String> = words.iter().map(|word| text::key(word)).collect();
    let mut prices: Vec<f32> = keys.iter().map(|key| price(key)).collect();
    let mut denied = false;
    for position in 0..keys.len() {
        let negation = prices[position] == NEGATION;
        let last = position + 1 == keys.len();
        // "não tenho não": the second only underlines the first. "eu eu quero": a word begun twice.
        let again =
            position > 0 && keys[position] == keys[position - 1] && !is_number(&keys[position]);
        if negation && denied && last || again {
            prices[position] = FILLER;
        }
        denied |= negation;
    }
    for phrase in PHRASES {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        for start in 0..(keys.len() + 1).saturating_sub(phrase.len()) {
            let here = &keys[start..start + phrase.len()];
            if here.iter().zip(&phrase).all(|(key, word)| key == word) {
                prices[start..start + phrase.len()].fill(FILLER);
            }
        }
    }
    prices
}

/// Whether leaving the word out turns the meaning round.
pub fn denies(word: &str) -> bool {
    price(&text::key(word)) == NEGATION
}

fn price(key: &str) -> f32 {
    let one_of = |list: &[&str]| list.contains(&key);
    if one_of(&NEGATIONS) {
        NEGATION
    } else if one_of(&FILLERS) {
        FILLER
    } else if one_of(&SMALL) {
        SMALL_WORD
    } else {
        CONTENT
    }
}

/// Digits said twice are two digits.
fn is_number(key: &str) -> bool {
    const DIGITS: [&str; 11] = [
        "zero", "um", "dois", "tres", "quatro", "cinco", "seis", "meia", "sete", "oito", "nove",
    ];
    DIGITS.contains(&key)
}
