//! The variables of prompts and messages: of what type each is, who may hear it, and from when on there is one.

use crate::mind::known::Known;

/// What a variable is. Each type has one way to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Reais and centavos.
    Money,
    /// A day, with or without its weekday.
    Date,
    /// A number of things, with or without their name.
    Count,
    /// Per cent.
    Rate,
    /// Digits said one by one.
    Digits,
    /// An hour of the day.
    Hour,
}

/// A variable of prompts.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    pub kind: Kind,
    /// What must have happened before there is a value.
    pub after: Known,
    /// A value of ordinary length, for counting seconds.
    pub example: &'static str,
}

macro_rules! variables {
    ($($name:ident: $kind:ident, $after:expr, $example:literal;)*) => {
        &[$(Variable { name: stringify!($name), kind: Kind::$kind, after: $after, example: $example },)*]
    };
}

const NOTHING: Known = Known::NOTHING;
const OFFERS: Known = Known::OFFERS;
const CHOSEN: Known = Known::CHOSEN;

/// Every variable that a prompt may hold.
pub const SPOKEN: &[Variable] = variables! {
    saudacao: Text, NOTHING, "Boa tarde";
    bot: Text, NOTHING, "Ana";
    marca: Text, NOTHING, "Credora Exemplo";
    nome: Text, NOTHING, "Maria Clara";
    telefone_oficial: Digits, NOTHING, "zero oitocentos, sete dois dois, um dois três quatro";
    canal_oficial: Text, NOTHING, "site da Credora Exemplo";
    protocolo: Digits, NOTHING, "um dois três quatro, cinco seis sete oito";
    bom_periodo: Text, NOTHING, "uma boa tarde";
    h_ini: Hour, NOTHING, "oito da manhã";
    h_fim: Hour, NOTHING, "oito da noite";
    destino: Digits, NOTHING, "o número de final quatro três dois um";
    quando: Date, Known::WHEN, "terça-feira, dez de dezembro, às duas da tarde";
    credor: Text, OFFERS, "Credora Exemplo";
    descricao: Text, OFFERS, "a fatura de internet de outubro";
    data_vencimento: Date, OFFERS, "dez de outubro";
    v_original: Money, OFFERS, "mil duzentos e trinta e quatro reais";
    v_multa: Money, OFFERS, "vinte e quatro reais";
    v_juros: Money, OFFERS, "dezessete reais";
    v_total: Money, OFFERS, "mil duzentos e setenta reais";
    taxa_multa: Rate, OFFERS, "dois por cento";
    taxa_juros: Rate, OFFERS, "um por cento ao mês";
    dias_atraso: Count, OFFERS, "quarenta e dois dias";
    v_oferta: Money, OFFERS, "mil duzentos e trinta e quatro reais";
    v_desconto: Money, OFFERS, "quarenta e um reais";
    data_limite: Date, OFFERS, "dez de dezembro";
    opcoes: Text, OFFERS, "duas de seiscentos reais, ou três de quatrocentos reais";
    exemplo_parcelas: Count, OFFERS, "três vezes";
    exemplo_dia: Date, OFFERS, "dia trinta";
    n_contratos: Count, OFFERS, "duas";
    parcelas_max: Count, OFFERS, "seis parcelas";
    cet: Rate, CHOSEN, "vinte e seis vírgula setenta e cinco por cento ao ano";
    plano: Text, CHOSEN, "seis de duzentos e seis reais";
    v_acordo: Money, CHOSEN, "mil duzentos e trinta e quatro reais";
    data_acordo: Date, CHOSEN, "quinta-feira, dez de dezembro";
    data_pedida: Date, Known::DAY_ASKED, "sábado, cinco de dezembro";
    dia_pedido: Date, Known::DAY_ASKED, "dia cinco de dezembro";
    porque_nao: Text, Known::DAY_ASKED, "cai num sábado";
    data_proposta: Date, Known::DAY_PROPOSED, "segunda-feira, sete de dezembro";
    v_min: Text, Known::NEAREST, "seis de duzentos e seis reais";
    meio: Text, Known::MEANS, "boleto";
    outro_meio: Text, Known::MEANS, "Pix";
};

/// What a message to somebody who was not verified may hold.
pub const WRITTEN_PUBLIC: &[&str] = &["marca", "nome", "canal", "protocolo", "data"];

/// What a message or page holds of the debt: only after the agreement was written, to the debtor's own address.
pub const WRITTEN_DEBT: &[&str] = &[
    "valor",
    "vencimento",
    "codigo",
    "parcelas",
    "credor",
    "total",
];

/// The variable of this name.
pub fn variable(name: &str) -> Option<&'static Variable> {
    SPOKEN.iter().find(|variable| variable.name == name)
}

/// Whether a figure of an offer: what is said of it binds the creditor.
pub fn is_offer(name: &str) -> bool {
    matches!(
        name,
        "v_oferta" | "v_desconto" | "opcoes" | "v_min" | "plano" | "v_acordo" | "exemplo_parcelas"
    )
}

/// Whether an amount of the debt: the law wants its parts and the creditor named first.
pub fn is_amount(name: &str) -> bool {
    variable(name).is_some_and(|variable| variable.kind == Kind::Money)
        || matches!(name, "opcoes" | "plano" | "v_min")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_stands_once_and_its_example_is_words() {
        for (at, variable) in SPOKEN.iter().enumerate() {
            assert!(
                SPOKEN[at + 1..]
                    .iter()
                    .all(|other| other.name != variable.name),
                "{}",
                variable.name
            );
            assert!(
                !variable.example.chars().any(|c| c.is_ascii_digit()),
                "{}",
                variable.name
            );
        }
    }
}
