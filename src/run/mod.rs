//! All that is asynchronous in a call: lines, voices, recorder, effects, start and shutdown.

mod chronicle;
mod effects;
mod exchange;
pub mod kit;
mod line;
mod opinion;
#[cfg_attr(
    not(feature = "espeak"),
    expect(
        dead_code,
        reason = "only voices of Piper are slow, and they need espeak"
    )
)]
#[cfg(feature = "espeak")]
mod patient;
pub mod phrases;
mod recorder;
mod reload;
mod server;
pub mod voices;

pub use effects::{EffectError, issue};
pub use exchange::brief_for;
pub use kit::{Kit, KitError, Sources};
pub use opinion::transcriber;
pub use recorder::{LogHeader, read_log, write_log};
pub use server::{Server, ServerError};
