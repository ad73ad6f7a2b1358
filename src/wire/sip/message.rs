//! A strict look at a SIP datagram (RFC 3261 §7, RFC 4475) before the transaction layer sees it, and the plain
//! replies that need no transaction (RFC 3261 §8.2.7).

use std::fmt::Write;
use std::net::SocketAddr;

/// Header fields one message may have.
const MOST_FIELDS: usize = 128;
/// Sequence numbers stay below 2³¹ (RFC 3261 §8.1.1.5).
const MOST_SEQUENCE: u64 = 0x7FFF_FFFF;

/// A message cut into its lines, with folded ones joined. What stands in them is not yet known to be right.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    pub start: &'a str,
    pub fields: Vec<Field>,
    pub body: &'a [u8],
    /// Whether an empty line parts header and body.
    pub ended: bool,
}

/// A header field with its full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub value: String,
}

/// The three parts of a request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    pub version: &'a str,
}

impl<'a> Message<'a> {
    /// Cuts a datagram into lines. `None` when it is not SIP at all, so that nobody is answered.
    pub fn read(datagram: &'a [u8]) -> Option<Self> {
        let (head, body, ended) = split_body(datagram);
        let head = std::str::from_utf8(head).ok()?;
        let mut lines = head
            .split('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line));
        let start = lines.next()?;
        let is_sip = |word: Option<&str>| {
            word.is_some_and(|word| {
                word.get(..4)
                    .is_some_and(|word| word.eq_ignore_ascii_case("SIP/"))
            })
        };
        if !is_sip(start.split_ascii_whitespace().next())
            && !is_sip(start.split_ascii_whitespace().next_back())
        {
            return None;
        }
        Some(Self {
            start,
            fields: read_fields(lines)?,
            body,
            ended,
        })
    }

    pub fn is_response(&self) -> bool {
        self.start
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case("SIP/"))
    }

    /// The values of all fields of a name.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_str())
    }

    pub fn first<'s>(&'s self, name: &'s str) -> Option<&'s str> {
        self.all(name).next()
    }

    /// The request line, when it is exactly three words with one space between.
    pub fn request_line(&self) -> Option<RequestLine<'a>> {
        let mut words = self.start.split(' ');
        let line = RequestLine {
            method: words.next()?,
            uri: words.next()?,
            version: words.next()?,
        };
        let whole = words.next().is_none()
            && !self.start.contains('\t')
            && !line.uri.is_empty()
            && is_token(line.method);
        whole.then_some(line)
    }

    /// The number and method of CSeq.
    pub fn sequence(&self) -> Option<(u64, &str)> {
        let mut words = self.first("CSeq")?.split_ascii_whitespace();
        let number = words
            .next()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
        let number = number
            .parse()
            .ok()
            .filter(|number| *number <= MOST_SEQUENCE)?;
        Some((number, words.next()?)).filter(|_| words.next().is_none())
    }

    /// The body as far as Content-Length says; `None` when it says nonsense.
    pub fn measured_body(&self) -> Option<&'a [u8]> {
        let mut lengths = self.all("Content-Length");
        let Some(first) = lengths.next() else {
            return Some(self.body);
        };
        if lengths.any(|other| other.trim() != first.trim())
            || !first.bytes().all(|digit| digit.is_ascii_digit())
        {
            return None;
        }
        self.body.get(..first.parse().ok()?)
    }

    /// Whether each field that says who and what stands exactly once, and Via at least once.
    pub fn is_identified(&self) -> bool {
        ["From", "To", "Call-ID", "CSeq"]
            .iter()
            .all(|name| self.all(name).count() == 1)
            && self.first("Via").is_some()
    }

    /// Whether a reply could be formed at all.
    pub fn is_answerable(&self) -> bool {
        ["Via", "From", "To", "Call-ID", "CSeq"]
            .iter()
            .all(|name| self.first(name).is_some_and(|value| !value.is_empty()))
    }
}

fn split_body(datagram: &[u8]) -> (&[u8], &[u8], bool) {
    match datagram.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(at) => (&datagram[..at], &datagram[at + 4..], true),
        None => (
            datagram.strip_suffix(b"\r\n").unwrap_or(datagram),
            &[],
            false,
        ),
    }
}

fn read_fields<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            let field = fields.last_mut()?;
            field.value.push(' ');
            field.value.push_str(line.trim());
            continue;
        }
        let (name, value) = line.split_once(':')?;
        if fields.len() == MOST_FIELDS {
            return None;
        }
        fields.push(Field {
            name: full_name(name.trim_end()).to_owned(),
            value: value.trim().to_owned(),
        });
    }
    for field in &mut fields {
        field.value.truncate(field.value.trim_end().len());
        field
            .value
            .drain(..field.value.len() - field.value.trim_start().len());
    }
    Some(fields)
}

/// Compact names (RFC 3261 §7.3.3 and later RFCs) in full.
fn full_name(name: &str) -> &str {
    const COMPACT: [(&str, &str); 13] = [
        ("i", "Call-ID"),
        ("m", "Contact"),
        ("e", "Content-Encoding"),
        ("l", "Content-Length"),
        ("c", "Content-Type"),
        ("f", "From"),
        ("s", "Subject"),
        ("k", "Supported"),
        ("t", "To"),
        ("v", "Via"),
        ("o", "Event"),
        ("r", "Refer-To"),
        ("x", "Session-Expires"),
    ];
    COMPACT
        .iter()
        .find(|(compact, _)| compact.eq_ignore_ascii_case(name))
        .map_or(name, |(_, full)| full)
}

/// A word of the characters that RFC 3261 §25.1 allows in methods.
pub fn is_token(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte))
}

/// Splits at `separator` where it stands outside quotes and angle brackets.
pub fn split_outside(value: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    for (at, _) in outside(value).filter(|(_, character)| *character == separator) {
        parts.push(&value[from..at]);
        from = at + separator.len_utf8();
    }
    parts.push(&value[from..]);
    parts
}

/// The characters outside quotes and angle brackets.
fn outside(value: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quoted, mut escaped, mut angled) = (false, false, false);
    value.char_indices().filter(move |(_, character)| {
        let inside = quoted || angled;
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !angled => quoted = !quoted,
            '<' if !quoted => angled = true,
            '>' if !quoted => angled = false,
            _ => return !inside,
        }
        false
    })
}

/// Whether every quote and angle bracket is closed.
pub fn is_balanced(value: &str) -> bool {
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_i32);
    for character in value.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => depth += 1,
            '>' if !quoted => depth -= 1,
            _ => {}
        }
        if !(0..=1).contains(&depth) {
            return false;
        }
    }
    !quoted && depth == 0
}

/// The tag of a From or To value.
pub fn tag_of(value: &str) -> Option<&str> {
    split_outside(value, ';')
        .into_iter()
        .skip(1)
        .find_map(|parameter| {
            let (name, tag) = parameter.split_once('=')?;
            (name.trim().eq_ignore_ascii_case("tag")).then(|| tag.trim())
        })
}

/// Takes out the white space around separators, where it means nothing.
pub fn squeeze(value: &str, separators: &[char]) -> String {
    let mut squeezed = String::with_capacity(value.len());
    let mut spaces = false;
    let outside: Vec<usize> = outside(value).map(|(at, _)| at).collect();
    for (at, character) in value.char_indices() {
        let free = outside.binary_search(&at).is_ok();
        if free && character.is_ascii_whitespace() {
            spaces = true;
            continue;
        }
        let touches = free && separators.contains(&character) || squeezed.ends_with(separators);
        if spaces && !touches {
            squeezed.push(' ');
        }
        spaces = false;
        squeezed.push(character);
    }
    squeezed
}

/// A reply that no transaction keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub reason: &'static str,
    /// More header lines, each with its end.
    pub more: String,
}

impl Reply {
    pub fn new(code: u16, reason: &'static str) -> Self {
        Self {
            code,
            reason,
            more: String::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.more, "{name}: {value}\r\n");
        self
    }

    /// The datagram, and where RFC 3261 §18.2.2 and RFC 3581 want it.
    pub fn encode(
        &self,
        request: &Message<'_>,
        source: SocketAddr,
        tag: &str,
    ) -> (Vec<u8>, SocketAddr) {
        let mut text = format!("SIP/2.0 {} {}\r\n", self.code, self.reason);
        let top = request.first("Via").unwrap_or_default();
        let _ = write!(text, "Via: {}\r\n", mark_received(top, source));
        for via in request.all("Via").skip(1) {
            let _ = write!(text, "Via: {via}\r\n");
        }
        let to = request.first("To").unwrap_or_default();
        let tag = if tag_of(to).is_some() {
            String::new()
        } else {
            format!(";tag={tag}")
        };
        let _ = write!(
            text,
            "From: {}\r\nTo: {to}{tag}\r\n",
            request.first("From").unwrap_or_default()
        );
        for name in ["Call-ID", "CSeq"] {
            let _ = write!(
                text,
                "{name}: {}\r\n",
                request.first(name).unwrap_or_default()
            );
        }
        let _ = write!(text, "{}Content-Length: 0\r\n\r\n", self.more);
        (text.into_bytes(), reply_address(top, source))
    }
}

/// Adds to the first value of a Via where the request really came from.
fn mark_received(via: &str, source: SocketAddr) -> String {
    let top = split_outside(via, ',')[0];
    let rest = &via[top.len()..];
    let mut marked = String::with_capacity(via.len() + 40);
    let mut asked = false;
    for (n, parameter) in split_outside(top, ';').into_iter().enumerate() {
        let is_rport = parameter.trim().eq_ignore_ascii_case("rport");
        asked |= is_rport;
        let _ = match (n, is_rport) {
            (0, _) => write!(marked, "{parameter}"),
            (_, true) => write!(marked, ";rport={}", source.port()),
            _ => write!(marked, ";{parameter}"),
        };
    }
    if asked || sent_by(top).0 != source.ip().to_string() {
        let _ = write!(marked, ";received={}", source.ip());
    }
    marked + rest
}

fn reply_address(via: &str, source: SocketAddr) -> SocketAddr {
    let top = split_outside(via, ',')[0];
    let rport = split_outside(top, ';')
        .into_iter()
        .skip(1)
        .any(|parameter| parameter.trim().eq_ignore_ascii_case("rport"));
    if rport {
        source
    } else {
        SocketAddr::new(source.ip(), sent_by(top).1)
    }
}

/// Host and port that a Via names.
fn sent_by(top: &str) -> (&str, u16) {
    let host = split_outside(top, ';')[0]
        .split_ascii_whitespace()
        .next_back()
        .unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
            (name.trim_matches(['[', ']']), port.parse().unwrap_or(5_060))
        }
        _ => (host.trim_matches(['[', ']']), 5_060),
    }
}
