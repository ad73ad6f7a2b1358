//! Configuration: read raw, then checked whole. Flags > `COMBINADO__SECTION__KEY` > file > defaults.

mod checked;
mod raw;

use std::path::Path;

pub use checked::{Agent, Config, Hearing, Issuer, Limits, Sender, Sip, Sms, Speech, Twilio};
pub use raw::Raw;

/// One mistake, with the key it concerns.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Invalid {
    pub key: String,
    pub message: String,
    pub remedy: String,
    /// Line of the file, from 1, where it is known.
    pub line: usize,
    pub column: usize,
}

impl Invalid {
    pub(crate) fn new(key: &str, message: impl Into<String>, remedy: &str) -> Self {
        Self {
            key: key.to_owned(),
            message: message.into(),
            remedy: remedy.to_owned(),
            line: 1,
            column: 1,
        }
    }
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{} {}: {}; {}",
            self.line, self.column, self.key, self.message, self.remedy
        )
    }
}

/// Reads the file, if one is named, lays the environment over it, and checks everything.
///
/// # Errors
/// All mistakes at once.
pub fn load(file: Option<&Path>, environment: &[(String, String)]) -> Result<Config, Vec<Invalid>> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            vec![Invalid::new(
                "--config",
                format!("{} cannot be read: {error}", path.display()),
                "name a file that exists",
            )]
        })?,
        None => String::new(),
    };
    parse(&text, environment)
}

/// Like [`load`], from text.
///
/// # Errors
/// All mistakes at once.
pub fn parse(text: &str, environment: &[(String, String)]) -> Result<Config, Vec<Invalid>> {
    // The form is checked on the text itself, so that a mistake has its line.
    if let Err(error) = toml::from_str::<Raw>(text) {
        let (line, column) =
            crate::mind::script::place(text, error.span().map_or(0, |span| span.start));
        let message = error.message().to_owned();
        return Err(vec![Invalid {
            key: "combinado.toml".into(),
            message,
            remedy: "see docs/configuration.md".into(),
            line,
            column,
        }]);
    }
    let mut table: toml::Table = text.parse().unwrap_or_default();
    raw::overlay(&mut table, environment);
    let raw: Raw = table.try_into().map_err(|error: toml::de::Error| {
        vec![Invalid::new(
            "COMBINADO__…",
            error.message(),
            "correct the environment variable",
        )]
    })?;
    raw.check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_configured_is_a_working_server() {
        let config = parse("", &[]).unwrap();
        assert_eq!(config.http.port(), 8080);
        assert!(matches!(config.sms.sender, Sender::Local));
    }

    #[test]
    fn the_environment_stands_over_the_file() {
        let over = [(
            "COMBINADO__SERVER__HTTP".to_owned(),
            "127.0.0.1:9999".to_owned(),
        )];
        let config = parse("[server]\nhttp = \"127.0.0.1:8081\"\n", &over).unwrap();
        assert_eq!(config.http.port(), 9999);
    }

    #[test]
    fn an_unknown_key_is_a_mistake_with_its_line() {
        let mistakes = parse("[server]\nhttp = \"127.0.0.1:8081\"\nhtpp = 1\n", &[]).unwrap_err();
        assert_eq!(mistakes[0].line, 3);
        assert!(mistakes[0].message.contains("htpp"));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text =
            "[server]\nhttp = \"here\"\n[sip]\nbind = \"5060\"\n[sms]\nsender = \"twilio\"\n";
        let keys: Vec<String> = parse(text, &[])
            .unwrap_err()
            .into_iter()
            .map(|mistake| mistake.key)
            .collect();
        assert_eq!(
            keys,
            [
                "server.http",
                "sip.bind",
                "twilio.account_sid",
                "twilio.auth_token",
                "twilio.from"
            ]
        );
    }
}
