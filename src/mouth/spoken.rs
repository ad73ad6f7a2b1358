//! Text as it is written, made ready for a voice: figures into words, words of the trade as they sound.

use super::lexicon;
use crate::base::Date;
use crate::language::verbalise::{self, Guess};

/// What a voice is given for `text`, written on the day `today`. `domestic` are the spellings of an installation.
///
/// # Errors
/// Every piece whose reading would have to be guessed.
pub fn spoken(
    text: &str,
    today: Date,
    domestic: &[(String, String)],
) -> Result<String, Vec<Guess>> {
    verbalise::text(text, today).map(|words| lexicon::respell(&words, domestic))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 23);

    #[test]
    fn golden_cases() {
        let table = include_str!("../../tests/data/verbaliser.tsv");
        let rows: Vec<(&str, &str)> = table
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .collect();
        assert!(rows.len() >= 400, "{} cases", rows.len());
        let wrong: Vec<String> = rows
            .iter()
            .map(|(text, words)| (text, words, spoken(text, TODAY, &[])))
            .filter(|(_, words, said)| said.as_deref() != Ok(*words))
            .map(|(text, words, said)| format!("{text}: «{words}» but {said:?}"))
            .collect();
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            rows.len(),
            wrong.join("\n")
        );
    }

    #[test]
    fn what_would_be_guessed_is_refused() {
        for text in [
            "2 trens",
            "XPTO",
            "31/02",
            "25:00",
            "12/13/14/15",
            "1.23.4",
            "R$ 1,234",
            "7ºº",
            "prtc",
            "99ª9",
            "0012345",
            "200 gatos",
            "3,14159",
            "10//12",
        ] {
            let refused = spoken(text, TODAY, &[]);
            assert!(refused.is_err(), "{text}: {refused:?}");
        }
        let all = spoken("XPTO em 31/02 e 2 trens", TODAY, &[]).expect_err("three");
        assert_eq!(all.len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn no_figure_is_left(text in "[0-9R$,.:/%xhº@a-zA-Z() +-]{0,40}") {
            if let Ok(said) = spoken(&text, TODAY, &[]) {
                proptest::prop_assert!(!said.contains(|c: char| c.is_ascii_digit()), "{text}: {said}");
            }
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,60}") {
            let _ = spoken(&text, TODAY, &[]);
        }
    }
}
