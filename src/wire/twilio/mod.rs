//! Twilio Media Streams: a voice webhook answered with TwiML, and a WebSocket that carries the call
//! (twilio.com, "Media Streams Overview").

pub(crate) mod message;
mod session;
pub mod signature;
mod socket;
pub mod twiml;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Query, State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use self::session::{Stream, caller_number};
use self::signature::Signed;
use super::{Capabilities, Incoming, Leg, LegEvent, Quality, Switchboard, Wire};
use crate::media::Frame;

/// Where the WebSocket stands; the TwiML points there.
pub const MEDIA_PATH: &str = "/twilio/media";
/// Library default would be 128 KiB for each call; a media message has 400 bytes.
const READ_BUFFER: usize = 4 * 1024;
/// Longer messages end the stream: the longest of Twilio's is below 1 KiB.
const MAX_MESSAGE: usize = 64 * 1024;
/// Forms from Twilio have some 2 KiB.
const MAX_FORM: usize = 64 * 1024;
/// Said to a caller for whom there is no room. No word of a debt: nobody is verified yet.
const BUSY: &str =
    "No momento, todos os nossos atendentes estão ocupados. Por favor, ligue mais tarde.";

/// How the Twilio paths behave.
#[derive(Clone, Default)]
pub struct TwilioSettings {
    /// The account's auth token. With it, requests without Twilio's signature are refused; without it, everyone may call.
    pub auth_token: Option<String>,
    /// How Twilio reaches us (`https://acordo.example`), where a proxy stands between. Else the request's own host.
    pub public_url: Option<String>,
    /// Told of every status callback.
    pub status: Option<Arc<dyn StatusListener>>,
    pub limits: Limits,
}

/// The auth token signs requests in our name, so it never stands in a log.
impl fmt::Debug for TwilioSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioSettings")
            .field("signed", &self.auth_token.is_some())
            .field("public_url", &self.public_url)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// How long a media stream may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the handshake to `start`. Twilio sends it at once; `connected` may be all that ever comes.
    pub start: Duration,
    /// Without any message after that. Twilio sends sound for ever, silence included.
    pub idle: Duration,
    /// For one message of ours to leave.
    pub write: Duration,
    /// For the close handshake, both ways.
    pub close: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            start: seconds(5),
            idle: seconds(20),
            write: seconds(5),
            close: seconds(2),
        }
    }
}

/// Hears what becomes of calls (Twilio's StatusCallback). Must not block.
pub trait StatusListener: Send + Sync {
    fn status(&self, status: CallStatus);
}

/// A status callback. They may come out of order: `sequence` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallStatus {
    pub call_sid: String,
    /// `queued initiated ringing in-progress completed busy failed no-answer canceled`
    pub status: String,
    pub sequence: Option<u64>,
    /// In seconds, once the call is over.
    pub duration_s: Option<u64>,
    /// Of answering machine detection: `human`, `machine_start`, …
    pub answered_by: Option<String>,
    /// Of the carrier, when there was one.
    pub sip_response: Option<u16>,
}

impl CallStatus {
    fn of(form: &[(String, String)]) -> Self {
        let text = |name| field(form, name).map(str::to_owned);
        let number = |name| field(form, name).and_then(|value| value.parse().ok());
        Self {
            call_sid: text("CallSid").unwrap_or_default(),
            status: text("CallStatus").unwrap_or_default(),
            sequence: number("SequenceNumber"),
            duration_s: number("CallDuration"),
            answered_by: text("AnsweredBy"),
            sip_response: number("SipResponseCode").and_then(|code| u16::try_from(code).ok()),
        }
    }
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// The three paths that Twilio asks: `/twilio/voice`, `/twilio/status`, `/twilio/media`.
pub fn router(settings: TwilioSettings, switchboard: Arc<dyn Switchboard>) -> Router {
    let desk = Arc::new(Desk {
        settings,
        switchboard,
    });
    Router::new()
        .route("/twilio/voice", post(answer_voice))
        .route("/twilio/status", post(note_status))
        .route(MEDIA_PATH, get(open_media))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .with_state(desk)
}

struct Desk {
    settings: TwilioSettings,
    switchboard: Arc<dyn Switchboard>,
}

type Fields = Vec<(String, String)>;

async fn answer_voice(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    uri: Uri,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !desk.is_signed(&headers, &uri, &form, Asks::Webhook) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let passed = Query::<Fields>::try_from_uri(&uri)
        .map(|Query(passed)| passed)
        .unwrap_or_default();
    let incoming = incoming(&form, &passed);
    if !desk.switchboard.admits(&incoming) {
        return xml(twiml::say_and_hang_up(BUSY));
    }
    let numbers = [
        ("from", incoming.from.as_str()),
        ("to", incoming.to.as_str()),
    ];
    let others = incoming
        .parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    xml(twiml::connect_stream(
        &desk.media_url(&headers),
        numbers.into_iter().chain(others),
    ))
}

async fn note_status(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    uri: Uri,
    form: Result<Form<Fields>, FormRejection>,
) -> StatusCode {
    let Ok(Form(form)) = form else {
        return StatusCode::BAD_REQUEST;
    };
    if !desk.is_signed(&headers, &uri, &form, Asks::Webhook) {
        return StatusCode::FORBIDDEN;
    }
    if let Some(listener) = &desk.settings.status {
        listener.status(CallStatus::of(&form));
    }
    StatusCode::NO_CONTENT
}

async fn open_media(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !desk.is_signed(&headers, &uri, &[], Asks::Socket) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (limits, switchboard) = (desk.settings.limits, desk.switchboard.clone());
    upgrade
        .read_buffer_size(READ_BUFFER)
        // A frame leaves when it is written: 20 ms of sound gain nothing by waiting for more.
        .write_buffer_size(0)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(move |socket| socket::carry(socket, limits, switchboard))
}

/// The webhook's fields, and what our own query string passes along (the campaign of a call that we made).
fn incoming(form: &[(String, String)], passed: &[(String, String)]) -> Incoming {
    let text = |name| field(form, name).unwrap_or_default();
    Incoming {
        wire: Wire::Twilio,
        from: caller_number(text("From")),
        to: text("To").to_owned(),
        reference: text("CallSid").to_owned(),
        parameters: passed
            .iter()
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .filter(|(name, _)| name != "from" && name != "to" && name != "bodysha256")
            .collect(),
    }
}

fn xml(body: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response()
}

/// What a request is for: Twilio signs the URL with the scheme that it used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Webhook,
    Socket,
}

impl Desk {
    /// Whether Twilio signed this request; true where no token is set.
    fn is_signed(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        form: &[(String, String)],
        asks: Asks,
    ) -> bool {
        let Some(token) = &self.settings.auth_token else {
            return true;
        };
        let signature = text_of(headers, "x-twilio-signature").unwrap_or_default();
        let path = uri
            .path_and_query()
            .map_or(uri.path(), |path| path.as_str());
        let urls: Vec<_> = self
            .bases(headers, asks)
            .into_iter()
            .map(|base| format!("{base}{path}"))
            .collect();
        let signed = signature::verify(token, &urls, Signed::Form(form), signature);
        if !signed {
            tracing::warn!(
                path = uri.path(),
                "twilio: request without a valid signature refused"
            );
        }
        signed
    }

    /// Every way in which Twilio may have named us. More guesses do no harm: each still needs the token's signature.
    fn bases(&self, headers: &HeaderMap, asks: Asks) -> Vec<String> {
        let hosts: Vec<&str> = match &self.settings.public_url {
            Some(url) => vec![without_scheme(url)],
            None => ["x-forwarded-host", "host"]
                .into_iter()
                .filter_map(|name| text_of(headers, name))
                .collect(),
        };
        let schemes: &[&str] = match asks {
            Asks::Webhook => &["https", "http"],
            Asks::Socket => &["wss", "https", "ws", "http"],
        };
        hosts
            .iter()
            .flat_map(|host| {
                schemes
                    .iter()
                    .map(move |scheme| format!("{scheme}://{host}"))
            })
            .collect()
    }

    /// Twilio connects by `wss` only; plain `ws` is for a peer on this machine.
    fn media_url(&self, headers: &HeaderMap) -> String {
        let (scheme, host) = match &self.settings.public_url {
            Some(url) => (
                if url.starts_with("http:") {
                    "ws"
                } else {
                    "wss"
                },
                without_scheme(url),
            ),
            None => {
                let host =
                    text_of(headers, "x-forwarded-host").or_else(|| text_of(headers, "host"));
                let host = host.unwrap_or("localhost");
                let secure = text_of(headers, "x-forwarded-proto")
                    .map_or(!is_loopback(host), |proto| proto == "https");
                (if secure { "wss" } else { "ws" }, host)
            }
        };
        format!("{scheme}://{host}{MEDIA_PATH}")
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)?
        .to_str()
        .ok()
        .map(|text| text.split(',').next().unwrap_or_default().trim())
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://")
        .map_or(url, |(_, rest)| rest)
        .trim_end_matches('/')
}

fn is_loopback(host: &str) -> bool {
    host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]")
}

/// A call over Twilio Media Streams.
struct TwilioLeg {
    stream: Arc<Stream>,
}

impl TwilioLeg {
    fn new(stream: Arc<Stream>) -> Self {
        Self { stream }
    }
}

impl Leg for TwilioLeg {
    fn pull(&mut self) -> Frame {
        self.stream.link.inbox.pull().0
    }

    fn push(&mut self, frame: &Frame) {
        self.stream.link.push(frame);
    }

    fn poll_event(&mut self) -> Option<LegEvent> {
        self.stream.link.inbox.poll_event()
    }

    fn flush(&mut self) {
        self.stream.flush();
    }

    fn mark(&mut self, id: u64) {
        self.stream.mark(id);
    }

    /// Closes the socket: Twilio goes on with the next verb of the TwiML, and ours has none, so the call ends.
    fn hang_up(&mut self) {
        self.stream.link.outbox.close();
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            marks: true,
            flush: true,
            in_flight_ms: 0,
        }
    }

    fn quality(&self) -> Quality {
        self.stream.link.quality()
    }
}

/// A line that ends without a word still ends the call.
impl Drop for TwilioLeg {
    fn drop(&mut self) {
        self.stream.link.outbox.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(public_url: Option<&str>) -> Desk {
        struct Nobody;
        impl Switchboard for Nobody {
            fn admits(&self, _: &Incoming) -> bool {
                false
            }
            fn connect(&self, _: Incoming, _: Box<dyn Leg>) {}
        }
        let settings = TwilioSettings {
            public_url: public_url.map(str::to_owned),
            ..TwilioSettings::default()
        };
        Desk {
            settings,
            switchboard: Arc::new(Nobody),
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value")))
            .collect()
    }

    #[test]
    fn stream_is_secure_unless_the_peer_is_here() {
        let url = |pairs: &[_]| desk(None).media_url(&headers(pairs));
        assert_eq!(
            url(&[("host", "acordo.example")]),
            "wss://acordo.example/twilio/media"
        );
        assert_eq!(
            url(&[("host", "127.0.0.1:8080")]),
            "ws://127.0.0.1:8080/twilio/media"
        );
        let proxied = [
            ("host", "127.0.0.1:80"),
            ("x-forwarded-host", "a.example"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(url(&proxied), "wss://a.example/twilio/media");
        assert_eq!(
            desk(Some("https://b.example/")).media_url(&headers(&proxied)),
            "wss://b.example/twilio/media"
        );
    }

    #[test]
    fn token_is_not_printed() {
        let settings = TwilioSettings {
            auth_token: Some("segredo".into()),
            ..TwilioSettings::default()
        };
        assert!(!format!("{settings:?}").contains("segredo"));
    }
}
