//! An agreement, with what pays it.

use jiff::tz::TimeZone;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;

use super::clock;
use super::tree::{Node, tree};
use crate::base::Centavos;
use crate::ledger::{Agreement, Instrument, InstrumentKind};

/// An agreement.
#[derive(Serialize)]
pub(super) struct Deal {
    protocol: String,
    kind: String,
    total: String,
    discount: Option<String>,
    closed: String,
    instalments: Vec<Part>,
    instruments: Vec<Payable>,
    computation: Node,
    evidence: Node,
}

#[derive(Serialize)]
struct Part {
    n: u32,
    due: String,
    amount: String,
}

#[derive(Serialize)]
struct Payable {
    title: String,
    line: Option<String>,
    line_digits: Option<String>,
    pix: Option<String>,
    /// The Pix code as SVG.
    qr: Option<String>,
}

impl Deal {
    pub fn of(zone: &TimeZone, agreement: &Agreement) -> Self {
        let instalments = agreement.instalments.iter().map(|part| Part {
            n: part.n,
            due: part.due.strftime("%d/%m/%Y").to_string(),
            amount: part.amount.to_string(),
        });
        Self {
            protocol: agreement.protocol.clone(),
            kind: match agreement.kind.as_str() {
                "avista" => "à vista".to_owned(),
                other => other.replace('_', " "),
            },
            total: agreement.total.to_string(),
            discount: (agreement.discount != Centavos::ZERO)
                .then(|| agreement.discount.to_string()),
            closed: clock(zone, agreement.closed_at),
            instalments: instalments.collect(),
            instruments: agreement.instruments.iter().map(Payable::of).collect(),
            computation: tree("cálculo", &agreement.computation),
            evidence: tree("evidência", &agreement.evidence),
        }
    }
}

impl Payable {
    fn of(instrument: &Instrument) -> Self {
        let kind = match instrument.kind {
            InstrumentKind::Boleto => "Boleto",
            InstrumentKind::Pix => "Pix",
        };
        Self {
            title: format!("{kind} da parcela {}", instrument.instalment),
            line: instrument.line.as_deref().map(spaced_line),
            line_digits: instrument.line.clone(),
            qr: instrument.pix.as_deref().and_then(qr),
            pix: instrument.pix.clone(),
        }
    }
}

/// A linha digitável of 47 as it is printed; others as they are.
fn spaced_line(line: &str) -> String {
    if line.len() != 47 || !line.bytes().all(|byte| byte.is_ascii_digit()) {
        return line.to_owned();
    }
    let part = |from: usize, to: usize| &line[from..to];
    format!(
        "{}.{} {}.{} {}.{} {} {}",
        part(0, 5),
        part(5, 10),
        part(10, 15),
        part(15, 21),
        part(21, 26),
        part(26, 32),
        part(32, 33),
        part(33, 47)
    )
}

/// The code as a picture: error correction M, a quiet zone of four modules.
fn qr(payload: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(payload, EcLevel::M).ok()?;
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(220, 220)
        .build();
    // An XML declaration has no place inside a page.
    picture
        .find("<svg")
        .map(|start| picture[start..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_printed_as_on_paper() {
        let printed = "34191.09982 71234.500057 71234.570001 9 16560000123456";
        assert_eq!(
            spaced_line("34191099827123450005771234570001916560000123456"),
            printed
        );
        assert_eq!(spaced_line("ç".repeat(24).as_str()), "ç".repeat(24));
    }
}
