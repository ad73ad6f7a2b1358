use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::base::{BasisPoints, Cnpj, Cpf, DebtorId, Uf};
use crate::mind::debt::{Creditor, JurosBasis};
use crate::mind::policy::InstalmentRules;

const TODAY: Date = date(2026, 11, 21);

fn contract(principal: i64, due: Date) -> Contract {
    Contract {
        number: "98764321".to_owned(),
        description: "a fatura de internet de outubro".to_owned(),
        principal: Centavos(principal),
        due,
        multa: BasisPoints(200),
        juros_month: BasisPoints(100),
        juros_basis: JurosBasis::MonthOf30,
        correcao: BasisPoints::ZERO,
        prescription_years: 5,
    }
}

fn debtor(contracts: Vec<Contract>) -> Debtor {
    Debtor {
        id: DebtorId(uuid::Uuid::nil()),
        name: "João da Silva".to_owned(),
        social_name: None,
        cpf: Cpf::parse("11144477735").expect("valid"),
        birth: None,
        phones: Vec::new(),
        uf: Uf::SP,
        email: None,
        creditor: Creditor {
            name: "Credora Exemplo SA".to_owned(),
            brand: "Credora Exemplo".to_owned(),
            cnpj: Cnpj::parse("11222333000181").expect("valid"),
            official_phone: String::new(),
            official_channel: String::new(),
            address: String::new(),
        },
        score: None,
        contracts,
    }
}

fn offered(principal: i64, due: Date, today: Date) -> Offers {
    offers(
        &Policy::standard(),
        &debtor(vec![contract(principal, due)]),
        today,
    )
    .expect("something is owed")
}

fn amounts(offer: &Offer) -> Vec<i64> {
    offer
        .instalments
        .iter()
        .map(|instalment| instalment.amount.0)
        .collect()
}

fn dues(offer: &Offer) -> Vec<Date> {
    offer
        .instalments
        .iter()
        .map(|instalment| instalment.due)
        .collect()
}

/// Principal, due, paid, days, multa, juros, total.
type Worked = (i64, Date, Date, i32, i64, i64, i64);

#[test]
fn worked_examples_of_the_update() {
    let table: [(&str, Worked); 9] = [
        (
            "M1",
            (
                123_456,
                date(2026, 10, 10),
                TODAY,
                42,
                2_469,
                1_728,
                127_653,
            ),
        ),
        (
            "M2",
            (
                8_990,
                date(2026, 11, 17),
                date(2026, 11, 18),
                1,
                180,
                3,
                9_173,
            ),
        ),
        (
            "M3",
            (45_990, date(2025, 2, 21), TODAY, 638, 920, 9_781, 56_691),
        ),
        ("M4", (100_000, TODAY, TODAY, 0, 0, 0, 100_000)),
        (
            "M5",
            (
                100_000,
                date(2026, 10, 22),
                TODAY,
                30,
                2_000,
                1_000,
                103_000,
            ),
        ),
        (
            "M6",
            (98_765, date(2026, 2, 10), TODAY, 284, 1_975, 9_350, 110_090),
        ),
        ("M8", (1, date(2026, 1, 1), TODAY, 324, 0, 0, 1)),
        (
            "M9",
            (
                8_990,
                date(2026, 11, 20),
                date(2026, 11, 23),
                0,
                0,
                0,
                8_990,
            ),
        ),
        (
            "M10",
            (
                8_990,
                date(2026, 11, 20),
                date(2026, 11, 24),
                4,
                180,
                12,
                9_182,
            ),
        ),
    ];
    for (name, (principal, due, paid, days, multa, juros, total)) in table {
        let updated = update(&contract(principal, due), paid, None);
        let found = (
            updated.days,
            updated.multa.0,
            updated.juros.0,
            updated.total.0,
        );
        assert_eq!(found, (days, multa, juros, total), "{name}");
        assert!(
            updated.computation.adds_up() && updated.computation.value == updated.total,
            "{name}"
        );
    }
}

#[test]
fn correction_comes_before_charges() {
    let corrected = Contract {
        correcao: BasisPoints(450),
        ..contract(200_000, date(2025, 11, 21))
    };
    let updated = update(&corrected, TODAY, None);
    assert_eq!(
        (updated.correcao.0, updated.multa.0, updated.juros.0),
        (9_000, 4_180, 25_428)
    );
    assert_eq!((updated.days, updated.total.0), (365, 238_608));
}

#[test]
fn other_bases_of_interest() {
    for (juros_basis, juros) in [
        (JurosBasis::YearOf365, 986),
        (JurosBasis::DailyCut, 990),
        (JurosBasis::MonthOf30, 1_000),
    ] {
        let contract = Contract {
            juros_basis,
            ..contract(100_000, date(2026, 10, 22))
        };
        assert_eq!(update(&contract, TODAY, None).juros.0, juros);
    }
}

#[test]
fn worked_examples_of_the_discount() {
    for (name, principal, due, discount, total) in [
        ("D1", 123_456, date(2026, 10, 10), 4_197, 123_456),
        ("D2", 98_765, date(2026, 2, 10), 11_325 + 29_630, 69_135),
        ("D3", 45_990, date(2025, 2, 21), 10_701 + 27_594, 18_396),
    ] {
        let cash = offered(principal, due, TODAY).cash;
        assert_eq!((cash.discount.0, cash.total.0), (discount, total), "{name}");
        assert_eq!(amounts(&cash), [total], "{name}");
    }
}

#[test]
fn worked_examples_of_instalments() {
    // P1: M1 in six with an entrada of a fifth.
    let plan = offered(123_456, date(2026, 10, 10), TODAY)
        .plan_with(6)
        .expect("six are allowed");
    assert_eq!(
        amounts(&plan),
        [25_531, 17_020, 17_020, 17_020, 17_020, 17_020, 17_022]
    );
    assert_eq!(
        (plan.entrada.0, plan.count(), plan.total.0),
        (25_531, 6, 127_653)
    );
    // P2.
    assert_eq!(
        split(Centavos(100_000), 3),
        [Centavos(33_333), Centavos(33_333), Centavos(33_334)]
    );
    // P3.
    let rules = InstalmentRules {
        entrada: BasisPoints(1_000),
        ..Policy::standard().instalments
    };
    let payments = plan::payments(&rules, Centavos(85_000), 10).expect("ten of 76,50");
    assert_eq!(payments.entrada, Centavos(8_500));
    assert_eq!(payments.amounts[1..], [Centavos(7_650); 10]);
}

#[test]
fn worked_examples_of_price() {
    for (name, principal, rate, n, payment, last, total) in [
        ("PR1", 100_000, 199, 6, 17_847, 17_844, 107_079),
        ("PR2", 102_122, 249, 12, 9_950, 9_944, 119_394),
        ("PR3", 500_000, 100, 24, 23_537, 23_529, 564_880),
        ("PR4", 30_000, 299, 3, 10_604, 10_604, 31_812),
    ] {
        let payments = price(Centavos(principal), BasisPoints(rate), n).expect(name);
        assert_eq!(payments.len(), n as usize, "{name}");
        assert!(
            payments[..payments.len() - 1]
                .iter()
                .all(|&part| part == Centavos(payment)),
            "{name}"
        );
        assert_eq!(payments.last(), Some(&Centavos(last)), "{name}");
        assert_eq!(
            payments.iter().copied().sum::<Centavos>(),
            Centavos(total),
            "{name}"
        );
    }
    assert_eq!(price(Centavos(100), BasisPoints(0), 3), None);
    assert_eq!(price(Centavos(i64::MAX), BasisPoints(1_000), 3), None);
}

#[test]
fn interest_is_told_apart() {
    let mut policy = Policy::standard();
    policy.instalments.juros_month = BasisPoints(249);
    let debtor = debtor(vec![contract(123_456, date(2026, 10, 10))]);
    let offers = offers(&policy, &debtor, TODAY).expect("something is owed");
    let plan = offers.plan_with(6).expect("six are allowed");
    assert_eq!(
        plan.total,
        offers.updated.total - plan.discount + plan.interest
    );
    assert!(plan.interest > Centavos::ZERO && plan.entrada == Centavos(25_531));
    assert_eq!(audit(&policy, &debtor, TODAY, &plan), []);
}

#[test]
fn instalments_fall_on_the_same_day_and_move_to_open_ones() {
    let today = date(2027, 1, 25);
    let offers = offered(200_000, date(2026, 10, 10), today);
    let plan = offers.plan_with(4).expect("four are allowed");
    let dated = offers
        .with_date(&plan, date(2027, 1, 31))
        .expect("inside the window");
    // 31 January is a Sunday, 28 February too, 31 March a Wednesday, 30 April a Friday, 31 May a Monday.
    assert_eq!(
        dues(&dated),
        [
            date(2027, 2, 1),
            date(2027, 3, 1),
            date(2027, 3, 31),
            date(2027, 4, 30),
            date(2027, 5, 31)
        ]
    );
    assert_eq!(amounts(&dated), amounts(&plan));
}

#[test]
fn a_day_outside_the_window_is_answered_with_the_last_one() {
    let today = date(2026, 11, 23);
    let offers = offered(123_456, date(2026, 10, 10), today);
    assert_eq!(offers.last_day, date(2026, 12, 3));
    let outside = Err(OutsideWindow {
        last_day: date(2026, 12, 3),
    });
    assert_eq!(offers.with_date(&offers.cash, date(2026, 12, 5)), outside);
    assert_eq!(offers.with_date(&offers.cash, date(2026, 11, 22)), outside);
    let plan = offers.plan_with(6).expect("six are allowed");
    // "Dia cinco de dezembro cai num sábado."
    let dated = offers
        .with_date(&plan, date(2026, 12, 5))
        .expect("a plan may begin later");
    assert_eq!(dated.first_due(), date(2026, 12, 7));
    let today_offer = offers.with_date(&offers.cash, today).expect("today");
    assert_eq!(today_offer.first_due(), today);
}

#[test]
fn the_ladder_of_the_first_band() {
    let offers = offered(100_000, date(2026, 11, 3), date(2026, 11, 23));
    let total = offers.updated.total;
    assert_eq!(offers.improvements.len(), 1);
    assert!(offers.cash.total < total && offers.best().total < offers.cash.total);
    assert_eq!(offers.best().total, Centavos(100_000));
    assert_eq!(
        offers.plans.iter().map(Offer::count).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(offers.most_instalments(), 3);
}

#[test]
fn proposals_are_taken_or_answered_with_the_nearest() {
    let offers = offered(123_456, date(2026, 10, 10), TODAY);
    assert_eq!(
        offers.counter(Some(Centavos(200_000)), None),
        Counter::Inside(offers.cash.clone())
    );
    assert_eq!(
        offers.counter(Some(Centavos(80_000)), None),
        Counter::Nearest(offers.cash.clone())
    );
    assert_eq!(
        offers.counter(Some(Centavos(80_000)), Some(1)),
        Counter::Nearest(offers.cash.clone())
    );
    let six = offers.plan_with(6).expect("six are allowed");
    assert_eq!(offers.counter(None, Some(6)), Counter::Inside(six.clone()));
    assert_eq!(
        offers.counter(None, Some(20)),
        Counter::Nearest(six.clone())
    );
    assert_eq!(
        offers.counter(Some(Centavos(18_000)), Some(6)),
        Counter::Inside(six.clone())
    );
    // "Dez de cem" is more than six and less than what six cost.
    assert_eq!(
        offers.counter(Some(Centavos(10_000)), Some(10)),
        Counter::Nearest(six)
    );
    let five = offers.plan_with(5).expect("five are allowed");
    assert_eq!(
        offers.counter(Some(Centavos(21_000)), Some(2)),
        Counter::Nearest(five)
    );
}

#[test]
fn an_amount_on_the_ladder_is_taken_as_it_is() {
    let offers = offered(100_000, date(2026, 11, 3), date(2026, 11, 23));
    let between = Centavos(100_500);
    assert!(offers.best().total < between && between < offers.cash.total);
    let Counter::Inside(offer) = offers.counter(Some(between), None) else {
        panic!("it is on the ladder")
    };
    assert_eq!(
        (offer.total, offer.total + offer.discount),
        (between, offers.updated.total)
    );
    assert!(offer.computation.adds_up());
}

#[test]
fn what_is_prescribed_is_never_spoken_of() {
    let policy = Policy::standard();
    let old = Contract {
        number: "1".to_owned(),
        ..contract(50_000, date(2021, 11, 20))
    };
    let alive = contract(123_456, date(2026, 10, 10));
    let offers_of = |contracts| offers(&policy, &debtor(contracts), TODAY);
    assert_eq!(offers_of(vec![old.clone()]), Err(NoOffer::Prescribed));
    assert_eq!(offers_of(vec![]), Err(NoOffer::NotOverdue));
    assert_eq!(
        offers_of(vec![contract(100, TODAY)]),
        Err(NoOffer::NotOverdue)
    );
    let both = offers_of(vec![old, alive]).expect("one is alive");
    assert_eq!(both.prescribed, ["1"]);
    assert_eq!(
        (both.owed.len(), both.updated.original),
        (1, Centavos(123_456))
    );
}

#[test]
fn contracts_beyond_the_law_get_no_offer() {
    let greedy = Contract {
        multa: BasisPoints(1_000),
        ..contract(100_000, date(2026, 10, 10))
    };
    let refused = offers(&Policy::standard(), &debtor(vec![greedy]), TODAY);
    assert!(matches!(
        refused,
        Err(NoOffer::Unlawful {
            source: Unlawful::Multa { .. },
            ..
        })
    ));
}

#[test]
fn several_contracts_keep_to_their_own_bands() {
    let policy = Policy::standard();
    let debtor = debtor(vec![
        contract(98_765, date(2026, 2, 10)),
        contract(123_456, date(2026, 10, 10)),
    ]);
    let offers = offers(&policy, &debtor, TODAY).expect("both are owed");
    assert_eq!(offers.cash.total, Centavos(69_135 + 123_456));
    assert_eq!(offers.updated.total, Centavos(110_090 + 127_653));
    assert_eq!(offers.most_instalments(), 6);
    assert_eq!(audit(&policy, &debtor, TODAY, &offers.cash), []);
}

#[test]
fn an_offer_is_printed_and_kept() {
    let offers = offered(123_456, date(2026, 10, 10), TODAY);
    let json = serde_json::to_value(&offers.cash).expect("plain data");
    assert_eq!(json["kind"], "cash");
    assert_eq!(json["total_centavos"], 123_456);
    assert_eq!(json["discount_centavos"], 4_197);
    assert_eq!(json["instalments"][0]["centavos"], 123_456);
    let text = offers.cash.computation.to_string();
    for part in [
        "R$ 24,69",
        "R$ 17,28",
        "-R$ 41,97",
        "42 dias",
        "2% × R$ 1.234,56",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let again: Offers = serde_json::from_str(&serde_json::to_string(&offers).expect("plain data"))
        .expect("the same");
    assert_eq!(again, offers);
}

#[test]
fn the_audit_sees_what_leaves_the_policy() {
    let policy = Policy::standard();
    let debtor = debtor(vec![contract(123_456, date(2026, 10, 10))]);
    let offers = offers(&policy, &debtor, TODAY).expect("owed");
    let plan = offers.plan_with(6).expect("six are allowed");
    let mut cheap = offers.cash.clone();
    cheap.total = Centavos(123_455);
    let breaches = audit(&policy, &debtor, TODAY, &cheap);
    assert!(
        [Breach::Sum, Breach::TooCheap, Breach::Computation]
            .iter()
            .all(|breach| breaches.contains(breach))
    );
    let mut late = plan.clone();
    late.instalments[0].due = date(2027, 1, 4);
    assert!(audit(&policy, &debtor, TODAY, &late).contains(&Breach::Window));
    let mut long = plan;
    long.instalments.push(Instalment {
        due: date(2028, 1, 3),
        amount: Centavos(0),
    });
    let breaches = audit(&policy, &debtor, TODAY, &long);
    assert!(breaches.contains(&Breach::TooMany) && breaches.contains(&Breach::TooSmall));
    assert_eq!(
        audit(&policy, &debtor, date(2026, 10, 10), &offers.cash),
        [Breach::Nothing]
    );
}

fn any_contract() -> impl Strategy<Value = Contract> {
    let basis = prop::sample::select(vec![
        JurosBasis::MonthOf30,
        JurosBasis::YearOf365,
        JurosBasis::DailyCut,
    ]);
    (
        1i64..3_000_000,
        -5i32..2_200,
        0i32..=200,
        0i32..=100,
        basis,
        0i32..2_000,
    )
        .prop_map(
            |(principal, days, multa, juros, juros_basis, correcao)| Contract {
                multa: BasisPoints(multa),
                juros_month: BasisPoints(juros),
                juros_basis,
                correcao: BasisPoints(correcao),
                ..contract(principal, calendar::add_days(TODAY, -days))
            },
        )
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (0i32..=300, 0i32..=5_000, 2u32..8, 0u32..40, 0u32..40).prop_map(
        |(juros, entrada, from, cash_days, plan_days)| {
            let mut policy = Policy::standard();
            // Half of the cases without interest.
            policy.instalments.juros_month = BasisPoints((juros - 150).max(0));
            policy.instalments.entrada = BasisPoints(entrada);
            policy.instalments.entrada_from = from;
            policy.terms.cash_days = cash_days;
            policy.terms.plan_days = plan_days;
            policy
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_offer_leaves_the_policy(
        contracts in prop::collection::vec(any_contract(), 1..4),
        policy in any_policy(),
        days in 0i32..400,
        n in 0u32..40,
        amount in 0i64..3_000_000,
        first in -2i32..50,
    ) {
        let today = calendar::add_days(TODAY, days);
        let debtor = debtor(contracts);
        let Ok(offers) = offers(&policy, &debtor, today) else { return Ok(()) };
        let (Counter::Inside(counter) | Counter::Nearest(counter)) = offers.counter(Some(Centavos(amount)), Some(n));
        let (Counter::Inside(at_once) | Counter::Nearest(at_once)) = offers.counter(Some(Centavos(amount)), None);
        let chosen: Vec<Offer> = [counter, at_once].into_iter().chain(offers.plan_with(n)).collect();
        let all = chosen.iter().chain(&offers.improvements).chain(&offers.plans).chain([&offers.cash]);
        let dated: Vec<Offer> = chosen
            .iter()
            .filter_map(|offer| offers.with_date(offer, calendar::add_days(today, first)).ok())
            .collect();
        for offer in all.chain(&dated) {
            prop_assert_eq!(audit(&policy, &debtor, today, offer), [], "{:?}", offer);
        }
        // A discount never raises what is paid.
        let ladder: Vec<Centavos> =
            std::iter::once(&offers.cash).chain(&offers.improvements).map(|offer| offer.total).collect();
        prop_assert!(ladder.windows(2).all(|pair| pair[1] < pair[0]));
        prop_assert!(ladder[0] <= offers.updated.total);
        prop_assert_eq!(offers.updated.total, offers.updated.original + offers.updated.correcao
            + offers.updated.multa + offers.updated.juros);
    }

    #[test]
    fn price_clears_the_balance(principal in 1i64..1_000_000_000, rate in 1i32..=1_000, n in 1u32..=120) {
        let payments = price(Centavos(principal), BasisPoints(rate), n).expect("in range");
        let total: Centavos = payments.iter().copied().sum();
        prop_assert_eq!(payments.len(), n as usize);
        prop_assert!(total >= Centavos(principal));
        // Rounding of each month moves the last instalment, by no more than the months can add up to.
        let (first, last) = (payments[0].0, payments[payments.len() - 1].0);
        let slack = (1.0 + f64::from(rate) / 10_000.0).powi(n as i32) * f64::from(n) + 1.0;
        prop_assert!(((first - last).abs() as f64) <= slack, "{} {} {}", first, last, slack);
    }
}

#[test]
fn worked_schedule_of_price() {
    // PR1: interest, amortisation and balance of each month.
    let payments: Vec<(u32, Centavos)> = price(Centavos(100_000), BasisPoints(199), 6)
        .expect("six")
        .into_iter()
        .map(|part| (30, part))
        .collect();
    let amortised = plan::amortised(Centavos(100_000), BasisPoints(199), &payments);
    let parts: Vec<i64> = amortised.iter().map(|(_, part)| part.0).collect();
    assert_eq!(parts, [15_857, 16_173, 16_494, 16_823, 17_157, 17_496]);
    let interest: Vec<i64> = payments
        .iter()
        .zip(&parts)
        .map(|((_, payment), part)| payment.0 - part)
        .collect();
    assert_eq!(interest, [1_990, 1_674, 1_353, 1_024, 690, 348]);
}

#[test]
fn a_lender_states_the_effective_cost() {
    let mut policy = Policy::standard();
    policy.instalments.juros_month = BasisPoints(199);
    let debtor = debtor(vec![contract(123_456, date(2026, 10, 10))]);
    let cost = |policy: &Policy| {
        let offers = offers(policy, &debtor, TODAY).expect("something is owed");
        offers.plan_with(6).expect("six are allowed").cet
    };
    assert_eq!(cost(&policy), None, "a plain creditor has none");
    policy.instalments.lender = true;
    let without = cost(&policy).expect("a cost");
    policy.instalments.iof = Iof {
        fixed: BasisPoints(38),
        daily_ppm: 82,
    };
    let with = cost(&policy).expect("a cost");
    assert!(
        BasisPoints(2_000) < without && without < with,
        "{without} {with}"
    );
}

#[test]
fn the_score_chooses_the_first_rung() {
    let mut policy = Policy::standard();
    policy.scores = vec![crate::mind::policy::ScoreRung {
        from: 0,
        to: 30,
        rung: 1,
    }];
    let offered = |score| {
        let debtor = Debtor {
            score,
            ..debtor(vec![contract(100_000, date(2026, 11, 3))])
        };
        let offers = offers(&policy, &debtor, date(2026, 11, 23)).expect("something is owed");
        assert_eq!(
            audit(&policy, &debtor, date(2026, 11, 23), &offers.cash),
            []
        );
        (offers.cash.total, offers.improvements.len())
    };
    let (likely, steps) = offered(Some(80));
    let (unlikely, none_left) = offered(Some(10));
    assert!(unlikely < likely && steps == 1 && none_left == 0);
    assert_eq!(offered(None), (likely, steps));
}

#[test]
fn a_broken_agreement_gives_the_debt_back_less_what_was_paid() {
    use breach::{Standing, owed_again, standing};
    let contracts = vec![contract(123_456, date(2026, 10, 10))];
    let offers = offered(123_456, date(2026, 10, 10), TODAY);
    let plan = offers.plan_with(2).expect("two are allowed");
    let first = plan.instalments[0];
    let day = |days| calendar::add_days(first.due, days);
    assert_eq!(standing(&plan, Centavos::ZERO, first.due), Standing::Kept);
    assert_eq!(
        standing(&plan, Centavos::ZERO, day(5)),
        Standing::Late { due: first.due }
    );
    assert_eq!(
        standing(&plan, Centavos::ZERO, day(6)),
        Standing::Broken { due: first.due }
    );
    assert_eq!(standing(&plan, first.amount, day(6)), Standing::Kept);
    assert_eq!(standing(&plan, plan.total, day(90)), Standing::Settled);
    let owed = owed_again(&contracts, first.amount, day(40), None);
    let total = update(&contracts[0], day(40), None).total;
    assert_eq!(owed, [("98764321".to_owned(), total - first.amount)]);
    assert_eq!(
        owed_again(&contracts, Centavos(1_000_000), TODAY, None)[0].1,
        Centavos::ZERO
    );
}

#[test]
fn after_two_broken_agreements_nothing_is_taken_off() {
    let debtor = debtor(vec![contract(98_765, date(2026, 2, 10))]);
    let wary = Policy::standard().after_breaches(2);
    let offers_of = |policy: &Policy| offers(policy, &debtor, TODAY).expect("something is owed");
    assert_eq!(offers_of(&wary).cash.total, offers_of(&wary).updated.total);
    assert!(offers_of(&wary).plan_with(2).expect("two").entrada > Centavos::ZERO);
    let trusting = Policy::standard().after_breaches(1);
    assert_eq!(trusting, Policy::standard());
}

fn any_band_policy() -> impl Strategy<Value = Policy> {
    let rate = || 0i32..=10_000;
    let band = (rate(), 0i32..=6_000, rate(), 0i32..=6_000, 1u32..40);
    (
        any_policy(),
        prop::collection::vec(band, 6),
        1i64..50_000,
        0i64..50_000,
    )
        .prop_map(|(mut policy, bands, minimum, entrada_min)| {
            let drawn = policy.bands.iter_mut().zip(bands);
            for (band, (encargos, principal, more_encargos, more_principal, most)) in drawn {
                band.cash = Discount {
                    encargos: BasisPoints(encargos),
                    principal: BasisPoints(principal),
                };
                let better = Discount {
                    encargos: BasisPoints(encargos.max(more_encargos)),
                    principal: BasisPoints(principal.max(more_principal)),
                };
                band.improvements = vec![better];
                band.plan = Discount {
                    encargos: BasisPoints(encargos / 2),
                    principal: BasisPoints(principal / 2),
                };
                band.instalments_max = most;
            }
            policy.instalments.minimum = Centavos(minimum);
            policy.instalments.entrada_min = Centavos(entrada_min);
            policy
        })
}

/// What must hold of every offer to everybody under every policy.
fn keeps_the_policy(
    policy: &Policy,
    debtor: &Debtor,
    n: u32,
    amount: i64,
    first: i32,
) -> Result<(), TestCaseError> {
    let Ok(offers) = offers(policy, debtor, TODAY) else {
        return Ok(());
    };
    let (Counter::Inside(counter) | Counter::Nearest(counter)) =
        offers.counter(Some(Centavos(amount)), (n > 0).then_some(n));
    let dated = offers
        .with_date(&counter, calendar::add_days(TODAY, first))
        .ok();
    let all = offers
        .improvements
        .iter()
        .chain(&offers.plans)
        .chain([&offers.cash, &counter])
        .chain(&dated);
    for offer in all {
        let parts: Centavos = offer.instalments.iter().map(|one| one.amount).sum();
        prop_assert_eq!(parts, offer.total);
        prop_assert!(offer.total - offer.interest <= offers.updated.total);
        prop_assert_eq!(audit(policy, debtor, TODAY, offer), [], "{:?}", offer);
    }
    Ok(())
}

/// A million debts under a million policies.
#[test]
#[ignore = "a million random debts and policies; two minutes in release"]
fn a_million_debts_and_policies() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1_000_000));
    let contracts = prop::collection::vec(any_contract(), 1..4);
    let drawn = (
        contracts,
        any_band_policy(),
        0u32..40,
        0i64..3_000_000,
        -2i32..50,
    );
    runner
        .run(&drawn, |(contracts, policy, n, amount, first)| {
            keeps_the_policy(&policy, &debtor(contracts), n, amount, first)
        })
        .expect("every offer keeps the policy");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn bands_of_any_policy_are_kept(
        contracts in prop::collection::vec(any_contract(), 1..4),
        policy in any_band_policy(),
        n in 0u32..40,
        amount in 0i64..3_000_000,
        first in -2i32..50,
    ) {
        keeps_the_policy(&policy, &debtor(contracts), n, amount, first)?;
    }
}
