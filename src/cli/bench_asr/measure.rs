//! Figures of a measurement: shares with their intervals, mistaken digits, the error at which two kinds are told apart.

use serde::Serialize;

/// A share and its 95 % interval (Wilson's score interval), each 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    pub of: f64,
    pub low: f64,
    pub high: f64,
}

impl Share {
    pub fn of(hits: usize, n: usize) -> Self {
        if n == 0 {
            return Self::default();
        }
        let (n, z) = (n as f64, 1.96_f64);
        let of = hits as f64 / n;
        let whole = 1.0 + z * z / n;
        let centre = (of + z * z / (2.0 * n)) / whole;
        let half = z * (of * (1.0 - of) / n + z * z / (4.0 * n * n)).sqrt() / whole;
        Self {
            of,
            low: (centre - half).max(0.0),
            high: (centre + half).min(1.0),
        }
    }
}

/// Tags that have to be put in, left out or changed to make one list of the other (Levenshtein).
pub fn distance(from: &[&str], to: &[&str]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, left) in from.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in to.iter().enumerate() {
            let change = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

/// What happens to two kinds of recordings at a threshold of confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rejection {
    /// Answers to other questions that were tried.
    pub foreign: usize,
    /// The share at which as many of them pass as own answers are refused.
    pub equal_error: f64,
    /// Foreign ones that pass when 5 % of the own answers are refused, and the confidence at which that is so.
    pub passed_at_5: f64,
    pub threshold_at_5: f32,
}

/// From the confidence of own answers and of foreign ones; `None` without either.
pub fn rejection(own: &[f32], foreign: &[f32]) -> Option<Rejection> {
    if own.is_empty() || foreign.is_empty() {
        return None;
    }
    let mut own = own.to_vec();
    own.sort_by(f32::total_cmp);
    let passed = |at: f32| share(foreign, |confidence| confidence >= at);
    let refused = |at: f32| share(&own, |confidence| confidence < at);
    let equal_error = own
        .iter()
        .chain(foreign)
        .map(|&at| (passed(at), refused(at)))
        .min_by(|left, right| {
            (left.0 - left.1)
                .abs()
                .total_cmp(&(right.0 - right.1).abs())
        })
        .map_or(0.0, |(passed, refused)| (passed + refused) / 2.0);
    let threshold_at_5 = own[own.len() / 20];
    Some(Rejection {
        foreign: foreign.len(),
        equal_error,
        passed_at_5: passed(threshold_at_5),
        threshold_at_5,
    })
}

fn share(all: &[f32], meets: impl Fn(f32) -> bool) -> f64 {
    all.iter().filter(|&&one| meets(one)).count() as f64 / all.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_tables() {
        let share = Share::of(160, 160);
        assert!(
            (share.low - 0.9765).abs() < 1e-3 && share.high > 0.9999,
            "{share:?}"
        );
        let share = Share::of(8, 10);
        assert!((share.low - 0.4901).abs() < 1e-3 && (share.high - 0.9433).abs() < 1e-3);
        assert_eq!(Share::of(0, 0), Share::default());
    }

    #[test]
    fn distance_counts_changes() {
        assert_eq!(distance(&["1", "2", "3"], &["1", "3"]), 1);
        assert_eq!(distance(&["1", "2"], &["2", "1"]), 2);
        assert_eq!(distance(&[], &["9"]), 1);
    }

    #[test]
    fn kinds_that_differ_are_told_apart() {
        let apart = rejection(&[0.8, 0.9], &[0.1, 0.2]).expect("both kinds");
        assert_eq!((apart.equal_error, apart.passed_at_5), (0.0, 0.0));
        let mixed = rejection(&[0.1, 0.9], &[0.1, 0.9]).expect("both kinds");
        assert!(mixed.equal_error > 0.2);
        assert_eq!(rejection(&[], &[0.1]), None);
    }
}
