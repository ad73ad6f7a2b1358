use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::date;
use uuid::Uuid;

use super::*;
use crate::base::CallId;
use crate::language::meaning::{DateValue, Meaning, Value};
use crate::mind::policy::Policy;
use crate::mind::script::Script;
use crate::mind::verified::Sealed;
use crate::sim::portfolio;

fn dialogue() -> Dialogue {
    let files = [
        (
            "avisos.toml",
            include_str!("../../../prompts/cobranca/avisos.toml"),
        ),
        (
            "desfechos.toml",
            include_str!("../../../prompts/cobranca/desfechos.toml"),
        ),
        (
            "fechamento.toml",
            include_str!("../../../prompts/cobranca/fechamento.toml"),
        ),
        (
            "fluxo.toml",
            include_str!("../../../prompts/cobranca/fluxo.toml"),
        ),
        (
            "mensagens.toml",
            include_str!("../../../prompts/cobranca/mensagens.toml"),
        ),
        (
            "ofertas.toml",
            include_str!("../../../prompts/cobranca/ofertas.toml"),
        ),
        (
            "reparos.toml",
            include_str!("../../../prompts/cobranca/reparos.toml"),
        ),
    ];
    let files: BTreeMap<String, String> = files
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .into();
    let today = date(2026, 11, 23);
    let debtor = portfolio::demo(today).swap_remove(0);
    let brief = Brief {
        call: CallId(Uuid::nil()),
        protocol: "12345678".into(),
        today,
        hour: 14,
        name: debtor.spoken_name(),
        cpf_start: debtor.cpf.first_three(),
        birth: debtor.birth.map(|birth| (birth.day(), birth.month())),
        uf: debtor.uf,
        has_email: true,
        marca: debtor.creditor.brand.clone(),
        official_phone: debtor.creditor.official_phone.clone(),
        official_channel: debtor.creditor.official_channel.clone(),
        staffed: false,
        destination: "o número de final zero um zero um".into(),
        account: Sealed::new(debtor),
        policy: Policy::standard(),
        outbound: false,
    };
    Dialogue::new(
        Arc::new(Script::read(&files).expect("the script is read")),
        brief,
    )
}

fn means(intent: &str, slots: &[(&str, Value)]) -> Heard {
    let slots = slots
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    Heard::Meaning(Meaning {
        intent: Some(intent.to_owned()),
        slots,
    })
}

fn digits(text: &str) -> Heard {
    means(
        "INFORMA_DIGITOS",
        &[("digitos", Value::Digits(text.to_owned()))],
    )
}

fn said(turn: &Turn) -> String {
    turn.say
        .iter()
        .map(|utterance| utterance.text.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Up to the cash offer.
fn verified() -> Dialogue {
    let mut dialogue = dialogue();
    dialogue.begin();
    dialogue.hear(&means("SIM", &[]));
    dialogue.hear(&digits("111"));
    dialogue.hear(&means("SIM", &[]));
    dialogue
}

#[test]
fn the_greeting_suits_the_hour_and_tells_nothing() {
    let turn = dialogue().begin();
    assert!(
        said(&turn).starts_with("Boa tarde! Aqui é a Ana"),
        "{}",
        said(&turn)
    );
    assert!(!crate::sim::text::tells_debt(&said(&turn)));
}

#[test]
fn the_debt_is_told_after_the_right_digits_only() {
    let mut dialogue = dialogue();
    dialogue.begin();
    dialogue.hear(&means("CONFIRMA_IDENTIDADE", &[]));
    let wrong = dialogue.hear(&digits("222"));
    assert!(
        !dialogue.is_verified() && !crate::sim::text::tells_debt(&said(&wrong)),
        "{}",
        said(&wrong)
    );
    let right = dialogue.hear(&digits("111"));
    assert!(dialogue.is_verified());
    assert!(
        said(&right).contains("mil duzentos e trinta e quatro reais e cinquenta e seis centavos"),
        "{}",
        said(&right)
    );
}

#[test]
fn two_wrong_answers_end_the_call() {
    let mut dialogue = dialogue();
    dialogue.begin();
    dialogue.hear(&means("SIM", &[]));
    dialogue.hear(&digits("222"));
    let turn = dialogue.hear(&digits("333"));
    assert_eq!(turn.then, Then::End);
    assert_eq!(dialogue.disposition(false), "ID_FALHOU");
}

#[test]
fn a_saturday_becomes_the_monday_after_and_is_asked_back() {
    let mut dialogue = verified();
    dialogue.hear(&means("QUER_PARCELAR", &[]));
    dialogue.hear(&means("INFORMA_PARCELAS", &[("parcelas", Value::Count(2))]));
    let turn = dialogue.hear(&means(
        "INFORMA_DATA",
        &[("data", Value::Date(DateValue::Day(date(2026, 12, 5))))],
    ));
    assert!(
        said(&turn).contains("pode ser segunda-feira, sete de dezembro?"),
        "{}",
        said(&turn)
    );
}

#[test]
fn keys_name_a_day() {
    let mut dialogue = verified();
    dialogue.hear(&Heard::Keys("1".into()));
    let turn = dialogue.hear(&Heard::Keys("30".into()));
    assert!(
        said(&turn).contains("segunda-feira, trinta de novembro"),
        "{}",
        said(&turn)
    );
    assert!(
        turn.say.iter().any(|utterance| utterance.mandatory),
        "the agreement is read to its end"
    );
}

#[test]
fn an_agreement_is_performed_after_an_explicit_yes_and_stands_once_it_is_done() {
    let mut dialogue = verified();
    dialogue.hear(&means("SIM", &[]));
    dialogue.hear(&Heard::Keys("30".into()));
    let unclear = dialogue.hear(&Heard::NoMatch);
    assert!(
        matches!(unclear.then, Then::Listen(_)),
        "what was not understood closes nothing"
    );
    let yes = dialogue.hear(&means("SIM", &[]));
    let Then::Perform(effect) = yes.then else {
        panic!("{:?}", yes.then)
    };
    assert!(matches!(
        *effect,
        Effect::Close {
            means: Means::Boleto,
            ..
        }
    ));
    assert!(dialogue.agreement().is_none(), "not before it was written");
    dialogue.done(&Outcome::Done);
    assert_eq!(
        dialogue.agreement().map(|(_, offer)| offer.total.0),
        Some(123_456)
    );
    assert_eq!(
        dialogue.disposition(true),
        "ACORDO_AVISTA",
        "whoever hangs up after that has an agreement"
    );
}

#[test]
fn an_agreement_that_could_not_be_written_is_not_told_as_made() {
    let mut dialogue = verified();
    dialogue.hear(&means("SIM", &[]));
    dialogue.hear(&Heard::Keys("30".into()));
    dialogue.hear(&means("SIM", &[]));
    let turn = dialogue.done(&Outcome::Failed);
    assert_eq!(turn.then, Then::End);
    assert_eq!(dialogue.disposition(false), "ERRO_TECNICO");
}

#[test]
fn silence_is_asked_thrice_then_released() {
    let mut dialogue = dialogue();
    dialogue.begin();
    dialogue.hear(&Heard::Silence);
    let third = dialogue.hear(&Heard::Silence);
    assert!(said(&third).contains("tecle um"), "{}", said(&third));
    assert_eq!(dialogue.hear(&Heard::Silence).then, Then::End);
    assert_eq!(dialogue.disposition(false), "SILENCIO");
}

#[test]
fn risk_to_life_stops_everything() {
    let mut dialogue = verified();
    let turn = dialogue.hear(&means("RISCO_VIDA", &[]));
    assert!(said(&turn).contains("CVV"), "{}", said(&turn));
    // A person is called; where none can come, the call ends all the same.
    assert_eq!(turn.then, Then::Perform(Box::new(Effect::Transfer)));
    assert_eq!(dialogue.done(&Outcome::Failed).then, Then::End);
    assert_eq!(dialogue.disposition(true), "RISCO_VIDA");
}

#[test]
fn a_detour_comes_back_to_the_question() {
    let mut dialogue = verified();
    let turn = dialogue.hear(&means("EH_ROBO", &[]));
    assert!(
        said(&turn).contains("assistente virtual") && said(&turn).contains("Fica bom para você?"),
        "{}",
        said(&turn)
    );
    assert_eq!(dialogue.state(), "oferta_avista");
}
