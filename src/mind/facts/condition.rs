//! Conditions of routes on typed facts: `tem_parcelas`, `não identificado`, `v_total > R$ 500,00`, `canal = email`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::Centavos;

/// What a route asks before it is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Condition {
    /// Something is so, or (`false`) is not.
    Flag(Flag, bool),
    Money(MoneyFact, Order, Centavos),
    Count(CountFact, Order, u32),
    /// What was said in a slot of the last answer.
    Slot(TextSlot, String),
}

macro_rules! names {
    ($(#[$meta:meta])* $enum:ident { $($(#[$note:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $enum { $($(#[$note])* $variant,)* }

        impl $enum {
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

names! {
    /// Facts that hold or do not.
    Flag {
        /// The policy has a better cash offer than the last one named.
        TemMelhora = "tem_melhora",
        /// The policy allows instalments.
        TemParcelas = "tem_parcelas",
        /// A person can take the call now.
        TemHumano = "tem_humano",
        /// The person on the line was verified.
        Identificado = "identificado",
        /// An agreement was closed in this call.
        TemAcordo = "tem_acordo",
        /// Something was chosen already.
        TemEscolha = "tem_escolha",
        /// What was chosen has an effective cost that the law wants told.
        TemCet = "tem_cet",
        /// There is an address for e-mail on file.
        TemEmail = "tem_email",
        /// The last answer named a day.
        DisseDia = "disse_dia",
        /// The last answer named an hour.
        DisseHora = "disse_hora",
        /// The last answer named an amount.
        DisseValor = "disse_valor",
        /// The last answer named a number of instalments.
        DisseParcelas = "disse_parcelas",
        /// The last answer named a telephone number.
        DisseTelefone = "disse_telefone",
    }
}

names! {
    /// Amounts that can be compared.
    MoneyFact {
        Original = "v_original",
        Total = "v_total",
        Oferta = "v_oferta",
        Desconto = "v_desconto",
        Acordo = "v_acordo",
    }
}

names! {
    /// Numbers that can be compared.
    CountFact {
        /// Contracts that are negotiated.
        Contratos = "n_contratos",
        /// The most instalments that the policy allows.
        ParcelasMax = "parcelas_max",
        /// Days of delay of the oldest contract.
        DiasAtraso = "dias_atraso",
        /// How often the present state was entered.
        Visitas = "visitas",
        /// Repairs so far.
        Reparos = "reparos",
    }
}

names! {
    /// Slots that hold one of some words.
    TextSlot {
        Canal = "canal",
        Meio = "meio",
        Parentesco = "parentesco",
        Quando = "quando",
        Opcao = "opcao",
    }
}

names! {
    /// How two values compare.
    Order {
        Below = "<",
        AtMost = "<=",
        Equal = "=",
        AtLeast = ">=",
        Above = ">",
    }
}

impl Order {
    pub fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Below => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::AtLeast => left >= right,
            Self::Above => left > right,
        }
    }
}

/// Why a condition cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionError {
    #[error("the fact `{0}` does not exist")]
    Unknown(String),
    #[error("`{fact}` is {kind}, and cannot be compared with `{value}`")]
    Type {
        fact: String,
        kind: &'static str,
        value: String,
    },
    #[error("`{0}` holds or does not; it is not compared")]
    Compared(String),
    #[error("`{0}` is compared with nothing")]
    Bare(String),
}

impl ConditionError {
    /// What to write instead.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unknown(_) => "the facts stand in docs/script.md".to_owned(),
            Self::Type { kind, .. } => match *kind {
                "money" => "write the amount so: v_total > R$ 500,00".to_owned(),
                "a number" => "write a whole number: parcelas_max >= 6".to_owned(),
                _ => "write a word: canal = email".to_owned(),
            },
            Self::Compared(flag) => format!("write `{flag}` or `não {flag}`"),
            Self::Bare(fact) => format!("write {fact} with <, <=, =, >= or > and a value"),
        }
    }
}

impl Condition {
    /// Every fact that a condition may name.
    pub fn facts() -> impl Iterator<Item = &'static str> {
        Flag::NAMES
            .iter()
            .chain(MoneyFact::NAMES)
            .chain(CountFact::NAMES)
            .chain(TextSlot::NAMES)
            .copied()
    }

    /// Reads `fact`, `não fact`, or `fact < value` with `<`, `<=`, `=`, `>=`, `>`.
    ///
    /// # Errors
    /// A fact that does not exist, or one that is of another type than what it is compared with.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let text = text.trim();
        let Some((at, order)) = comparison(text) else {
            let (name, wanted) = match text.strip_prefix("não ").or(text.strip_prefix("nao ")) {
                Some(name) => (name.trim(), false),
                None => (text, true),
            };
            return match Flag::named(name) {
                Some(flag) => Ok(Self::Flag(flag, wanted)),
                None if Self::facts().any(|fact| fact == name) => {
                    Err(ConditionError::Bare(name.to_owned()))
                }
                None => Err(ConditionError::Unknown(name.to_owned())),
            };
        };
        let (fact, value) = (text[..at].trim(), text[at + order.name().len()..].trim());
        let mistyped = |kind| ConditionError::Type {
            fact: fact.to_owned(),
            kind,
            value: value.to_owned(),
        };
        if let Some(fact) = MoneyFact::named(fact) {
            let amount = value
                .starts_with("R$")
                .then(|| value.parse().ok())
                .flatten();
            return amount
                .map(|amount| Self::Money(fact, order, amount))
                .ok_or_else(|| mistyped("money"));
        }
        if let Some(fact) = CountFact::named(fact) {
            return value
                .parse()
                .map(|n| Self::Count(fact, order, n))
                .map_err(|_| mistyped("a number"));
        }
        if let Some(slot) = TextSlot::named(fact) {
            let word = !value.is_empty() && value.chars().all(|c| c.is_alphabetic() || c == '-');
            return match (order, word) {
                (Order::Equal, true) => Ok(Self::Slot(slot, value.to_owned())),
                _ => Err(mistyped("a word")),
            };
        }
        Err(match Flag::named(fact) {
            Some(_) => ConditionError::Compared(fact.to_owned()),
            None => ConditionError::Unknown(fact.to_owned()),
        })
    }
}

/// The first comparison in a text: where, and which.
fn comparison(text: &str) -> Option<(usize, Order)> {
    let at = text.find(['<', '>', '='])?;
    let two = text.get(at..at + 2).and_then(Order::named);
    two.or_else(|| text.get(at..=at).and_then(Order::named))
        .map(|order| (at, order))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag, true) => f.write_str(flag.name()),
            Self::Flag(flag, false) => write!(f, "não {}", flag.name()),
            Self::Money(fact, order, amount) => {
                write!(f, "{} {} {amount}", fact.name(), order.name())
            }
            Self::Count(fact, order, n) => write!(f, "{} {} {n}", fact.name(), order.name()),
            Self::Slot(slot, word) => write!(f, "{} = {word}", slot.name()),
        }
    }
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;

    fn try_from(text: String) -> Result<Self, ConditionError> {
        Self::parse(&text)
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_by_type_and_written_again() {
        for text in [
            "tem_parcelas",
            "não identificado",
            "v_total > R$ 500,00",
            "parcelas_max >= 6",
            "dias_atraso <= 90",
            "canal = email",
        ] {
            let read = Condition::parse(text).expect(text);
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_a_remedy() {
        for (text, part) in [
            ("tem_parcela", "does not exist"),
            ("v_total", "compared with nothing"),
            ("v_total > 500", "is money"),
            ("parcelas_max > muitas", "is a number"),
            ("canal > email", "is a word"),
            ("identificado = 1", "not compared"),
            ("", "does not exist"),
            ("v_total > R$ quinhentos", "is money"),
        ] {
            let error = Condition::parse(text).expect_err(text);
            assert!(error.to_string().contains(part), "{text}: {error}");
            assert!(!error.remedy().is_empty());
        }
    }
}
