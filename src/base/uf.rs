//! The states of Brazil.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($($uf:ident, $name:literal, $zone:literal;)*) => {
        /// A state of Brazil or the Federal District.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Uf { $($uf,)* }

        impl Uf {
            /// All 27, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$uf,)*];

            /// The two letters.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$uf => stringify!($uf),)* }
            }

            /// The name in full, as it is spoken.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$uf => $name,)* }
            }

            /// The IANA zone of the capital. The far west of Amazonas and the island of Noronha differ.
            pub const fn time_zone(self) -> &'static str {
                match self { $(Self::$uf => $zone,)* }
            }
        }
    };
}

states! {
    AC, "Acre", "America/Rio_Branco";
    AL, "Alagoas", "America/Maceio";
    AM, "Amazonas", "America/Manaus";
    AP, "Amapá", "America/Belem";
    BA, "Bahia", "America/Bahia";
    CE, "Ceará", "America/Fortaleza";
    DF, "Distrito Federal", "America/Sao_Paulo";
    ES, "Espírito Santo", "America/Sao_Paulo";
    GO, "Goiás", "America/Sao_Paulo";
    MA, "Maranhão", "America/Fortaleza";
    MG, "Minas Gerais", "America/Sao_Paulo";
    MS, "Mato Grosso do Sul", "America/Campo_Grande";
    MT, "Mato Grosso", "America/Cuiaba";
    PA, "Pará", "America/Belem";
    PB, "Paraíba", "America/Fortaleza";
    PE, "Pernambuco", "America/Recife";
    PI, "Piauí", "America/Fortaleza";
    PR, "Paraná", "America/Sao_Paulo";
    RJ, "Rio de Janeiro", "America/Sao_Paulo";
    RN, "Rio Grande do Norte", "America/Fortaleza";
    RO, "Rondônia", "America/Porto_Velho";
    RR, "Roraima", "America/Boa_Vista";
    RS, "Rio Grande do Sul", "America/Sao_Paulo";
    SC, "Santa Catarina", "America/Sao_Paulo";
    SE, "Sergipe", "America/Maceio";
    SP, "São Paulo", "America/Sao_Paulo";
    TO, "Tocantins", "America/Araguaina";
}

/// The text is not one of the 27 codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("«{found}» não é uma UF")]
pub struct UfError {
    found: String,
}

impl FromStr for Uf {
    type Err = UfError;
    fn from_str(text: &str) -> Result<Self, UfError> {
        let code = text.trim();
        let found = Self::ALL
            .iter()
            .find(|uf| uf.code().eq_ignore_ascii_case(code));
        found.copied().ok_or_else(|| UfError {
            found: code.to_owned(),
        })
    }
}

impl fmt::Display for Uf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_seven_states_in_known_zones() {
        assert_eq!(Uf::ALL.len(), 27);
        for uf in Uf::ALL {
            assert_eq!(uf.code().to_lowercase().parse::<Uf>(), Ok(*uf));
            assert!(jiff::tz::TimeZone::get(uf.time_zone()).is_ok(), "{uf}");
        }
        assert!("XX".parse::<Uf>().is_err());
    }
}
