//! Twilio over real sockets: webhooks, signatures, media streams and their faults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use combinado::media::SILENCE;
use combinado::sim::client::{ClientError, TwilioClient};
use combinado::wire::twilio::signature::{Signed, sign, verify};
use combinado::wire::twilio::{CallStatus, Limits, StatusListener, TwilioSettings, router};
use combinado::wire::{Capabilities, Cause, Leg, LegEvent};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::wires::{
    Call, Desk, cause_name, event, keys_of, last_events, next, received, speech, until,
    with_sockets,
};

const SIGNATURES: &str = include_str!("../data/twilio/signatures.json");
const WEBHOOKS: &str = include_str!("../data/twilio/webhooks.json");
const FAULTS: &str = include_str!("../data/twilio/stream_faults.json");
const REACTIONS: &str = include_str!("../data/twilio/reactions.csv");
const DTMF_MARK: &str = include_str!("../data/twilio/stream_dtmf_mark.jsonl");
const NORMAL: &str = include_str!("../data/twilio/stream_normal.jsonl");

/// Short ones, so that a test of them is short.
const HASTY: Limits = Limits {
    start: Duration::from_millis(300),
    idle: Duration::from_millis(600),
    write: Duration::from_secs(2),
    close: Duration::from_millis(300),
};

struct Server {
    addr: SocketAddr,
    desk: Arc<Desk>,
    calls: mpsc::Receiver<Call>,
}

impl Server {
    async fn start(settings: TwilioSettings) -> Self {
        let (desk, calls) = Desk::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("bound");
        let app = router(settings, desk.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { addr, desk, calls }
    }

    fn media_url(&self) -> String {
        format!("ws://{}/twilio/media", self.addr)
    }

    async fn call(&mut self) -> (TwilioClient, Box<dyn Leg>) {
        let (url, none) = (self.media_url(), BTreeMap::new());
        let client = TwilioClient::connect(&url, "+5511987654321", "+551140028922", &none)
            .await
            .expect("connected");
        (client, next(&mut self.calls).await.1)
    }

    async fn raw(&self) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        connect_async(self.media_url()).await.expect("connected").0
    }

    /// A POST of a form, and what comes back.
    async fn post(
        &self,
        path: &str,
        form: &[(String, String)],
        signature: Option<&str>,
    ) -> (u16, String) {
        let body = form
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)));
        let body = body.collect::<Vec<_>>().join("&");
        let signature = signature
            .map(|text| format!("X-Twilio-Signature: {text}\r\n"))
            .unwrap_or_default();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{signature}\r\n",
            self.addr,
            body.len(),
        );
        let mut stream = TcpStream::connect(self.addr).await.expect("connected");
        stream
            .write_all((head + &body).as_bytes())
            .await
            .expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect("a status");
        (
            status,
            answer
                .split_once("\r\n\r\n")
                .map(|(_, body)| body.to_owned())
                .unwrap_or_default(),
        )
    }
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                (byte as char).into()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// One request of the files of vectors.
#[derive(Deserialize)]
struct Request {
    name: String,
    auth_token: String,
    url: String,
    params: Option<BTreeMap<String, Value>>,
    body: Option<String>,
    x_twilio_signature: String,
    valid: bool,
}

impl Request {
    fn all(text: &str) -> Vec<Self> {
        serde_json::from_str(text).expect("vectors")
    }

    fn form(&self) -> Vec<(String, String)> {
        let mut form = Vec::new();
        for (name, value) in self.params.iter().flatten() {
            let values = value
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![value.clone()]);
            form.extend(
                values
                    .iter()
                    .map(|value| (name.clone(), value.as_str().expect("text").to_owned())),
            );
        }
        form
    }
}

#[test]
fn signatures_of_the_libraries_are_told_from_forged_ones() {
    for request in Request::all(SIGNATURES)
        .iter()
        .chain(&Request::all(WEBHOOKS))
    {
        let form = request.form();
        let signed = match &request.body {
            Some(body) => Signed::Body(body.as_bytes()),
            None => Signed::Form(&form),
        };
        let verified = verify(
            &request.auth_token,
            std::slice::from_ref(&request.url),
            signed,
            &request.x_twilio_signature,
        );
        assert_eq!(verified, request.valid, "{}", request.name);
    }
}

#[derive(Default)]
struct Statuses(Mutex<Vec<CallStatus>>);

impl StatusListener for Statuses {
    fn status(&self, status: CallStatus) {
        self.0.lock().expect("whole").push(status);
    }
}

/// Every webhook of the vectors that we serve, as it comes through a proxy, and again with one character changed.
#[test]
fn webhooks_need_their_signature() {
    with_sockets(async {
        let statuses = Arc::new(Statuses::default());
        let server = Server::start(TwilioSettings {
            auth_token: Some("acordo-token-de-teste".into()),
            public_url: Some("https://acordo.example/".into()),
            status: Some(statuses.clone()),
            ..TwilioSettings::default()
        })
        .await;
        let mut served = 0;
        for request in Request::all(WEBHOOKS) {
            let path = request
                .url
                .strip_prefix("https://acordo.example")
                .expect("public");
            let expected = match path {
                "/twilio/voice" => 200,
                "/twilio/status" => 204,
                _ => continue,
            };
            let mut form = request.form();
            let good = server
                .post(path, &form, Some(&request.x_twilio_signature))
                .await;
            assert_eq!(good.0, expected, "{}: {}", request.name, good.1);
            assert_eq!(
                server.post(path, &form, None).await.0,
                403,
                "{}: unsigned",
                request.name
            );
            form[0].1.push('x');
            assert_eq!(
                server
                    .post(path, &form, Some(&request.x_twilio_signature))
                    .await
                    .0,
                403,
                "{}",
                request.name
            );
            served += 1;
        }
        assert_eq!(served, 6);
        let statuses = statuses.0.lock().expect("whole");
        assert_eq!(statuses.len(), 4);
        assert!(
            statuses
                .iter()
                .any(|status| status.status == "completed" && status.duration_s.is_some())
        );
    });
}

#[test]
fn voice_is_answered_with_a_stream() {
    with_sockets(async {
        let server = Server::start(TwilioSettings::default()).await;
        let form = [
            ("From", "+5511987654321"),
            ("To", "+551140028922"),
            ("CallSid", "CA1"),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (status, twiml) = server
            .post("/twilio/voice?campanha=junho%22", &form, None)
            .await;
        assert_eq!(status, 200);
        let stream = format!(
            r#"<Connect><Stream url="ws://{}/twilio/media">"#,
            server.addr
        );
        assert!(twiml.contains(&stream), "{twiml}");
        assert!(
            twiml.contains(r#"<Parameter name="from" value="+5511987654321"/>"#),
            "{twiml}"
        );
        assert!(
            twiml.contains(r#"<Parameter name="campanha" value="junho&quot;"/>"#),
            "{twiml}"
        );
    });
}

#[test]
fn full_house_says_so_and_refuses_streams() {
    with_sockets(async {
        let mut server = Server::start(TwilioSettings::default()).await;
        server.desk.set_full();
        let (status, twiml) = server.post("/twilio/voice", &[], None).await;
        assert_eq!(status, 200);
        assert!(
            twiml.contains(r#"<Say language="pt-BR">"#) && twiml.contains("<Hangup/>"),
            "{twiml}"
        );
        let mut caller = TwilioClient::connect(&server.media_url(), "", "", &BTreeMap::new())
            .await
            .expect("connected");
        assert_eq!(last_events(&mut caller).await.1, Cause::Remote);
        assert!(server.calls.try_recv().is_err());
    });
}

#[test]
fn stream_needs_its_signature_too() {
    with_sockets(async {
        let settings = TwilioSettings {
            auth_token: Some("segredo".into()),
            ..TwilioSettings::default()
        };
        let mut server = Server::start(settings).await;
        let url = server.media_url();
        let none = BTreeMap::new();
        for token in [None, Some("errado")] {
            let refused = TwilioClient::connect_signed(&url, "", "", &none, token).await;
            assert!(matches!(refused, Err(ClientError::WebSocket(_))));
        }
        let _caller = TwilioClient::connect_signed(&url, "", "", &none, Some("segredo"))
            .await
            .expect("signed");
        next(&mut server.calls).await;
        assert_ne!(sign("segredo", &url, &[]), sign("errado", &url, &[]));
    });
}

/// What the caller says and what the agent says arrive sample by sample.
#[test]
fn sound_is_exact_both_ways() {
    with_sockets(async {
        let mut server = Server::start(TwilioSettings::default()).await;
        let (mut caller, mut agent) = server.call().await;
        let sound = speech(40);
        for frames in sound.chunks(20) {
            for frame in frames {
                caller.push(frame);
                agent.push(frame);
            }
            let sent = agent.quality().frames_sent as usize;
            received(&mut *agent, sent).await;
            received(&mut caller, sent).await;
        }
        let heard: Vec<_> = sound.iter().map(|_| agent.pull()).collect();
        assert_eq!(heard, sound);
        let heard: Vec<_> = sound.iter().map(|_| caller.pull()).collect();
        assert_eq!(heard, sound);
        let quality = agent.quality();
        assert_eq!(
            (
                quality.frames_received,
                quality.frames_sent,
                quality.frames_lost
            ),
            (40, 40, 0)
        );
    });
}

#[test]
fn keys_and_the_end_reach_the_agent() {
    with_sockets(async {
        let mut server = Server::start(TwilioSettings::default()).await;
        let (mut caller, mut agent) = server.call().await;
        caller.press('7');
        caller.press('#');
        caller.hang_up();
        let (events, cause) = last_events(&mut *agent).await;
        assert_eq!(events, [LegEvent::Dtmf('7'), LegEvent::Dtmf('#')]);
        assert_eq!(cause, Cause::Remote);
        assert_eq!(last_events(&mut caller).await.1, Cause::Local);
    });
}

/// A mark comes back when the caller has heard everything before it, and never when it was cleared.
#[test]
fn marks_tell_what_was_heard() {
    with_sockets(async {
        let mut server = Server::start(TwilioSettings::default()).await;
        let (mut caller, mut agent) = server.call().await;
        assert_eq!(
            agent.capabilities(),
            Capabilities {
                marks: true,
                flush: true,
                in_flight_ms: 0
            }
        );
        for frame in speech(5) {
            agent.push(&frame);
        }
        agent.mark(1);
        received(&mut caller, 5).await;
        for _ in 0..5 {
            assert_eq!(agent.poll_event(), None);
            assert_ne!(caller.pull(), SILENCE);
        }
        until("the mark", || {
            caller.pull();
            agent
                .poll_event()
                .map(|event| assert_eq!(event, LegEvent::Mark(1)))
        })
        .await;
        for frame in speech(5) {
            agent.push(&frame);
        }
        agent.mark(2);
        received(&mut caller, 10).await;
        agent.flush();
        agent.mark(3);
        until("clear", || (caller.buffered() == 0).then_some(())).await;
        assert_eq!(caller.pull(), SILENCE, "cleared sound is not heard");
        let heard = until("the mark after clear", || {
            caller.pull();
            agent.poll_event()
        });
        assert_eq!(
            heard.await,
            LegEvent::Mark(3),
            "the cleared mark 2 does not count"
        );
        assert_eq!(agent.quality().malformed, 0);
    });
}

#[test]
fn hanging_up_or_dropping_the_leg_closes_the_socket() {
    with_sockets(async {
        let mut server = Server::start(TwilioSettings::default()).await;
        let (mut caller, mut agent) = server.call().await;
        agent.push(&SILENCE);
        agent.hang_up();
        agent.hang_up();
        assert_eq!(event(&mut *agent).await, LegEvent::HungUp(Cause::Local));
        assert_eq!(last_events(&mut caller).await.1, Cause::Remote);
        assert_eq!(
            caller.quality().frames_received,
            1,
            "what was pushed before goes out first"
        );
        let (mut caller, agent) = server.call().await;
        drop(agent);
        assert_eq!(last_events(&mut caller).await.1, Cause::Remote);
    });
}

/// `connected` may be all that ever comes, and a stream may fall silent.
#[test]
fn silent_peers_are_let_go() {
    with_sockets(async {
        let mut server = Server::start(TwilioSettings {
            limits: HASTY,
            ..TwilioSettings::default()
        })
        .await;
        let mut socket = server.raw().await;
        socket
            .send(Message::text(r#"{"event":"connected"}"#))
            .await
            .expect("sent");
        assert_eq!(close_code(&mut socket).await, Some(1008));
        let (_caller, mut agent) = server.call().await;
        assert_eq!(event(&mut *agent).await, LegEvent::HungUp(Cause::Timeout));
    });
}

/// Messages that no Twilio would send.
#[test]
fn binary_and_endless_messages_end_the_stream() {
    with_sockets(async {
        let server = Server::start(TwilioSettings {
            limits: HASTY,
            ..TwilioSettings::default()
        })
        .await;
        let mut socket = server.raw().await;
        socket
            .send(Message::binary(vec![0; 160]))
            .await
            .expect("sent");
        assert_eq!(close_code(&mut socket).await, Some(1003));
        let mut socket = server.raw().await;
        // The server may be gone before all of it is written.
        let _ = socket.send(Message::text("x".repeat(200_000))).await;
        assert!(matches!(close_code(&mut socket).await, Some(1011) | None));
    });
}

async fn close_code(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Option<u16> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(frame) = message {
            return frame.map(|frame| frame.code.into());
        }
    }
    None
}

#[derive(Deserialize)]
struct Faulty {
    name: String,
    messages: Vec<String>,
}

#[derive(Deserialize)]
struct Reaction {
    name: String,
    connected: String,
    end: String,
    dropped: Option<u64>,
}

/// Every faulty stream ends as the table says, and none of them disturbs a call that is running.
#[test]
fn faulty_streams_end_and_disturb_nobody() {
    let reactions: BTreeMap<String, Reaction> = csv::Reader::from_reader(REACTIONS.as_bytes())
        .deserialize()
        .map(|row| {
            row.map(|row: Reaction| (row.name.clone(), row))
                .expect("a row")
        })
        .collect();
    let faults: Vec<Faulty> = serde_json::from_str(FAULTS).expect("vectors");
    assert_eq!(faults.len(), reactions.len());
    with_sockets(async {
        // The running call sends a frame for each fault, more slowly than `HASTY` asks for.
        let limits = Limits {
            idle: Duration::from_secs(20),
            ..HASTY
        };
        let mut server = Server::start(TwilioSettings {
            limits,
            ..TwilioSettings::default()
        })
        .await;
        let (mut caller, mut agent) = server.call().await;
        let sound = speech(faults.len() + 2);
        for frame in &sound[..2] {
            caller.push(frame);
        }
        for (n, fault) in faults.iter().enumerate() {
            run_fault(&mut server, fault, &reactions[&fault.name]).await;
            caller.push(&sound[n + 2]);
            received(&mut *agent, n + 3).await;
            assert_eq!(
                agent.pull(),
                sound[n],
                "the running call after {}",
                fault.name
            );
        }
        assert_eq!(agent.poll_event(), None);
    });
}

async fn run_fault(server: &mut Server, fault: &Faulty, expected: &Reaction) {
    let mut socket = server.raw().await;
    for message in &fault.messages {
        // A server that has refused the stream reads no more of it.
        let _ = socket.send(Message::text(message.clone())).await;
    }
    if expected.connected == "no" {
        let code = close_code(&mut socket).await.map(|code| code.to_string());
        assert_eq!(
            code.as_deref(),
            Some(expected.end.as_str()),
            "{}",
            fault.name
        );
        assert!(
            server.calls.try_recv().is_err(),
            "{}: nobody is connected",
            fault.name
        );
        return;
    }
    let (incoming, mut leg) = next(&mut server.calls).await;
    if fault.name == "no stop, socket cut" {
        drop(socket);
    }
    let (events, cause) = last_events(&mut *leg).await;
    assert_eq!(cause_name(cause), expected.end, "{}", fault.name);
    assert_eq!(events, [], "{}", fault.name);
    assert_eq!(
        Some(leg.quality().malformed),
        expected.dropped,
        "{}",
        fault.name
    );
    assert_eq!(incoming.reference, "CA00000000000000000000000000000002");
    if fault.name == "custom parameters as an attack" {
        assert_eq!(
            incoming.parameters["divida_id"], "1' OR '1'='1",
            "passed as text, nothing more"
        );
    }
}

/// The recorded sessions, in lumps of ten messages so that nothing is beyond the queue's bound.
#[test]
fn recorded_sessions_are_heard_whole() {
    with_sockets(async {
        let mut server = Server::start(TwilioSettings::default()).await;
        for (session, media, keys) in [(NORMAL, 448, ""), (DTMF_MARK, 150, "123#")] {
            let messages: Vec<&str> = session.lines().collect();
            let mut socket = server.raw().await;
            for message in &messages[..2] {
                socket.send(Message::text(*message)).await.expect("sent");
            }
            let (_, mut leg) = next(&mut server.calls).await;
            let (mut sent, mut loud) = (0, 0);
            for lump in messages[2..].chunks(10) {
                for message in lump {
                    socket.send(Message::text(*message)).await.expect("sent");
                }
                let media = lump
                    .iter()
                    .filter(|message| message.contains(r#""event":"media""#))
                    .count();
                sent += media;
                received(&mut *leg, sent).await;
                loud += (0..media).filter(|_| is_loud(&leg.pull())).count();
            }
            assert_eq!(sent, media);
            assert_eq!(
                loud,
                messages
                    .iter()
                    .filter(|message| is_loud(&payload(message)))
                    .count()
            );
            let (events, cause) = last_events(&mut *leg).await;
            assert_eq!((keys_of(&events).as_str(), cause), (keys, Cause::Remote));
        }
    });
}

/// Quiet frames before the first sound may be trimmed.
fn is_loud(sound: &[i16]) -> bool {
    sound.iter().any(|sample| sample.unsigned_abs() >= 100)
}

/// The sound of a message by the textbook's formula, empty when it is no media.
fn payload(message: &str) -> Vec<i16> {
    let message: Value = serde_json::from_str(message).expect("JSON");
    let octets = message["media"]["payload"]
        .as_str()
        .map(|text| STANDARD.decode(text).expect("base64"));
    let decode = |octet: u8| {
        let (segment, step) = ((!octet >> 4) & 7, i16::from(!octet & 15));
        (((step << 3) + 132) << segment) - 132
    };
    octets.unwrap_or_default().into_iter().map(decode).collect()
}
