//! Values everyone speaks of. Each carries its own rules; none does I/O.

mod ascii;
pub mod boleto;
pub mod calendar;
mod centavos;
mod cnpj;
mod cpf;
mod holidays;
mod ids;
mod moment;
mod phone;
pub mod pix;
mod uf;

pub use ascii::{fold, transliterate};
pub use centavos::{BasisPoints, Centavos, MoneyError, RateError};
pub use cnpj::{Cnpj, CnpjError};
pub use cpf::{Cpf, CpfError, Zeros};
pub use ids::{AgreementId, CallId, DebtorId};
pub use moment::Moment;
pub use phone::{NinthDigit, Normalised, Phone, PhoneError, PhoneKind, uf_of};
pub use uf::{Uf, UfError};

/// A civil date: due dates and promises have no time of day.
pub type Date = jiff::civil::Date;
