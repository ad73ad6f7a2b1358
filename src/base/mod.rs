//! Values everyone speaks of. Each carries its own rules; none does I/O.

mod centavos;
mod ids;
mod moment;

pub use centavos::{BasisPoints, Centavos};
pub use ids::{AgreementId, CallId, DebtorId};
pub use moment::Moment;

/// A civil date: due dates and promises have no time of day.
pub type Date = jiff::civil::Date;
