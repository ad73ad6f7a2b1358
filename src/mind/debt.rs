//! Who owes what to whom: the facts a negotiation starts from.

use serde::{Deserialize, Serialize};

use crate::base::{BasisPoints, Centavos, Cnpj, Cpf, Date, DebtorId, Phone, Uf, calendar, fold};

/// A person who owes, with every contract of one creditor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debtor {
    pub id: DebtorId,
    /// As registered.
    pub name: String,
    /// The name the person goes by; it is used wherever one speaks to or of the person.
    #[serde(default)]
    pub social_name: Option<String>,
    pub cpf: Cpf,
    #[serde(default)]
    pub birth: Option<Date>,
    /// The best number first.
    pub phones: Vec<Phone>,
    pub uf: Uf,
    #[serde(default)]
    pub email: Option<String>,
    pub creditor: Creditor,
    /// How likely a payment is, 0 to 100, where somebody has computed it.
    #[serde(default)]
    pub score: Option<u8>,
    pub contracts: Vec<Contract>,
}

/// Whose money it is, and how the person can make sure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Creditor {
    /// Named to the verified debtor only.
    pub name: String,
    /// Named to anybody who answers; it must not tell that there is a debt.
    pub brand: String,
    pub cnpj: Cnpj,
    /// As it is spoken: "zero oitocentos, sete dois dois, um dois três quatro".
    pub official_phone: String,
    /// As it is spoken: "site da Credora".
    pub official_channel: String,
    /// Printed on every document of collection (CDC art. 42-A).
    pub address: String,
}

/// One overdue bill or instalment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    pub number: String,
    /// As it is spoken: "a fatura de internet de outubro".
    pub description: String,
    pub principal: Centavos,
    pub due: Date,
    /// Fine, once, from the first day of delay. At most 200 for a consumer (CDC art. 52 §1).
    pub multa: BasisPoints,
    /// Interest for delay per month, simple.
    pub juros_month: BasisPoints,
    #[serde(default)]
    pub juros_basis: JurosBasis,
    /// Correction accumulated by an index since the due date, from the operator's table; the project invents none.
    #[serde(default)]
    pub correcao: BasisPoints,
    /// Years until the claim can no longer be collected.
    #[serde(default = "five_years")]
    pub prescription_years: i16,
}

/// How a monthly rate becomes a daily one.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JurosBasis {
    /// 1/30 of the monthly rate a day.
    #[default]
    MonthOf30,
    /// 12/365 of the monthly rate a day.
    YearOf365,
    /// 1/30, cut to three decimals of a per cent: 1 % a month is 0,033 % a day.
    DailyCut,
}

const fn five_years() -> i16 {
    5
}

impl Debtor {
    /// The name to be spoken: of the social name where there is one.
    pub fn spoken_name(&self) -> String {
        first_name(self.social_name.as_deref().unwrap_or(&self.name))
    }

    /// Contracts that may be collected on `today`.
    pub fn collectable(&self, today: Date) -> impl Iterator<Item = &Contract> {
        self.contracts
            .iter()
            .filter(move |contract| !contract.is_prescribed(today))
    }
}

impl Contract {
    /// Whether the term has ended: `today > due + years`, each instalment for itself (Civil Code arts. 206, 132 §3).
    pub fn is_prescribed(&self, today: Date) -> bool {
        today > calendar::add_years(self.due, self.prescription_years)
    }

    /// The last four digits or letters, by which a contract is named aloud.
    pub fn tail(&self) -> String {
        let characters: Vec<char> = self
            .number
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        characters[characters.len().saturating_sub(4)..]
            .iter()
            .collect()
    }
}

/// Logs may carry the identity of a debtor, never the debtor.
impl std::fmt::Debug for Debtor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Debtor")
            .field("id", &self.id)
            .field("contracts", &self.contracts.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract")
            .field("principal", &self.principal)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

/// First names that often stand before a second one.
const LEADING: &[&str] = &[
    "ana",
    "andre",
    "antonio",
    "carlos",
    "davi",
    "fernando",
    "francisco",
    "gabriel",
    "joao",
    "jorge",
    "jose",
    "julio",
    "luis",
    "luisa",
    "luiz",
    "luiza",
    "marco",
    "marcos",
    "maria",
    "mario",
    "miguel",
    "paulo",
    "pedro",
    "rita",
    "sergio",
    "vitor",
    "victor",
];
/// Second names that make a compound with them. Those that are as common as surnames are left out.
const FOLLOWING: &[&str] = &[
    "alberto",
    "alessandra",
    "alice",
    "amelia",
    "antonia",
    "antonio",
    "aparecida",
    "augusto",
    "beatriz",
    "carla",
    "carlos",
    "carolina",
    "cecilia",
    "cesar",
    "clara",
    "claudia",
    "claudio",
    "cristina",
    "daniel",
    "eduarda",
    "eduardo",
    "elena",
    "elisa",
    "emanuel",
    "fabio",
    "felipe",
    "fernanda",
    "fernando",
    "flavia",
    "francisco",
    "gabriel",
    "gabriela",
    "guilherme",
    "gustavo",
    "helena",
    "heloisa",
    "henrique",
    "hugo",
    "isabel",
    "jose",
    "julia",
    "juliana",
    "laura",
    "leonardo",
    "leticia",
    "lucas",
    "lucia",
    "luis",
    "luisa",
    "luiz",
    "luiza",
    "manoel",
    "manuel",
    "marcelo",
    "marcia",
    "marcos",
    "maria",
    "mario",
    "mateus",
    "matheus",
    "mauricio",
    "miguel",
    "otavio",
    "patricia",
    "paula",
    "paulo",
    "pedro",
    "rafael",
    "renato",
    "ricardo",
    "roberto",
    "rodrigo",
    "rogerio",
    "sergio",
    "silvia",
    "sofia",
    "teresa",
    "tereza",
    "valentina",
    "vicente",
    "victor",
    "vitor",
    "vitoria",
];
/// Names of devotion after "Maria de", "Maria das"…
const DEVOTIONS: &[&str] = &[
    "ajuda",
    "carmo",
    "conceicao",
    "dores",
    "fatima",
    "gloria",
    "gracas",
    "gloria",
    "jesus",
    "lourdes",
    "luz",
    "nazare",
    "neves",
    "penha",
    "perpetuo",
    "rosario",
    "socorro",
    "vitoria",
];
const PARTICLES: &[&str] = &["da", "das", "de", "do", "dos", "e"];

/// The name by which a person is addressed: the first, and a second that makes a compound with it (Maria Clara, João
/// Pedro, Maria de Lourdes). Names all in capitals are put in order.
pub fn first_name(full: &str) -> String {
    let words: Vec<&str> = full.split_whitespace().collect();
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    let is = |at: usize, list: &[&str]| {
        folded
            .get(at)
            .is_some_and(|word| list.contains(&word.as_str()))
    };
    let length = if is(0, LEADING) && is(1, FOLLOWING) {
        2
    } else if folded.first().is_some_and(|word| word == "maria")
        && is(1, PARTICLES)
        && is(2, DEVOTIONS)
    {
        3
    } else {
        1
    };
    let kept: Vec<String> = words
        .iter()
        .take(length)
        .map(|word| capitalised(word))
        .collect();
    kept.join(" ")
}

/// A name as it is written: "JOÃO" and "joão" become "João", "DE" becomes "de", and "McDonald" stays.
fn capitalised(word: &str) -> String {
    let lower = word.to_lowercase();
    if PARTICLES.contains(&lower.as_str()) {
        return lower;
    }
    if word != word.to_uppercase() && word != lower {
        return word.to_owned();
    }
    let mut letters = lower.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn compound_first_names_are_kept() {
        for (full, first) in [
            ("Ana Souza", "Ana"),
            ("Ana Paula Ferreira", "Ana Paula"),
            ("MARIA CLARA DOS SANTOS", "Maria Clara"),
            ("João Pedro da Silva", "João Pedro"),
            ("joão da silva", "João"),
            ("Maria de Lourdes Pereira", "Maria de Lourdes"),
            ("MARIA DAS GRAÇAS LIMA", "Maria das Graças"),
            ("Maria da Silva", "Maria"),
            ("Luiz Antônio Rosa", "Luiz Antônio"),
            ("Rosângela Batista", "Rosângela"),
            ("", ""),
        ] {
            assert_eq!(first_name(full), first, "{full}");
        }
    }

    #[test]
    fn a_claim_ends_after_its_years() {
        let contract = |due| Contract {
            number: "98764321".to_owned(),
            description: String::new(),
            principal: Centavos(100),
            due,
            multa: BasisPoints(200),
            juros_month: BasisPoints(100),
            juros_basis: JurosBasis::default(),
            correcao: BasisPoints::ZERO,
            prescription_years: 5,
        };
        let today = date(2026, 11, 21);
        assert!(contract(date(2021, 11, 20)).is_prescribed(today));
        assert!(!contract(date(2021, 11, 21)).is_prescribed(today));
        assert!(!contract(date(2020, 2, 29)).is_prescribed(date(2025, 3, 1)));
        assert!(contract(date(2020, 2, 29)).is_prescribed(date(2025, 3, 2)));
        assert_eq!(contract(today).tail(), "4321");
    }
}
