//! The socket under the SIP stack. Every datagram is judged before the stack sees it: what is not SIP is dropped, what
//! is wrong or needs no dialog is answered here without keeping anything, and what belongs to a call is passed on in
//! one canonical form.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use rsipstack::platform::net::UdpSocket;
use tokio::net::UdpSocket as TokioUdpSocket;
use tokio::sync::Notify;

use super::message::{Message, Reply, RequestLine, is_balanced, split_outside, squeeze, tag_of};

/// Methods we answer with more than a refusal.
pub const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY";
/// Methods that exist and that we do not take.
const REFUSED: [&str; 6] = [
    "REGISTER",
    "SUBSCRIBE",
    "PUBLISH",
    "MESSAGE",
    "REFER",
    "PRACK",
];
/// Names that the tools of toll fraud give themselves. They get a plain 403, which tells them nothing.
const SCANNERS: [&str; 6] = [
    "friendly-scanner",
    "sipvicious",
    "sipcli",
    "pplsip",
    "sundayddr",
    "vaxsipuseragent",
];

/// What becomes of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Drop,
    /// To be answered at once, and forgotten.
    Answer(Reply),
    /// For the transaction layer, in canonical form.
    Pass(Vec<u8>),
}

/// The judged socket.
pub struct Gate {
    socket: TokioUdpSocket,
    /// Peers that may speak to us; everybody when empty.
    allowed: Vec<IpAddr>,
    /// Makes the tags of our stateless replies equal for equal requests and unknown to others.
    tags: RandomState,
    ringing: Arc<Ringing>,
}

/// The INVITEs that ring, for a CANCEL that does not name its transaction.
///
/// RFC 3261 §9.2 finds the INVITE by the branch of the topmost Via. Peers exist that give CANCEL a branch of its own;
/// for them the rule of RFC 2543 holds: same Call-ID, From and sequence number.
#[derive(Default)]
pub struct Ringing(Mutex<Vec<Invite>>);

struct Invite {
    call_id: String,
    from_tag: String,
    sequence: u64,
    branch: String,
    cancelled: Arc<Notify>,
}

impl Ringing {
    /// Notes an INVITE, in its canonical form, until the guard is dropped.
    pub fn note(self: &Arc<Self>, message: &Message<'_>) -> Option<Rings> {
        let cancelled = Arc::new(Notify::new());
        let (call_id, from_tag, sequence) = identity(message)?;
        let invite = Invite {
            call_id: call_id.to_owned(),
            from_tag: from_tag.to_owned(),
            sequence,
            branch: branch_of(message).to_owned(),
            cancelled: cancelled.clone(),
        };
        self.0.lock().push(invite);
        Some(Rings {
            ringing: self.clone(),
            cancelled,
        })
    }

    /// Whether this CANCEL names a ringing INVITE by all but its branch; then the INVITE is told.
    fn cancel(&self, message: &Message<'_>) -> bool {
        let invites = self.0.lock();
        let known = identity(message).and_then(|(call_id, from_tag, sequence)| {
            invites.iter().find(|invite| {
                invite.call_id == call_id
                    && invite.from_tag == from_tag
                    && invite.sequence == sequence
            })
        });
        match known {
            Some(invite) if invite.branch != branch_of(message) => {
                invite.cancelled.notify_one();
                true
            }
            _ => false,
        }
    }
}

/// An INVITE that rings.
pub struct Rings {
    ringing: Arc<Ringing>,
    /// Told when the caller gives up.
    pub cancelled: Arc<Notify>,
}

impl Drop for Rings {
    fn drop(&mut self) {
        self.ringing
            .0
            .lock()
            .retain(|invite| !Arc::ptr_eq(&invite.cancelled, &self.cancelled));
    }
}

fn identity<'m>(message: &'m Message<'_>) -> Option<(&'m str, &'m str, u64)> {
    Some((
        message.first("Call-ID")?,
        tag_of(message.first("From")?)?,
        message.sequence()?.0,
    ))
}

fn branch_of<'m>(message: &'m Message<'_>) -> &'m str {
    let top = message
        .first("Via")
        .map_or("", |via| split_outside(via, ',')[0]);
    let parameters = split_outside(top, ';').into_iter().skip(1);
    parameters
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.trim() == "branch")
        .map_or("", |(_, branch)| branch.trim())
}

type Waiting<'a, T> = Pin<Box<dyn Future<Output = rsipstack::Result<T>> + Send + 'a>>;

impl Gate {
    pub fn new(socket: TokioUdpSocket, allowed: Vec<IpAddr>, ringing: Arc<Ringing>) -> Self {
        Self {
            socket,
            allowed,
            tags: RandomState::new(),
            ringing,
        }
    }

    async fn next(&self, buffer: &mut [u8]) -> rsipstack::Result<(usize, SocketAddr)> {
        loop {
            let (length, source) = self.socket.recv_from(buffer).await?;
            // A full buffer means that the datagram was longer, so its end is unknown.
            if length == buffer.len() || !self.is_allowed(source) {
                continue;
            }
            let Some(message) = Message::read(&buffer[..length]) else {
                continue;
            };
            match judge(&message, source) {
                Verdict::Drop => {}
                Verdict::Answer(reply) => self.answer(&message, &reply, source).await,
                Verdict::Pass(_)
                    if message.start.starts_with("CANCEL ") && self.ringing.cancel(&message) =>
                {
                    self.answer(&message, &Reply::new(200, "OK"), source).await;
                }
                Verdict::Pass(canonical) if canonical.len() > buffer.len() => {
                    self.answer(&message, &Reply::new(513, "Message Too Large"), source)
                        .await;
                }
                Verdict::Pass(canonical) => {
                    buffer[..canonical.len()].copy_from_slice(&canonical);
                    return Ok((canonical.len(), source));
                }
            }
        }
    }

    fn is_allowed(&self, source: SocketAddr) -> bool {
        self.allowed.is_empty() || self.allowed.contains(&source.ip())
    }

    async fn answer(&self, request: &Message<'_>, reply: &Reply, source: SocketAddr) {
        let tag = format!(
            "{:x}",
            self.tags
                .hash_one((request.first("Call-ID"), request.first("From"), source))
        );
        let (datagram, address) = reply.encode(request, source, &tag);
        // A reply that cannot be sent is a reply that was lost: the peer repeats its request.
        let _ = self.socket.send_to(&datagram, address).await;
    }
}

impl UdpSocket for Gate {
    fn recv_from<'s, 'b, 'f>(&'s self, buffer: &'b mut [u8]) -> Waiting<'f, (usize, SocketAddr)>
    where
        's: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(self.next(buffer))
    }

    fn send_to<'s, 'b, 'f>(&'s self, datagram: &'b [u8], address: SocketAddr) -> Waiting<'f, usize>
    where
        's: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(async move { Ok(self.socket.send_to(datagram, address).await?) })
    }

    fn local_addr(&self) -> rsipstack::Result<SocketAddr> {
        Ok(self.socket.local_addr()?)
    }
}

/// Decides about one message. Pure, so that anything can be thrown at it.
pub fn judge(message: &Message<'_>, source: SocketAddr) -> Verdict {
    if message.is_response() {
        return judge_response(message, source);
    }
    // An ACK is never answered, whatever is wrong with it.
    let is_ack = message.start.starts_with("ACK ");
    match check_request(message) {
        Ok(_) if is_ack => Verdict::Pass(canonical(message, source)),
        Ok(line) => judge_request(message, line, source),
        Err(_) if is_ack || !message.is_answerable() => Verdict::Drop,
        Err(reply) => Verdict::Answer(reply),
    }
}

/// A response is for us when one Via stands in it, ours, and its numbers are numbers (RFC 3261 §8.1.3.3, §18.1.2).
fn judge_response(message: &Message<'_>, source: SocketAddr) -> Verdict {
    let code = message.start.split_ascii_whitespace().nth(1);
    let code_is_right =
        code.is_some_and(|code| code.len() == 3 && matches!(code.as_bytes()[0], b'1'..=b'6'));
    let one_via = message
        .all("Via")
        .flat_map(|via| split_outside(via, ','))
        .count()
        == 1;
    let whole = message.ended
        && message.is_identified()
        && message.sequence().is_some()
        && message.measured_body().is_some();
    if code_is_right && one_via && whole {
        Verdict::Pass(canonical(message, source))
    } else {
        Verdict::Drop
    }
}

/// What makes a request wrong by itself.
fn check_request<'a>(message: &Message<'a>) -> Result<RequestLine<'a>, Reply> {
    let bad = || Reply::new(400, "Bad Request");
    let line = message.request_line().ok_or_else(bad)?;
    check_uri(line.uri)?;
    if !line.version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(Reply::new(505, "Version Not Supported"));
    }
    let (_, method) = message.sequence().ok_or_else(bad)?;
    let hops = message.first("Max-Forwards").map(|hops| hops.parse::<u8>());
    let addresses = ["From", "To", "Contact"]
        .iter()
        .flat_map(|name| message.all(name));
    let right = message.ended
        && message.is_identified()
        && method == line.method
        && !matches!(hops, Some(Err(_)))
        && message.all("Max-Forwards").count() <= 1
        && message.measured_body().is_some()
        && message.all("Via").all(is_via)
        && addresses.into_iter().all(is_balanced);
    if right { Ok(line) } else { Err(bad()) }
}

fn check_uri(uri: &str) -> Result<(), Reply> {
    let scheme = uri
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        // A question mark in the user part is legal; after the host it brings headers, which are never to be applied.
        Some("sip" | "sips" | "tel")
            if uri.contains(['<', '>', '"']) || host_part(uri).contains('?') =>
        {
            Err(Reply::new(400, "Bad Request"))
        }
        Some("sip" | "sips" | "tel") => Ok(()),
        Some(other)
            if other
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) =>
        {
            Err(Reply::new(416, "Unsupported URI Scheme"))
        }
        _ => Err(Reply::new(400, "Bad Request")),
    }
}

fn host_part(uri: &str) -> &str {
    uri.rsplit_once('@').map_or(uri, |(_, host)| host)
}

/// Protocol and host, then parameters, none of them empty.
fn is_via(via: &str) -> bool {
    split_outside(via, ',').into_iter().all(|value| {
        let parts = split_outside(value, ';');
        parts.iter().all(|part| !part.trim().is_empty())
            && parts[0]
                .trim()
                .get(..3)
                .is_some_and(|name| name.eq_ignore_ascii_case("SIP"))
    })
}

/// What a right request gets from us before, or instead of, the transaction layer.
fn judge_request(message: &Message<'_>, line: RequestLine<'_>, source: SocketAddr) -> Verdict {
    let in_dialog = message.first("To").is_some_and(|to| tag_of(to).is_some());
    if is_scanner(message) {
        return Verdict::Answer(Reply::new(403, "Forbidden"));
    }
    let refusal = match line.method {
        // Belongs to the INVITE that it names.
        "CANCEL" => None,
        method if REFUSED.contains(&method) => {
            Some(Reply::new(405, "Method Not Allowed").with("Allow", ALLOW))
        }
        "INVITE" | "BYE" | "OPTIONS" | "INFO" | "UPDATE" | "NOTIFY" => refuse_extensions(message),
        _ => Some(Reply::new(501, "Not Implemented").with("Allow", ALLOW)),
    };
    let refusal = refusal.or_else(|| match line.method {
        "INVITE" => refuse_body(message),
        "OPTIONS" if !in_dialog => Some(capabilities()),
        "NOTIFY" if !in_dialog => Some(unsolicited(message)),
        "CANCEL" => None,
        _ if !in_dialog => Some(Reply::new(481, "Call/Transaction Does Not Exist")),
        _ => None,
    });
    refusal.map_or_else(
        || Verdict::Pass(canonical(message, source)),
        Verdict::Answer,
    )
}

fn is_scanner(message: &Message<'_>) -> bool {
    let name = message
        .first("User-Agent")
        .unwrap_or_default()
        .to_ascii_lowercase();
    SCANNERS.iter().any(|scanner| name.contains(scanner))
}

/// We speak no extension that a peer could require (RFC 3261 §8.2.2.3).
fn refuse_extensions(message: &Message<'_>) -> Option<Reply> {
    let required: Vec<&str> = message
        .all("Require")
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    (!required.is_empty())
        .then(|| Reply::new(420, "Bad Extension").with("Unsupported", &required.join(", ")))
}

fn refuse_body(message: &Message<'_>) -> Option<Reply> {
    let has_body = message.measured_body().is_some_and(|body| !body.is_empty());
    let kind = message
        .first("Content-Type")
        .map(|kind| split_outside(kind, ';')[0].trim().to_ascii_lowercase());
    let encoded = message
        .first("Content-Encoding")
        .is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity"));
    if has_body && (kind.as_deref() != Some("application/sdp") || encoded) {
        return Some(
            Reply::new(415, "Unsupported Media Type")
                .with("Accept", "application/sdp")
                .with("Accept-Encoding", "identity"),
        );
    }
    let accepted = |value: &str| {
        matches!(
            split_outside(value, ';')[0]
                .trim()
                .to_ascii_lowercase()
                .as_str(),
            "application/sdp" | "application/*" | "*/*"
        )
    };
    let mut listed = message
        .all("Accept")
        .flat_map(|value| value.split(','))
        .peekable();
    (listed.peek().is_some() && !listed.any(accepted)).then(|| Reply::new(406, "Not Acceptable"))
}

fn capabilities() -> Reply {
    Reply::new(200, "OK")
        .with("Allow", ALLOW)
        .with("Accept", "application/sdp")
        .with("Accept-Encoding", "identity")
        .with("Accept-Language", "pt-BR, en")
}

/// Trunks tell about a mailbox that nobody asked for; refusing makes them repeat it.
fn unsolicited(message: &Message<'_>) -> Reply {
    match message
        .first("Event")
        .map(|event| split_outside(event, ';')[0].trim())
    {
        Some(event) if event.eq_ignore_ascii_case("message-summary") => Reply::new(200, "OK"),
        _ => Reply::new(481, "Subscription Does Not Exist"),
    }
}

/// The message again, with full names, no folding, no stray white space, and a body of the length it says.
fn canonical(message: &Message<'_>, source: SocketAddr) -> Vec<u8> {
    let body = message.measured_body().unwrap_or_default();
    let mut octets =
        Vec::with_capacity(message.start.len() + body.len() + 64 * message.fields.len());
    octets.extend_from_slice(message.start.as_bytes());
    octets.extend_from_slice(b"\r\n");
    for field in message
        .fields
        .iter()
        .filter(|field| !field.name.eq_ignore_ascii_case("Content-Length"))
    {
        put_field(
            &mut octets,
            &field.name,
            &canonical_value(&field.name, &field.value),
        );
    }
    if message.start.starts_with("INVITE ") && message.first("Contact").is_none() {
        // RFC 2543 did without; what follows in the dialog then goes where the INVITE came from.
        put_field(&mut octets, "Contact", &format!("<sip:{source}>"));
    }
    put_field(&mut octets, "Content-Length", &body.len().to_string());
    octets.extend_from_slice(b"\r\n");
    octets.extend_from_slice(body);
    octets
}

fn canonical_value(name: &str, value: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "via" => squeeze(value, &['/', ';', '=', ',']),
        // RFC 2543 had no tags; the stack below needs one.
        "from" if tag_of(value).is_none() => format!("{};tag=none", squeeze(value, &[';', '='])),
        "from" | "to" | "contact" => squeeze(value, &[';', '=']),
        "cseq" => value.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
        _ => value.to_owned(),
    }
}

fn put_field(octets: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        octets.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
