//! `combinado inspect CODE`: what a code is and whether it is right, field by field.

mod read;

use std::fmt::Write as _;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Exit, Output};
use crate::base::{Centavos, Date};

pub use read::inspect;

/// Diz o que é um código (linha digitável, código de barras, Pix, CPF, CNPJ, telefone) e se está certo.
/// Tells what a payment or identity code is and whether it is valid.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// O código, com ou sem pontos e espaços. The code, with or without punctuation.
    #[arg(required = true, num_args = 1.., allow_hyphen_values = true)]
    pub code: Vec<String>,
    /// Lê o código como este tipo, sem adivinhar. Reads it as this kind instead of guessing.
    #[arg(long = "as", value_enum)]
    pub kind: Option<Kind>,
    /// Dia da leitura, para o fator de vencimento (padrão: hoje). Day of reading, for the due-date factor.
    #[arg(long, value_name = "AAAA-MM-DD")]
    pub today: Option<Date>,
}

/// What a code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Boleto,
    Arrecadacao,
    Pix,
    Cpf,
    Cnpj,
    Phone,
    #[value(skip)]
    Unknown,
}

/// What was found out about a code.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Inspection {
    pub kind: Kind,
    pub valid: bool,
    #[serde(serialize_with = "as_map")]
    pub fields: Vec<(&'static str, Value)>,
    pub errors: Vec<FieldError>,
}

/// One thing that is wrong, in Portuguese.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

/// 0 when the code is valid, 4 when something is wrong with it.
#[expect(
    clippy::disallowed_methods,
    reason = "today is read from the clock where none is given"
)]
pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    let today = args.today.unwrap_or_else(|| jiff::Zoned::now().date());
    let inspection = inspect(&args.code.join(" "), args.kind, today);
    out.record(&inspection, || inspection.describe());
    Ok(if inspection.valid {
        Exit::Ok
    } else {
        Exit::Findings
    })
}

impl Inspection {
    /// For people.
    pub fn describe(&self) -> String {
        let verdict = if self.valid { "válido" } else { "INVÁLIDO" };
        let mut text = format!("{}: {verdict}", self.kind.name());
        for (name, value) in &self.fields {
            if let Some(shown) = shown(name, value) {
                let _ = write!(text, "\n  {:<22} {shown}", label(name));
            }
        }
        for error in &self.errors {
            let _ = write!(text, "\n  ✗ {}: {}", error.field, error.message);
        }
        text
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Boleto => "Boleto bancário",
            Self::Arrecadacao => "Conta de arrecadação",
            Self::Pix => "Pix copia e cola",
            Self::Cpf => "CPF",
            Self::Cnpj => "CNPJ",
            Self::Phone => "Telefone",
            Self::Unknown => "Código desconhecido",
        }
    }
}

fn shown(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Number(centavos) if name.ends_with("_centavos") => {
            centavos.as_i64().map(|n| Centavos(n).to_string())
        }
        Value::Bool(value) => Some(if *value { "sim" } else { "não" }.to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => Some(
            values
                .iter()
                .filter_map(|value| shown(name, value))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        other => Some(other.to_string()),
    }
}

/// The Portuguese name of a field.
fn label(name: &str) -> &str {
    match name {
        "bank" => "banco",
        "amount_centavos" => "valor",
        "due" => "vencimento",
        "due_candidates" => "vencimentos possíveis",
        "factor" => "fator de vencimento",
        "campo_livre" => "campo livre",
        "nosso_numero" => "nosso número",
        "line" => "linha digitável",
        "formatted_line" => "linha impressa",
        "barcode" => "código de barras",
        "segment" => "segmento",
        "segment_name" => "setor",
        "identifier" => "identificador",
        "reference_value" => "valor de referência",
        "company" => "empresa",
        "free_field" => "campo do emissor",
        "type" => "tipo",
        "key" => "chave",
        "key_type" => "tipo da chave",
        "location" => "endereço",
        "single_use" => "pagamento único",
        "name" => "recebedor",
        "city" => "cidade",
        "postal_code" => "CEP",
        "info" => "informação",
        "category" => "categoria",
        "digits" => "só os dígitos",
        "formatted" => "como se escreve",
        "root" => "raiz",
        "alphanumeric" => "com letras",
        "e164" => "internacional",
        "ddd" => "DDD",
        "uf" => "UF",
        "time_zone" => "fuso horário",
        "corrected" => "nono dígito posto",
        other => other,
    }
}

fn as_map<S: Serializer>(
    fields: &[(&'static str, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(fields.len()))?;
    for (name, value) in fields {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

#[cfg(test)]
mod tests;
