//! Who asks: Twilio signs its requests with the account's auth token (twilio.com, "Webhooks Security").
//!
//! `X-Twilio-Signature` = base64(HMAC-SHA1(token, URL + each sorted parameter name followed by its value)). JSON bodies
//! are covered by their SHA-256 in the query instead.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// What Twilio signs, beside the URL.
#[derive(Clone, Copy, Debug)]
pub enum Signed<'a> {
    /// The fields of a form; none for a GET or a WebSocket handshake.
    Form(&'a [(String, String)]),
    /// A body of another type, covered by `bodySHA256` in the URL's query.
    Body(&'a [u8]),
}

/// The signature of a request to `url` with these form fields.
pub fn sign(auth_token: &str, url: &str, form: &[(String, String)]) -> String {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(url.as_bytes());
    // Repeated names are sorted by value and made unique, as twilio-python does.
    for (name, value) in form.iter().collect::<BTreeSet<_>>() {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Whether `signature` is Twilio's for any of these URLs. Takes as long for a wrong one as for a right one.
pub fn verify(auth_token: &str, urls: &[String], signed: Signed<'_>, signature: &str) -> bool {
    let mut right = Choice::from(0);
    for url in urls.iter().flat_map(|url| spellings(url)) {
        let (form, covered) = match signed {
            Signed::Form(form) => (form, Choice::from(1)),
            Signed::Body(body) => (&[][..], body_is_covered(&url, body)),
        };
        right |= covered
            & sign(auth_token, &url, form)
                .as_bytes()
                .ct_eq(signature.as_bytes());
    }
    right.into()
}

fn body_is_covered(url: &str, body: &[u8]) -> Choice {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let claimed = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("bodySHA256="))
        .unwrap_or("");
    hex(&Sha256::digest(body))
        .as_bytes()
        .ct_eq(claimed.to_ascii_lowercase().as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Twilio's servers put the port into the signed URL or leave it out, and escape the apostrophe or not.
fn spellings(url: &str) -> BTreeSet<String> {
    let mut urls = BTreeSet::from([url.to_owned()]);
    urls.extend(without_port(url));
    urls.extend(with_port(url));
    let escaped: Vec<_> = urls
        .iter()
        .filter(|url| url.contains('\''))
        .map(|url| url.replace('\'', "%27"))
        .collect();
    urls.extend(escaped);
    urls
}

fn without_port(url: &str) -> Option<String> {
    let parts = Parts::of(url)?;
    parts
        .port
        .map(|_| format!("{}{}{}", parts.scheme, parts.host, parts.rest))
}

fn with_port(url: &str) -> Option<String> {
    let parts = Parts::of(url)?;
    let port = match parts.scheme {
        "https://" | "wss://" => 443,
        "http://" | "ws://" => 80,
        _ => return None,
    };
    parts
        .port
        .is_none()
        .then(|| format!("{}{}:{port}{}", parts.scheme, parts.host, parts.rest))
}

/// A URL cut where the port stands.
struct Parts<'a> {
    /// With `://`.
    scheme: &'a str,
    /// With user information.
    host: &'a str,
    port: Option<&'a str>,
    /// Path and query.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, after) = url.split_at(url.find("://")? + 3);
        let (authority, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
        // The last colon separates the port, unless it stands in an IPv6 address or the user information.
        let port = authority
            .rsplit_once(':')
            .filter(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
        let (host, port) = port.map_or((authority, None), |(host, port)| (host, Some(port)));
        Some(Self {
            scheme,
            host,
            port,
            rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_added_and_left_out() {
        let all = |url| spellings(url).into_iter().collect::<Vec<_>>();
        assert_eq!(
            all("https://a.b/c?d"),
            ["https://a.b/c?d", "https://a.b:443/c?d"]
        );
        assert_eq!(all("wss://a.b:8443/c"), ["wss://a.b/c", "wss://a.b:8443/c"]);
        assert_eq!(
            all("http://u:p@[::1]/c"),
            ["http://u:p@[::1]/c", "http://u:p@[::1]:80/c"]
        );
        assert_eq!(all("sip:a"), ["sip:a"]);
    }
}
