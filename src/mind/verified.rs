//! Debt facts exist only after the right party was verified.

use serde::{Deserialize, Serialize};

/// Proof that the person on the line is the debtor. Only [`Verified::by_digits`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Verified(());

impl Verified {
    /// The first three digits of the CPF, spoken or keyed, against the ones on file. One chance in a thousand.
    pub fn by_digits(given: &str, on_file: &str) -> Option<Self> {
        (given.len() == 3 && on_file.len() == 3 && given == on_file).then_some(Self(()))
    }
}

/// A value that nobody reads without the proof. `Debug` shows nothing of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed<T>(T);

impl<T> Sealed<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    pub const fn open(&self, _proof: &Verified) -> &T {
        &self.0
    }
}

impl<T> std::fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_right_digits_open_the_account() {
        assert!(Verified::by_digits("111", "111").is_some());
        for wrong in ["112", "11", "1111", ""] {
            assert!(
                Verified::by_digits(wrong, "111").is_none(),
                "{wrong} opened the account"
            );
        }
    }

    #[test]
    fn what_is_sealed_does_not_show() {
        assert_eq!(format!("{:?}", Sealed::new("R$ 1.234,56")), "Sealed(…)");
    }
}
