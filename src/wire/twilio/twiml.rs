//! The TwiML with which we answer a voice webhook.

use std::fmt::Write as _;

/// Twilio refuses longer ones (name and value together), so they are left out.
const MAX_PARAMETER: usize = 500;
/// A query string from outside may not blow the answer up.
const MAX_PARAMETERS: usize = 32;

/// Connects the call to our media socket at `url`, in both directions. `parameters` come back in its `start` message:
/// query strings in the URL would not.
pub fn connect_stream<'a>(
    url: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut inside = String::new();
    let fitting = parameters
        .into_iter()
        .filter(|(name, value)| name.len() + value.len() < MAX_PARAMETER);
    for (name, value) in fitting.take(MAX_PARAMETERS) {
        let _ = write!(
            inside,
            r#"<Parameter name="{}" value="{}"/>"#,
            escape(name),
            escape(value)
        );
    }
    response(&format!(
        r#"<Connect><Stream url="{}">{inside}</Stream></Connect>"#,
        escape(url)
    ))
}

/// Says one sentence in Portuguese and hangs up.
pub fn say_and_hang_up(text: &str) -> String {
    response(&format!(
        r#"<Say language="pt-BR">{}</Say><Hangup/>"#,
        escape(text)
    ))
}

fn response(verbs: &str) -> String {
    format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>"#)
}

/// Text that may stand in an XML element or attribute. Characters that XML 1.0 has no way to write are dropped.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_cannot_leave_their_attribute() {
        let twiml = connect_stream(
            "wss://a/b",
            [("from", "\"/><Hangup/>\0"), ("long", &"x".repeat(600))],
        );
        assert_eq!(
            twiml,
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="wss://a/b">"#,
                r#"<Parameter name="from" value="&quot;/&gt;&lt;Hangup/&gt;"/></Stream></Connect></Response>"#
            )
        );
    }

    #[test]
    fn sentence_is_escaped() {
        assert!(
            say_and_hang_up("a < b").contains(r#"<Say language="pt-BR">a &lt; b</Say><Hangup/>"#)
        );
    }
}
