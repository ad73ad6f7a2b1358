//! Twenty invented debtors, for the demonstration, the simulation and the tests.
//!
//! Nobody here exists. The telephone numbers are in 9 0000-01xx, which no operator hands out; the CPFs are computed.

use uuid::Uuid;

use crate::base::{
    BasisPoints, Centavos, Cnpj, Cpf, Date, DebtorId, Phone, Uf, calendar, fold, uf_of,
};
use crate::language::verbalise;
use crate::mind::debt::{Contract, Creditor, Debtor, JurosBasis};

/// One invented person.
struct Person {
    name: &'static str,
    social_name: Option<&'static str>,
    /// The first nine digits of the CPF.
    cpf: [u8; 9],
    /// Year, month, day.
    birth: (i16, i8, i8),
    ddds: &'static [u8],
    bills: &'static [Bill],
}

/// One overdue bill: what for, how much, how many days late.
struct Bill {
    what: What,
    centavos: i64,
    days: i32,
}

/// What the creditor sells.
#[derive(Clone, Copy)]
enum What {
    Internet,
    Celular,
    Tv,
    Cartao,
    Energia,
    Curso,
}

use What::{Cartao, Celular, Curso, Energia, Internet, Tv};

/// The first is the debtor of the worked example (1.234,56 due on 10 October).
const PEOPLE: [Person; 20] = [
    person(
        "João da Silva",
        [1, 1, 1, 4, 4, 4, 7, 7, 7],
        (1985, 3, 21),
        &[11],
        &[bill(Internet, 123_456, 42)],
    ),
    person(
        "Ana Paula Ferreira",
        [3, 9, 0, 5, 3, 3, 4, 4, 7],
        (1990, 7, 2),
        &[21, 21],
        &[bill(Celular, 8_990, 8)],
    ),
    person(
        "Maria de Lourdes Pereira",
        [2, 4, 6, 8, 0, 1, 3, 5, 4],
        (1951, 1, 30),
        &[31],
        &[bill(Energia, 23_157, 19)],
    ),
    person(
        "Carlos Eduardo Santos",
        [3, 1, 4, 1, 5, 9, 2, 6, 8],
        (1978, 11, 5),
        &[71],
        &[bill(Cartao, 98_765, 284)],
    ),
    person(
        "Rosângela Batista",
        [1, 6, 1, 8, 0, 3, 3, 9, 6],
        (1966, 9, 14),
        &[85],
        &[bill(Tv, 15_990, 75)],
    ),
    person(
        "Thiago Souza Lima",
        [2, 7, 1, 8, 2, 8, 1, 8, 0],
        (1995, 12, 1),
        &[51],
        &[bill(Internet, 45_990, 638)],
    ),
    person(
        "Francisca Alves do Nascimento",
        [1, 4, 1, 4, 2, 1, 3, 5, 3],
        (1959, 4, 18),
        &[88],
        &[bill(Energia, 12_740, 35), bill(Energia, 13_110, 65)],
    ),
    person(
        "Pedro Henrique Moraes",
        [1, 7, 3, 2, 0, 5, 0, 8, 5],
        (2001, 2, 27),
        &[62],
        &[bill(Celular, 5_990, 27)],
    ),
    person(
        "Luiza Cardoso",
        [2, 2, 3, 6, 0, 6, 7, 9, 2],
        (1988, 6, 9),
        &[48],
        &[bill(Curso, 250_000, 120)],
    ),
    Person {
        social_name: Some("Bianca Rocha"),
        ..person(
            "Bruno Rocha",
            [2, 6, 4, 5, 7, 5, 1, 3, 0],
            (1993, 8, 23),
            &[19],
            &[bill(Tv, 18_730, 50)],
        )
    },
    person(
        "José Carlos de Oliveira",
        [3, 3, 1, 6, 6, 2, 4, 7, 5],
        (1962, 10, 12),
        &[92],
        &[bill(Cartao, 340_000, 190)],
    ),
    person(
        "Maria Clara dos Santos",
        [3, 6, 0, 5, 5, 5, 1, 2, 3],
        (1999, 5, 6),
        &[81, 81],
        &[bill(Internet, 32_980, 58)],
    ),
    person(
        "Antônio Marcos Ribeiro",
        [3, 8, 7, 2, 9, 8, 3, 3, 4],
        (1971, 3, 3),
        &[65],
        &[bill(Energia, 41_200, 96)],
    ),
    person(
        "Débora Martins Teixeira",
        [4, 1, 2, 3, 1, 0, 5, 6, 2],
        (1984, 12, 29),
        &[27],
        &[bill(Curso, 85_000, 45)],
    ),
    person(
        "Raimundo Nonato Costa",
        [4, 3, 5, 8, 8, 9, 8, 9, 4],
        (1956, 8, 31),
        &[98],
        &[bill(Celular, 7_490, 14)],
    ),
    person(
        "Camila Nogueira",
        [4, 5, 8, 2, 5, 7, 5, 6, 9],
        (1997, 1, 15),
        &[41],
        &[
            bill(Cartao, 67_520, 83),
            bill(Cartao, 71_300, 52),
            bill(Internet, 10_990, 33),
        ],
    ),
    person(
        "Sebastião Gomes",
        [4, 7, 9, 5, 8, 3, 1, 5, 2],
        (1948, 1, 20),
        &[68],
        &[bill(Tv, 9_990, 5)],
    ),
    person(
        "Patrícia Barros Azevedo",
        [5, 0, 0, 1, 0, 0, 2, 0, 0],
        (1980, 2, 14),
        &[61],
        &[bill(Cartao, 1_280_000, 410)],
    ),
    person(
        "Vítor Hugo Farias",
        [5, 1, 9, 6, 1, 5, 2, 4, 2],
        (1992, 9, 7),
        &[79],
        &[bill(Curso, 174_300, 155)],
    ),
    // A claim that is no longer collected, beside one that is.
    person(
        "Helena Duarte",
        [5, 3, 8, 5, 1, 6, 4, 8, 0],
        (1975, 7, 19),
        &[84],
        &[bill(Celular, 21_450, 1_900), bill(Internet, 19_980, 40)],
    ),
];

const fn person(
    name: &'static str,
    cpf: [u8; 9],
    birth: (i16, i8, i8),
    ddds: &'static [u8],
    bills: &'static [Bill],
) -> Person {
    Person {
        name,
        social_name: None,
        cpf,
        birth,
        ddds,
        bills,
    }
}

const fn bill(what: What, centavos: i64, days: i32) -> Bill {
    Bill {
        what,
        centavos,
        days,
    }
}

/// The same twenty people for the same day.
pub fn demo(today: Date) -> Vec<Debtor> {
    (1..)
        .zip(&PEOPLE)
        .map(|(n, person)| debtor(n, person, today))
        .collect()
}

/// The company that lent its name to the demonstration.
pub fn creditor() -> Creditor {
    Creditor {
        name: "Credora Exemplo".to_owned(),
        brand: "Credora Exemplo".to_owned(),
        cnpj: Cnpj::parse("11222333000181").expect("the check digits are computed"),
        official_phone: "zero oitocentos, sete dois dois, um dois três quatro".to_owned(),
        official_channel: "site da Credora Exemplo".to_owned(),
        address: "Rua Exemplo, 100, São Paulo, SP, 01310-100".to_owned(),
    }
}

fn debtor(n: u32, person: &Person, today: Date) -> Debtor {
    let ddd = person.ddds.first().copied().unwrap_or(11);
    let (year, month, day) = person.birth;
    Debtor {
        id: DebtorId(Uuid::new_v5(
            &Uuid::NAMESPACE_URL,
            format!("urn:combinado:demo:{n}").as_bytes(),
        )),
        name: person.name.to_owned(),
        social_name: person.social_name.map(str::to_owned),
        cpf: Cpf::from_base(person.cpf).expect("no nine of them are equal"),
        birth: Date::new(year, month, day).ok(),
        phones: (0..)
            .zip(person.ddds)
            .map(|(k, &ddd)| phone(ddd, n, k))
            .collect(),
        uf: uf_of(ddd).unwrap_or(Uf::SP),
        email: Some(format!(
            "{}{n}@debtor.example",
            fold(person.name).split(' ').next().unwrap_or_default()
        )),
        creditor: creditor(),
        score: None,
        contracts: (1..)
            .zip(person.bills)
            .map(|(k, bill)| contract(n, k, bill, today))
            .collect(),
    }
}

/// `DD 9 0000-01NN`, a second number of the same person `DD 9 0000-02NN`.
fn phone(ddd: u8, n: u32, k: u32) -> Phone {
    let text = format!("{ddd}90000{:04}", (k + 1) * 100 + n);
    Phone::parse(&text).expect("an existing area code and nine digits that begin with 9")
}

fn contract(n: u32, k: u32, bill: &Bill, today: Date) -> Contract {
    let due = calendar::add_days(today, -bill.days);
    Contract {
        number: format!("{:04}{:04}", 9_876 + n, 4_321 + 111 * n + 1_000 * (k - 1)),
        description: description(bill.what, due, today),
        principal: Centavos(bill.centavos),
        due,
        multa: BasisPoints(200),
        juros_month: BasisPoints(100),
        juros_basis: JurosBasis::MonthOf30,
        correcao: BasisPoints::ZERO,
        prescription_years: 5,
    }
}

/// "a fatura de internet de outubro", "a mensalidade do curso de março de dois mil e vinte e cinco".
fn description(what: What, due: Date, today: Date) -> String {
    let noun = match what {
        Internet => "a fatura de internet",
        Celular => "a fatura do celular",
        Tv => "a fatura da TV por assinatura",
        Cartao => "a fatura do cartão da loja",
        Energia => "a conta de energia",
        Curso => "a mensalidade do curso",
    };
    let month = verbalise::month(due);
    if due.year() == today.year() {
        return format!("{noun} de {month}");
    }
    let year = u64::from(due.year().unsigned_abs());
    format!(
        "{noun} de {month} de {}",
        verbalise::integer(year, verbalise::Gender::Masculine)
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::mind::offer::{self, audit};
    use crate::mind::policy::Policy;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 23);

    #[test]
    fn is_the_same_every_time_and_nobody_is_there_twice() {
        let people = demo(TODAY);
        assert_eq!(people.len(), 20);
        assert!(people == demo(TODAY));
        let unique =
            |values: Vec<String>| values.iter().collect::<BTreeSet<_>>().len() == values.len();
        assert!(unique(
            people.iter().map(|debtor| debtor.id.to_string()).collect()
        ));
        assert!(unique(
            people.iter().map(|debtor| debtor.cpf.digits()).collect()
        ));
        assert!(unique(
            people
                .iter()
                .flat_map(|debtor| &debtor.phones)
                .map(|phone| phone.e164())
                .collect()
        ));
        let contracts = people.iter().flat_map(|debtor| &debtor.contracts);
        assert!(unique(
            contracts.map(|contract| contract.number.clone()).collect()
        ));
    }

    #[test]
    fn the_first_is_the_worked_example() {
        let joao = &demo(TODAY)[0];
        assert_eq!(
            (joao.spoken_name().as_str(), joao.cpf.first_three().as_str()),
            ("João", "111")
        );
        assert_eq!(
            joao.contracts[0].description,
            "a fatura de internet de outubro"
        );
        assert_eq!(joao.contracts[0].tail(), "4432");
        let offers = offer::offers(&Policy::standard(), joao, TODAY).expect("overdue");
        assert_eq!(
            (offers.updated.total.0, offers.cash.total.0),
            (127_653, 123_456)
        );
    }

    /// On any day of two years everybody can be made an offer, and every band has somebody in it.
    #[test]
    fn everybody_can_be_made_an_offer_on_any_day() {
        let policy = Policy::standard();
        let mut bands = BTreeSet::new();
        for days in 0..730_i32 {
            let today = crate::base::calendar::add_days(TODAY, days);
            for debtor in demo(today) {
                let Ok(offers) = offer::offers(&policy, &debtor, today) else {
                    panic!("{}", debtor.id)
                };
                assert_eq!(audit(&policy, &debtor, today, &offers.cash), []);
                bands.extend(policy.band(offers.updated.days).map(|band| band.from));
                assert!(
                    !debtor
                        .contracts
                        .iter()
                        .any(|contract| contract.description.contains(char::is_numeric))
                );
            }
        }
        assert_eq!(bands.len(), policy.bands.len());
    }

    #[test]
    fn an_old_claim_is_left_alone() {
        let helena = demo(TODAY).pop().expect("twenty people");
        let offers =
            offer::offers(&Policy::standard(), &helena, TODAY).expect("one claim is alive");
        assert_eq!((offers.owed.len(), offers.prescribed.len()), (1, 1));
    }
}
