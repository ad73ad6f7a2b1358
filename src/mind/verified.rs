//! Debt facts exist only after the right party was verified.

use serde::{Deserialize, Serialize};

/// Proof that the person on the line is the debtor. Only
/// [`Verified::by_digits`] and [`Verified::by_birth`] make one.
#[derive(Clone, Copy, Debug)]
pub struct Verified(());

impl Verified {
    /// Day and month of birth against the ones on file. One chance in 365.
    pub fn by_birth(given: Option<(u8, u8)>, on_file: Option<(i8, i8)>) -> Option<Self> {
        let ((day, month), (filed_day, filed_month)) = given.zip(on_file)?;
        (i16::from(day) == i16::from(filed_day) && i16::from(month) == i16::from(filed_month))
            .then_some(Self(()))
    }

    /// The first three digits of the CPF, spoken or keyed, against the ones on file. One chance in a thousand.
    pub fn by_digits(given: &str, on_file: &str) -> Option<Self> {
        (given.len() == 3 && on_file.len() == 3 && given == on_file).then_some(Self(()))
    }
}

/// A value that nobody reads without the proof. `Debug` shows nothing of it.
///
/// ```
/// # use combinado::mind::verified::{Sealed, Verified};
/// let owed = Sealed::new(127_653);
/// let proof = Verified::by_digits("111", "111").expect("the right digits");
/// assert_eq!(*owed.open(&proof), 127_653);
/// ```
///
/// There is no other way to a debt fact. The value is private:
/// ```compile_fail,E0616
/// # use combinado::mind::verified::Sealed;
/// let owed = Sealed::new(127_653);
/// println!("{}", owed.0);
/// ```
/// It cannot be rendered:
/// ```compile_fail,E0277
/// # use combinado::mind::verified::Sealed;
/// let owed = Sealed::new(127_653);
/// println!("{owed}");
/// ```
/// It does not open without a proof:
/// ```compile_fail,E0061
/// # use combinado::mind::verified::Sealed;
/// let owed = Sealed::new(127_653);
/// println!("{}", owed.open());
/// ```
/// And nobody makes a proof but the comparison:
/// ```compile_fail,E0423
/// # use combinado::mind::verified::{Sealed, Verified};
/// let owed = Sealed::new(127_653);
/// println!("{}", owed.open(&Verified(())));
/// ```
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
    fn day_and_month_of_birth_open_it_too() {
        assert!(Verified::by_birth(Some((21, 3)), Some((21, 3))).is_some());
        for (given, on_file) in [
            (Some((3, 21)), Some((21, 3))),
            (None, Some((21, 3))),
            (Some((21, 3)), None),
            (None, None),
        ] {
            assert!(Verified::by_birth(given, on_file).is_none());
        }
    }

    #[test]
    fn what_is_sealed_does_not_show() {
        assert_eq!(format!("{:?}", Sealed::new("R$ 1.234,56")), "Sealed(…)");
    }
}
