//! Values into Brazilian Portuguese words. The voice is never given a digit.

mod number;
mod spell;
mod text;
mod when;

pub use number::{Gender, count, counted, integer, money, ordinal, parcelas, percent};
pub use spell::{
    Six, cpf_tail, destination, digits, digits_with, email_destination, letter, line, masked_phone,
    phone, protocol, spelled,
};
pub use text::{Guess, text};
pub use when::{at_time, date, month, time, weekday, weekday_date};

#[cfg(test)]
mod tests;
