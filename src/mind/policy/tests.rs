use super::*;
use crate::mind::debt::JurosBasis;

const STANDARD: &str = include_str!("../../../prompts/cobranca/politica.toml");

fn mistakes(text: &str) -> Vec<Invalid> {
    Policy::parse(text).expect_err("the policy should be refused")
}

/// The keys that are refused when `from` is replaced by `to` in the standard policy.
fn refused(from: &str, to: &str) -> Vec<String> {
    assert!(STANDARD.contains(from), "{from}");
    mistakes(&STANDARD.replacen(from, to, 1))
        .into_iter()
        .map(|invalid| invalid.key)
        .collect()
}

#[test]
fn standard_is_right() {
    let policy = Policy::standard();
    let table: Vec<(u32, Option<u32>, u32)> = policy
        .bands
        .iter()
        .map(|band| (band.from, band.to, band.instalments_max))
        .collect();
    assert_eq!(
        table,
        [
            (1, Some(30), 3),
            (31, Some(60), 6),
            (61, Some(90), 8),
            (91, Some(180), 10),
            (181, Some(360), 12),
            (361, None, 24)
        ]
    );
    let principal: Vec<i32> = policy
        .bands
        .iter()
        .map(|band| band.best().principal.0 / 100)
        .collect();
    assert_eq!(principal, [0, 0, 10, 20, 30, 60]);
    assert!(
        policy
            .bands
            .iter()
            .all(|band| band.best().encargos == BasisPoints::WHOLE)
    );
}

#[test]
fn a_delay_has_one_band() {
    let policy = Policy::standard();
    for (days, from) in [
        (1, 1),
        (30, 1),
        (31, 31),
        (360, 181),
        (361, 361),
        (3_000, 361),
    ] {
        assert_eq!(policy.band(days).map(|band| band.from), Some(from));
    }
    assert_eq!(policy.band(0), None);
    assert_eq!(policy.band(-5), None);
}

#[test]
fn a_consumer_is_not_fined_above_two_per_cent() {
    assert_eq!(
        refused("multa_max = \"2%\"", "multa_max = \"2,01%\""),
        ["charges.multa_max"]
    );
    let business = STANDARD.replacen("multa_max = \"2%\"", "multa_max = \"10%\"", 1);
    let business = business.replacen("consumer = true", "consumer = false", 1);
    assert_eq!(
        Policy::parse(&business).map(|policy| policy.charges.multa_max),
        Ok(BasisPoints(1_000))
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = STANDARD
        .replacen("multa_max = \"2%\"", "multa_max = \"3%\"", 1)
        .replacen("floor = \"40%\"", "floor = \"50%\"", 1)
        .replacen("from = 31", "from = 35", 1)
        .replacen("minimum = \"R$ 20,00\"", "minimum = \"20\\u0024\"", 1)
        .replacen("cash_days = 10", "cash_days = 400", 1)
        .replacen("entrada = \"20%\"\n", "", 1);
    let mut found = mistakes(&text);
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let keys: Vec<&str> = found.iter().map(|invalid| invalid.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "band[2].from",
            "band[6].cash.principal",
            "charges.multa_max",
            "instalments.entrada",
            "instalments.minimum",
            "terms.cash_days"
        ]
    );
    let multa = found
        .iter()
        .find(|invalid| invalid.key == "charges.multa_max")
        .expect("it is there");
    let line = text
        .lines()
        .position(|line| line.starts_with("multa_max"))
        .map(|at| at + 1);
    assert_eq!(Some(multa.line), line);
    assert!(found.iter().all(|invalid| !invalid.remedy.is_empty()));
}

#[test]
fn ladders_only_rise() {
    let step = "improvements = [{ encargos = \"100%\", principal = \"0%\" }]";
    assert_eq!(
        refused(
            step,
            "improvements = [{ encargos = \"50%\", principal = \"0%\" }]"
        ),
        ["band[1].improvements[1]"]
    );
    let three = "improvements = [{ encargos = \"60%\", principal = \"0%\" }, { encargos = \"70%\", principal = \"0%\" }, \
                 { encargos = \"80%\", principal = \"0%\" }]";
    assert_eq!(refused(step, three), ["band[1].improvements"]);
    let plan = "plan = { encargos = \"0%\", principal = \"0%\" }\ninstalments_max = 6";
    let better = "plan = { encargos = \"0%\", principal = \"5%\" }\ninstalments_max = 6";
    assert_eq!(refused(plan, better), ["band[2].plan"]);
}

#[test]
fn unknown_keys_are_mistakes() {
    let found =
        mistakes(&STANDARD.replacen("consumer = true", "consumer = true\ndesconto = \"90%\"", 1));
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("desconto"), "{found:?}");
    assert_eq!(mistakes("band = 3").len(), 1);
    assert_eq!(mistakes("[charges").len(), 1);
    assert!(mistakes("").len() > 5);
}

#[test]
fn bands_leave_no_day_out() {
    let headless = STANDARD.replacen("from = 361\n", "from = 361\nto = 900\n", 1);
    assert_eq!(mistakes(&headless)[0].key, "band");
    let endless = STANDARD.replacen("to = 360\n", "", 1);
    assert_eq!(mistakes(&endless)[0].key, "band[6]");
}

#[test]
fn contracts_above_the_limits_are_refused() {
    let policy = Policy::standard();
    let good = Contract {
        number: "1".to_owned(),
        description: String::new(),
        principal: Centavos(100),
        due: jiff::civil::date(2026, 1, 1),
        multa: BasisPoints(200),
        juros_month: BasisPoints(100),
        juros_basis: JurosBasis::MonthOf30,
        correcao: BasisPoints::ZERO,
        prescription_years: 5,
    };
    assert_eq!(policy.check_contract(&good), Ok(()));
    let bad = Contract {
        multa: BasisPoints(201),
        ..good.clone()
    };
    assert!(matches!(
        policy.check_contract(&bad),
        Err(Unlawful::Multa { .. })
    ));
    let bad = Contract {
        juros_month: BasisPoints(-1),
        ..good.clone()
    };
    assert!(matches!(
        policy.check_contract(&bad),
        Err(Unlawful::Juros { .. })
    ));
    let bad = Contract {
        principal: Centavos(0),
        ..good
    };
    assert!(matches!(
        policy.check_contract(&bad),
        Err(Unlawful::Principal { .. })
    ));
}
