//! The check digits of both families.

/// Weights 2, 1, 2, 1… from the right; a product above 9 counts as the sum of its digits.
pub fn modulo10(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([2, 1].into_iter().cycle())
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .map(|product| if product > 9 { product - 9 } else { product })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

/// The DV geral of a bank boleto: weights 2…9 from the right; 0, 10 and 11 become 1.
pub fn modulo11_bank(digits: impl DoubleEndedIterator<Item = u8>) -> u8 {
    match 11 - weighted(digits) % 11 {
        10 | 11 => 1,
        check => check as u8,
    }
}

/// Modulo 11 of arrecadação: the same weights, but a remainder of 0 or 1 gives 0.
pub fn modulo11_arrecadacao(digits: impl DoubleEndedIterator<Item = u8>) -> u8 {
    match weighted(digits) % 11 {
        0 | 1 => 0,
        rest => (11 - rest) as u8,
    }
}

fn weighted(digits: impl DoubleEndedIterator<Item = u8>) -> u32 {
    digits
        .rev()
        .zip((2..=9).cycle())
        .map(|(digit, weight)| u32::from(digit) * weight)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_examples() {
        assert_eq!(modulo10(&[3, 4, 1, 9, 1, 0, 9, 9, 8]), 2);
        assert_eq!(
            modulo11_arrecadacao([8, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0].into_iter()),
            6
        );
    }
}
