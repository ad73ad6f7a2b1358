//! Holidays of the states, by their laws as the Python package `holidays` 0.109 lists them for Brazil. Those that their
//! law moves to a Sunday (Santa Catarina) close nothing; those of towns are not in it.

use jiff::civil::Weekday;

use super::{Date, Uf};

/// Month, day and name of the fixed holidays of a state (Lei 9.093/1995 art. 1 II allows one, most have more).
const fn fixed(uf: Uf) -> &'static [(i8, i8, &'static str)] {
    match uf {
        Uf::AC => &[(1, 23, "Dia do Evangélico"), (6, 15, "Aniversário do Acre")],
        Uf::AL => &[
            (6, 24, "São João"),
            (6, 29, "São Pedro"),
            (9, 16, "Emancipação Política de Alagoas"),
            (11, 30, "Dia do Evangélico"),
        ],
        Uf::AM => &[(9, 5, "Elevação do Amazonas a Província")],
        Uf::AP => &[
            (3, 19, "São José"),
            (7, 25, "São Tiago"),
            (9, 13, "Criação do Território Federal"),
        ],
        Uf::BA => &[(7, 2, "Independência da Bahia")],
        Uf::CE => &[
            (3, 19, "São José"),
            (3, 25, "Data Magna do Ceará"),
            (8, 15, "Nossa Senhora da Assunção"),
        ],
        Uf::DF => &[(11, 30, "Dia do Evangélico")],
        Uf::GO => &[
            (7, 26, "Fundação da Cidade de Goiás"),
            (10, 24, "Pedra Fundamental de Goiânia"),
        ],
        Uf::MA => &[(7, 28, "Adesão do Maranhão à Independência")],
        Uf::MS => &[(10, 11, "Criação do Estado")],
        Uf::PA => &[(8, 15, "Adesão do Grão-Pará à Independência")],
        Uf::PB => &[(8, 5, "Fundação do Estado")],
        Uf::PE => &[(3, 6, "Data Magna de Pernambuco")],
        Uf::PI => &[(10, 19, "Dia do Piauí")],
        Uf::RJ => &[(4, 23, "São Jorge")],
        Uf::RN => &[
            (8, 7, "Dia do Rio Grande do Norte"),
            (10, 3, "Mártires de Cunhaú e Uruaçu"),
        ],
        Uf::RO => &[(1, 4, "Criação do Estado"), (6, 18, "Dia do Evangélico")],
        Uf::RR => &[(10, 5, "Criação do Estado")],
        Uf::RS => &[(9, 20, "Dia do Gaúcho")],
        Uf::SE => &[(7, 8, "Emancipação Política de Sergipe")],
        Uf::SP => &[(7, 9, "Revolução Constitucionalista")],
        Uf::TO => &[
            (3, 18, "Autonomia do Estado"),
            (9, 8, "Nossa Senhora da Natividade"),
            (10, 5, "Criação do Estado"),
        ],
        Uf::ES | Uf::MG | Uf::MT | Uf::PR | Uf::SC => &[],
    }
}

/// Those of Acre that are kept on a Friday when they fall on a Tuesday, Wednesday or Thursday.
const MOVED_IN_ACRE: [(i8, i8, &str); 3] = [
    (3, 8, "Dia Internacional da Mulher"),
    (9, 5, "Dia da Amazônia"),
    (11, 17, "Tratado de Petrópolis"),
];

/// The name of the state's own holiday on a day; `from_easter` counts its days from Easter Sunday.
pub(super) fn of(uf: Uf, day: Date, from_easter: i32) -> Option<&'static str> {
    let is_on = |month, number| (day.month(), day.day()) == (month, number);
    let name = |(.., name): &(i8, i8, &'static str)| *name;
    match uf {
        Uf::ES if from_easter == 8 => Some("Nossa Senhora da Penha"),
        Uf::AC if moved_here(day).is_some() => moved_here(day),
        uf => fixed(uf).iter().find(|(m, d, _)| is_on(*m, *d)).map(name),
    }
}

fn moved_here(day: Date) -> Option<&'static str> {
    MOVED_IN_ACRE.into_iter().find_map(|(month, number, name)| {
        let legal = Date::new(day.year(), month, number).ok()?;
        let kept = match legal.weekday() {
            Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday => {
                legal.nth_weekday(1, Weekday::Friday).ok()?
            }
            _ => legal,
        };
        (kept == day).then_some(name)
    })
}
