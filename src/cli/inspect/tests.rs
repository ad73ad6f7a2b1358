use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const TODAY: Date = date(2026, 11, 23);

fn look(code: &str) -> Inspection {
    inspect(code, None, TODAY)
}

fn field(inspection: &Inspection, name: &str) -> Value {
    let found = inspection.fields.iter().find(|(field, _)| *field == name);
    found.map_or(Value::Null, |(_, value)| value.clone())
}

#[test]
fn kinds_are_told_apart() {
    for (code, kind, valid) in [
        (
            "34191.09982 71234.500057 71234.570001 9 16560000123456",
            Kind::Boleto,
            true,
        ),
        (
            "34199165600001234561099871234500057123457000",
            Kind::Boleto,
            true,
        ),
        (
            "34191.09982 71234.500057 71234.570001 9 16560000123457",
            Kind::Boleto,
            false,
        ),
        (
            "3419109982712345000577123457000191656000012345",
            Kind::Boleto,
            false,
        ),
        (
            "341910998271234500057712345700019165600001234560",
            Kind::Boleto,
            false,
        ),
        (
            "82640000000-4 87430097202-1 61210000123-1 45678901234-5",
            Kind::Arrecadacao,
            true,
        ),
        (
            "72640000000-4 87430097202-1 61210000123-1 45678901234-5",
            Kind::Arrecadacao,
            false,
        ),
        (
            "82640000000487430097202161210000123145678901234",
            Kind::Arrecadacao,
            false,
        ),
        ("111.444.777-35", Kind::Cpf, true),
        ("11144477735", Kind::Cpf, true),
        ("111.444.777-36", Kind::Cpf, false),
        ("111.111.111-11", Kind::Cpf, false),
        ("5299822472X", Kind::Cpf, false),
        ("12.ABC.345/01DE-35", Kind::Cnpj, true),
        ("11.222.333/0001-81", Kind::Cnpj, true),
        ("12ABC34501DE36", Kind::Cnpj, false),
        ("(11) 98765-4321", Kind::Phone, true),
        ("11987654321", Kind::Phone, true),
        ("+5511987654321", Kind::Phone, true),
        ("0 15 11 98765-4321", Kind::Phone, true),
        ("(20) 98765-4321", Kind::Phone, false),
        ("0800 123 4567", Kind::Phone, false),
        ("4004-1234", Kind::Phone, false),
        ("190", Kind::Phone, false),
        ("olá", Kind::Unknown, false),
        ("", Kind::Unknown, false),
    ] {
        let inspection = look(code);
        assert_eq!(
            (inspection.kind, inspection.valid),
            (kind, valid),
            "{code}: {inspection:?}"
        );
        assert_eq!(inspection.valid, inspection.errors.is_empty(), "{code}");
    }
}

#[test]
fn the_vectors_of_every_family() {
    for (text, kind, valid) in [
        (
            include_str!("../../../tests/data/boleto.txt"),
            Kind::Boleto,
            true,
        ),
        (
            include_str!("../../../tests/data/boleto_invalid.txt"),
            Kind::Boleto,
            false,
        ),
        (
            include_str!("../../../tests/data/arrecadacao.txt"),
            Kind::Arrecadacao,
            true,
        ),
        (
            include_str!("../../../tests/data/arrecadacao_invalid.txt"),
            Kind::Arrecadacao,
            false,
        ),
    ] {
        for line in text.lines() {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let inspection = look(if valid { parts[2] } else { parts[1] });
            assert_eq!((inspection.kind, inspection.valid), (kind, valid), "{line}");
        }
    }
    for code in include_str!("../../../tests/data/pix.txt")
        .lines()
        .filter(|line| line.starts_with("00"))
    {
        assert_eq!((look(code).kind, look(code).valid), (Kind::Pix, true));
        let cut = look(&code[..code.len() - 1]);
        assert_eq!((cut.kind, cut.valid), (Kind::Pix, false));
    }
}

#[test]
fn json_is_the_contract() {
    let json = serde_json::to_value(look(
        "34191.09982 71234.500057 71234.570001 9 16560000123456",
    ))
    .expect("plain data");
    assert_eq!(json["kind"], "boleto");
    assert_eq!(json["valid"], true);
    assert_eq!(json["fields"]["amount_centavos"], 123_456);
    assert_eq!(json["fields"]["due"], "2026-12-10");
    assert_eq!(json["fields"]["bank"], "341");
    assert_eq!(json["errors"], serde_json::json!([]));
    let json = serde_json::to_value(look(
        "34191.00982 71234.500057 71234.570001 9 16560000123456",
    ))
    .expect("plain data");
    assert_eq!(json["errors"][0]["field"], "campo_1");
    assert_eq!(json["errors"][1]["field"], "dv_geral");
}

#[test]
fn an_ambiguous_due_date_is_not_guessed() {
    let issue = crate::base::boleto::Issue {
        bank: 341,
        campo_livre: crate::base::boleto::CampoLivre::new([0; 25]),
        due: Some(date(2041, 12, 15)),
        amount: Centavos(100),
    };
    let line = crate::base::boleto::Boleto::issue(&issue)
        .expect("in range")
        .line();
    let inspection = look(&line);
    assert_eq!(field(&inspection, "due"), Value::Null);
    assert_eq!(field(&inspection, "due_candidates")[1], "2041-12-15");
}

#[test]
fn people_read_portuguese() {
    let text = look("34191.09982 71234.500057 71234.570001 9 16560000123456").describe();
    assert!(text.starts_with("Boleto bancário: válido"), "{text}");
    assert!(
        text.contains("R$ 1.234,56") && text.contains("vencimento"),
        "{text}"
    );
    let text = look("111.444.777-36").describe();
    assert!(
        text.starts_with("CPF: INVÁLIDO") && text.contains("deveria ser 5"),
        "{text}"
    );
}

#[test]
fn a_kind_can_be_forced() {
    let inspection = inspect("1234567890", Some(Kind::Cpf), TODAY);
    assert_eq!((inspection.kind, inspection.valid), (Kind::Cpf, false));
}

proptest! {
    #[test]
    fn nothing_panics(code in ".{0,80}", digits in "[0-9 .()+/-]{0,60}") {
        for text in [&code, &digits] {
            let inspection = look(text);
            prop_assert_eq!(inspection.valid, inspection.errors.is_empty());
            inspection.describe();
        }
    }
}
