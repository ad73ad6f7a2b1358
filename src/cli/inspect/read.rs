//! Telling codes apart, and reading each.

use serde_json::{Value, json};

use super::{FieldError, Inspection, Kind};
use crate::base::boleto::{self, Arrecadacao, Boleto, Due, Family, Fault, Slip};
use crate::base::pix::{self, Target, Uses};
use crate::base::{Cnpj, Cpf, Date, NinthDigit, Phone, PhoneError, PhoneKind};

type Fields = Vec<(&'static str, Value)>;

/// Reads `code`, as `kind` or as what it most likely is. `today` tells which cycle a due-date factor belongs to.
pub fn inspect(code: &str, kind: Option<Kind>, today: Date) -> Inspection {
    let code = code.trim();
    match kind.unwrap_or_else(|| guess(code)) {
        Kind::Boleto | Kind::Arrecadacao => read_slip(code, today),
        Kind::Pix => read_pix(code),
        Kind::Cpf => read_cpf(code),
        Kind::Cnpj => read_cnpj(code),
        Kind::Phone => read_phone(code),
        Kind::Unknown => {
            let message = "não é boleto, Pix, CPF, CNPJ nem telefone".to_owned();
            let errors = vec![FieldError {
                field: "codigo".to_owned(),
                message,
            }];
            Inspection {
                kind: Kind::Unknown,
                valid: false,
                fields: Vec::new(),
                errors,
            }
        }
    }
}

fn guess(code: &str) -> Kind {
    if code.starts_with("000201") || code.to_ascii_lowercase().contains("br.gov.bcb.pix") {
        return Kind::Pix;
    }
    let bare: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let digits = bare.bytes().filter(u8::is_ascii_digit).count();
    let punctuated = code
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || " .-/()+\u{a0}\t".contains(c));
    match (bare.len(), digits == bare.len()) {
        _ if !punctuated => Kind::Unknown,
        _ if code.starts_with('+') => Kind::Phone,
        (40..=50, true) => match boleto::family(code) {
            Family::Bank => Kind::Boleto,
            Family::Arrecadacao => Kind::Arrecadacao,
        },
        (11, true) => guess_eleven(code),
        (14, true) if Cnpj::parse(code).is_err() && Phone::parse(code).is_ok() => Kind::Phone,
        (14, _) => Kind::Cnpj,
        // One letter among so many digits is a slip of the pen.
        (11, false) if digits >= 9 => Kind::Cpf,
        (3..=13, true) => Kind::Phone,
        _ => Kind::Unknown,
    }
}

/// Eleven digits are a CPF or a mobile; the check digits tell, and then the punctuation.
fn guess_eleven(code: &str) -> Kind {
    let dialled = code.contains('(') || code.starts_with('0') && code.contains(' ');
    match (Cpf::parse(code), Phone::parse(code)) {
        (Ok(_), _) if !dialled => Kind::Cpf,
        (_, Ok(_)) => Kind::Phone,
        (_, Err(PhoneError::NonGeographic)) => Kind::Phone,
        _ if dialled => Kind::Phone,
        _ => Kind::Cpf,
    }
}

fn right(kind: Kind, fields: Fields) -> Inspection {
    Inspection {
        kind,
        valid: true,
        fields,
        errors: Vec::new(),
    }
}

fn wrong(kind: Kind, errors: Vec<FieldError>) -> Inspection {
    Inspection {
        kind,
        valid: false,
        fields: Vec::new(),
        errors,
    }
}

fn one(kind: Kind, field: &str, error: &impl ToString) -> Inspection {
    wrong(
        kind,
        vec![FieldError {
            field: field.to_owned(),
            message: error.to_string(),
        }],
    )
}

fn read_slip(code: &str, today: Date) -> Inspection {
    match boleto::parse(code) {
        Ok(Slip::Bank(boleto)) => right(Kind::Boleto, bank_fields(&boleto, today)),
        Ok(Slip::Arrecadacao(slip)) => right(Kind::Arrecadacao, arrecadacao_fields(&slip)),
        Err(faults) => {
            let kind = match boleto::family(code) {
                Family::Bank => Kind::Boleto,
                Family::Arrecadacao => Kind::Arrecadacao,
            };
            let error = |fault: &Fault| FieldError {
                field: fault.field(),
                message: fault.to_string(),
            };
            wrong(kind, faults.iter().map(error).collect())
        }
    }
}

fn bank_fields(boleto: &Boleto, today: Date) -> Fields {
    let (due, candidates) = match boleto.due(today) {
        Due::OnPresentation => (Value::Null, Value::Null),
        Due::On(date) => (json!(date), Value::Null),
        Due::Ambiguous(dates) => (Value::Null, json!(dates)),
    };
    let campo_livre = boleto.campo_livre();
    vec![
        ("bank", json!(format!("{:03}", boleto.bank()))),
        ("amount_centavos", json!(boleto.amount())),
        ("due", due),
        ("due_candidates", candidates),
        ("factor", json!(boleto.factor())),
        ("campo_livre", json!(campo_livre.to_string())),
        (
            "nosso_numero",
            json!(campo_livre.nosso_numero(boleto.bank())),
        ),
        ("line", json!(boleto.line())),
        ("formatted_line", json!(boleto.formatted_line())),
        ("barcode", json!(boleto.barcode())),
    ]
}

fn arrecadacao_fields(slip: &Arrecadacao) -> Fields {
    let barcode = slip.barcode();
    let reference = slip.amount().is_none().then(|| barcode[4..15].to_owned());
    vec![
        ("segment", json!(slip.segment() as u8)),
        ("segment_name", json!(slip.segment().name())),
        ("identifier", json!(&barcode[2..3])),
        ("amount_centavos", json!(slip.amount())),
        ("reference_value", json!(reference)),
        ("due", json!(slip.due())),
        ("company", json!(slip.company())),
        ("free_field", json!(slip.free_field())),
        ("line", json!(slip.line())),
        ("formatted_line", json!(slip.formatted_line())),
        ("barcode", json!(barcode)),
    ]
}

fn read_pix(code: &str) -> Inspection {
    let pix = match pix::parse(code) {
        Ok(pix) => pix,
        Err(faults) => {
            let error = |fault: &pix::PixFault| FieldError {
                field: fault.field().to_owned(),
                message: fault.to_string(),
            };
            return wrong(Kind::Pix, faults.iter().map(error).collect());
        }
    };
    let mut fields = match &pix.target {
        Target::Static { key, info } => vec![
            ("type", json!("static")),
            ("key", json!(key.text())),
            ("key_type", json!(key.kind())),
            ("info", json!(info)),
        ],
        Target::Dynamic { location } => {
            vec![("type", json!("dynamic")), ("location", json!(location))]
        }
    };
    fields.extend([
        ("single_use", json!(pix.uses == Uses::Once)),
        ("amount_centavos", json!(pix.amount)),
        ("name", json!(pix.name)),
        ("city", json!(pix.city)),
        ("postal_code", json!(pix.postal_code)),
        ("txid", json!(pix.txid)),
        ("category", json!(pix.category)),
        (
            "crc",
            json!(
                code.get(code.len().saturating_sub(4)..)
                    .unwrap_or_default()
                    .to_ascii_uppercase()
            ),
        ),
    ]);
    right(Kind::Pix, fields)
}

fn read_cpf(code: &str) -> Inspection {
    match Cpf::parse(code) {
        Ok(cpf) => right(
            Kind::Cpf,
            vec![
                ("digits", json!(cpf.digits())),
                ("formatted", json!(cpf.formatted())),
            ],
        ),
        Err(error) => one(Kind::Cpf, "cpf", &error),
    }
}

fn read_cnpj(code: &str) -> Inspection {
    let cnpj = match Cnpj::parse(code) {
        Ok(cnpj) => cnpj,
        Err(error) => return one(Kind::Cnpj, "cnpj", &error),
    };
    let fields = vec![
        ("digits", json!(cnpj.characters())),
        ("formatted", json!(cnpj.formatted())),
        ("root", json!(cnpj.root())),
        ("alphanumeric", json!(cnpj.is_alphanumeric())),
    ];
    right(Kind::Cnpj, fields)
}

fn read_phone(code: &str) -> Inspection {
    let normalised = match Phone::normalise(code) {
        Ok(normalised) => normalised,
        Err(error) => return one(Kind::Phone, "phone", &error),
    };
    let phone = normalised.phone;
    let kind = match phone.kind() {
        PhoneKind::Fixed => "fixed",
        PhoneKind::Mobile => "mobile",
    };
    let fields = vec![
        ("e164", json!(phone.e164())),
        ("formatted", json!(phone.formatted())),
        ("type", json!(kind)),
        ("ddd", json!(phone.ddd())),
        ("uf", json!(phone.uf())),
        ("time_zone", json!(phone.uf().time_zone())),
        (
            "corrected",
            json!(normalised.ninth_digit == NinthDigit::Inserted),
        ),
    ];
    right(Kind::Phone, fields)
}
