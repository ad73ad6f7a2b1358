//! The far ends of the TCP wires: what Twilio and Asterisk do, for simulated debtors, benchmarks and tests.
//!
//! Both are legs, driven from the caller's side: `push` is what the caller says, `pull` what the caller hears.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as WsMessage};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use uuid::Uuid;

use crate::media::g711::Law;
use crate::media::{FRAME, FRAME_MS, Frame, RATE, SILENCE};
use crate::wire::audiosocket::framing::{self, Decoder, Message as AsMessage, Rate, kind};
use crate::wire::link::{Inbox, Link, Order, Outbox, Pushed};
use crate::wire::twilio::message::{Message, json_string};
use crate::wire::{Capabilities, Cause, Leg, LegEvent, Quality, twilio};

/// Twilio's buffer as it is believed to be: more than a minute ahead is a mistake of ours.
const MAX_BUFFERED: usize = 60 * 50 * FRAME;
/// A frame this much after its time is heard as a gap, whatever buffer the far end has.
const LATE_US: i64 = 60_000;
/// For the server to answer the handshake, and to close at the end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Read buffer of a caller's socket; benchmarks hold thousands.
const READ_BUFFER: usize = 4 * 1024;

/// Why no call came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    #[error("connecting the media stream")]
    WebSocket(#[source] Box<tungstenite::Error>),
    #[error("connecting the audio socket")]
    Tcp(#[from] std::io::Error),
    #[error("the server did not answer in time")]
    Timeout,
}

impl From<tungstenite::Error> for ClientError {
    fn from(error: tungstenite::Error) -> Self {
        Self::WebSocket(Box::new(error))
    }
}

/// A caller whose call Twilio brings.
pub struct TwilioClient {
    shared: Arc<Shared>,
}

/// What the caller's leg and its socket share.
#[derive(Default)]
struct Shared {
    /// Only its events and counters: sound goes through the buffer.
    inbox: Inbox,
    outbox: Outbox<Control>,
    buffer: Mutex<Buffer>,
}

/// What Twilio says beside sound.
enum Control {
    Key(char),
    /// These marks were played, or dropped by `clear`.
    Marks(Vec<String>),
}

/// Twilio's buffer: sound and marks, played in order.
#[derive(Default)]
struct Buffer {
    sound: VecDeque<i16>,
    /// Where each mark stands, in samples since the call began.
    marks: VecDeque<(u64, String)>,
    received: u64,
    played: u64,
    arrived: Arrived,
    /// How far the sound ran ahead of its arrival at most, in microseconds.
    ahead: i64,
}

/// What came from the agent, and how much of it too late to be played in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    pub frames: u64,
    /// Frames that came more than 60 ms after the one that was earliest for its place in the call.
    pub late: u64,
}

impl Buffer {
    /// Counts a message of sound that came `now`, since the call began.
    fn note_arrival(&mut self, now: Duration) {
        let place = i64::try_from(self.received * 1_000_000 / u64::from(RATE)).unwrap_or(i64::MAX);
        let ahead = place - i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        self.ahead = if self.arrived.frames == 0 {
            ahead
        } else {
            self.ahead.max(ahead)
        };
        self.arrived.frames += 1;
        self.arrived.late += u64::from(self.ahead - ahead > LATE_US);
    }

    fn sound(&mut self, samples: impl Iterator<Item = i16>) {
        let before = self.sound.len();
        self.sound
            .extend(samples.take(MAX_BUFFERED.saturating_sub(before)));
        self.received += (self.sound.len() - before) as u64;
    }

    fn mark(&mut self, name: String) {
        self.marks.push_back((self.received, name));
    }

    /// Everything is dropped; the marks come back at once.
    fn clear(&mut self) -> Vec<String> {
        self.sound.clear();
        self.played = self.received;
        self.marks.drain(..).map(|(_, name)| name).collect()
    }

    /// Plays 20 ms, with silence where nothing is buffered.
    fn play(&mut self) -> Frame {
        let mut frame = SILENCE;
        let ready = self.sound.len().min(FRAME);
        for (sample, next) in frame.iter_mut().zip(self.sound.drain(..ready)) {
            *sample = next;
        }
        self.played += ready as u64;
        frame
    }

    fn reached(&mut self) -> Vec<String> {
        let reached = self
            .marks
            .iter()
            .take_while(|(at, _)| *at <= self.played)
            .count();
        self.marks.drain(..reached).map(|(_, name)| name).collect()
    }
}

impl TwilioClient {
    /// Opens the media stream at `ws_url` (`ws://127.0.0.1:8080/twilio/media`) and sends `connected` and `start`.
    pub async fn connect(
        ws_url: &str,
        from: &str,
        to: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, ClientError> {
        Self::connect_signed(ws_url, from, to, parameters, None).await
    }

    /// The same, with the handshake signed by the account's auth token as Twilio does.
    pub async fn connect_signed(
        ws_url: &str,
        from: &str,
        to: &str,
        parameters: &BTreeMap<String, String>,
        auth_token: Option<&str>,
    ) -> Result<Self, ClientError> {
        let mut request = ws_url.into_client_request()?;
        if let Some(token) = auth_token {
            let signature = twilio::signature::sign(token, ws_url, &[]);
            let value = HeaderValue::from_str(&signature).expect("base64 is a header value");
            request.headers_mut().insert("X-Twilio-Signature", value);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0);
        let connecting = connect_async_with_config(request, Some(config), true);
        let (socket, _) = timeout(PATIENCE, connecting)
            .await
            .map_err(|_| ClientError::Timeout)??;
        let names = Names::draw();
        let shared = Arc::new(Shared::default());
        let (writer, born) = (CallerWriter::new(&names), Instant::now());
        let mut line = TwilioLine {
            socket,
            shared: shared.clone(),
            writer,
            born,
        };
        line.socket
            .send(WsMessage::text(
                r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#,
            ))
            .await?;
        line.socket
            .send(WsMessage::text(start_message(&names, from, to, parameters)))
            .await?;
        tokio::spawn(line.run());
        Ok(Self { shared })
    }

    /// Presses a key.
    pub fn press(&mut self, key: char) {
        self.shared.outbox.control(Control::Key(key));
    }

    /// What came from the agent so far.
    pub fn arrived(&self) -> Arrived {
        self.shared.buffer.lock().arrived
    }

    /// Sound that the agent has sent and the caller has not heard yet, in samples.
    pub fn buffered(&self) -> usize {
        self.shared.buffer.lock().sound.len()
    }
}

impl Leg for TwilioClient {
    fn pull(&mut self) -> Frame {
        let mut buffer = self.shared.buffer.lock();
        let frame = buffer.play();
        let reached = buffer.reached();
        drop(buffer);
        if !reached.is_empty() {
            self.shared.outbox.control(Control::Marks(reached));
        }
        frame
    }

    fn push(&mut self, frame: &Frame) {
        if self.shared.outbox.push(frame) == Pushed::GiveUp {
            self.shared.inbox.end(Cause::Failure);
            self.shared.outbox.close();
        }
    }

    fn poll_event(&mut self) -> Option<LegEvent> {
        self.shared.inbox.poll_event()
    }

    /// The server has no buffer that a caller could drop.
    fn flush(&mut self) {}

    /// The server confirms nothing to a caller.
    fn mark(&mut self, _: u64) {}

    fn hang_up(&mut self) {
        self.shared.outbox.close();
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn quality(&self) -> Quality {
        let received = self.shared.buffer.lock().received;
        let frames_sent = self.shared.outbox.counts().0;
        Quality {
            frames_received: received / FRAME as u64,
            frames_sent,
            ..self.shared.inbox.quality()
        }
    }
}

impl Drop for TwilioClient {
    fn drop(&mut self) {
        self.shared.outbox.close();
    }
}

/// The task that owns the caller's WebSocket.
struct TwilioLine {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    shared: Arc<Shared>,
    writer: CallerWriter,
    born: Instant,
}

impl TwilioLine {
    async fn run(mut self) {
        let shared = self.shared.clone();
        let mut orders = VecDeque::new();
        let cause = loop {
            let done = tokio::select! {
                message = self.socket.next() => self.take(message),
                () = shared.outbox.ready() => {
                    shared.outbox.take(&mut orders);
                    self.perform(&mut orders).await
                }
            };
            if let Err(cause) = done {
                break cause;
            }
        };
        shared.inbox.end(cause);
        shared.outbox.close();
        let farewell = async {
            if self.socket.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(PATIENCE, farewell).await;
    }

    fn take(
        &mut self,
        message: Option<Result<WsMessage, tungstenite::Error>>,
    ) -> Result<(), Cause> {
        match message {
            Some(Ok(WsMessage::Text(text))) => self.take_text(text.as_str()),
            Some(Ok(WsMessage::Close(_))) => return Err(Cause::Remote),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(Cause::Failure),
        }
        Ok(())
    }

    fn take_text(&mut self, text: &str) {
        let mut buffer = self.shared.buffer.lock();
        match Message::parse(text) {
            Ok(Message::Media { media, .. }) => match STANDARD.decode(&*media.payload) {
                Ok(octets) => {
                    buffer.note_arrival(self.born.elapsed());
                    buffer.sound(octets.into_iter().map(|octet| Law::Mu.decode(octet)));
                }
                Err(_) => {
                    self.shared.inbox.malformed();
                }
            },
            // A mark behind played sound comes back with the next frame that is played, 20 ms later at most.
            Ok(Message::Mark { name, .. }) => buffer.mark(name.into_owned()),
            Ok(Message::Clear) => {
                let marks = buffer.clear();
                drop(buffer);
                if !marks.is_empty() {
                    self.shared.outbox.control(Control::Marks(marks));
                }
            }
            _ => {
                self.shared.inbox.malformed();
            }
        }
    }

    async fn perform(&mut self, orders: &mut VecDeque<Order<Control>>) -> Result<(), Cause> {
        for order in orders.drain(..) {
            match order {
                Order::Sound(frame) => {
                    let text = self.writer.media(&frame);
                    self.send(text).await?;
                }
                Order::Control(Control::Key(key)) => {
                    let text = self.writer.dtmf(key);
                    self.send(text).await?;
                }
                Order::Control(Control::Marks(names)) => {
                    for name in names {
                        let text = self.writer.mark(&name);
                        self.send(text).await?;
                    }
                }
                Order::Close => {
                    let text = self.writer.stop();
                    self.send(text).await?;
                    return Err(Cause::Local);
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, text: String) -> Result<(), Cause> {
        match timeout(PATIENCE, self.socket.send(WsMessage::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Cause::Failure),
        }
    }
}

/// Twilio's names of an account, a call and a stream.
struct Names {
    account: String,
    call: String,
    stream: String,
}

impl Names {
    fn draw() -> Self {
        let name = |kind: &str| format!("{kind}{}", Uuid::new_v4().simple());
        Self {
            account: name("AC"),
            call: name("CA"),
            stream: name("MZ"),
        }
    }
}

fn start_message(
    names: &Names,
    from: &str,
    to: &str,
    parameters: &BTreeMap<String, String>,
) -> String {
    let mut custom = parameters.clone();
    custom.insert("from".to_owned(), from.to_owned());
    custom.insert("to".to_owned(), to.to_owned());
    let Names {
        account,
        call,
        stream,
    } = names;
    serde_json::json!({
        "event": "start", "sequenceNumber": "1", "streamSid": stream,
        "start": {
            "accountSid": account, "streamSid": stream, "callSid": call, "tracks": ["inbound"],
            "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
            "customParameters": custom,
        },
    })
    .to_string()
}

/// Writes Twilio's side of the protocol, numbers as strings.
struct CallerWriter {
    sequence: u64,
    chunk: u64,
    /// `"streamSid":"…"}`
    tail: String,
    stop: String,
}

impl CallerWriter {
    fn new(names: &Names) -> Self {
        let tail = format!(r#""streamSid":{}}}"#, json_string(&names.stream));
        let stop =
            serde_json::json!({ "accountSid": names.account, "callSid": names.call }).to_string();
        Self {
            sequence: 1,
            chunk: 0,
            tail,
            stop,
        }
    }

    fn media(&mut self, frame: &Frame) -> String {
        // The first frame is 5 ms old when it is sent.
        let timestamp = self.chunk * FRAME_MS + 5;
        self.chunk += 1;
        let payload = STANDARD.encode(Law::Mu.encode_frame(frame));
        let chunk = self.chunk;
        self.event(
            "media",
            &format!(r#"{{"track":"inbound","chunk":"{chunk}","timestamp":"{timestamp}","payload":"{payload}"}}"#),
        )
    }

    fn dtmf(&mut self, key: char) -> String {
        self.event(
            "dtmf",
            &format!(r#"{{"track":"inbound_track","digit":"{key}"}}"#),
        )
    }

    fn mark(&mut self, name: &str) -> String {
        self.event("mark", &format!(r#"{{"name":{}}}"#, json_string(name)))
    }

    fn stop(&mut self) -> String {
        let stop = self.stop.clone();
        self.event("stop", &stop)
    }

    fn event(&mut self, name: &str, object: &str) -> String {
        self.sequence += 1;
        let (sequence, tail) = (self.sequence, &self.tail);
        format!(r#"{{"event":"{name}","sequenceNumber":"{sequence}","{name}":{object},{tail}"#)
    }
}

/// A caller whose call Asterisk brings.
pub struct AudioSocketClient {
    link: Arc<Link<char>>,
}

impl AudioSocketClient {
    /// Connects and tells the UUID, as the application `AudioSocket(uuid,host:port)` does.
    pub async fn connect(addr: SocketAddr, uuid: Uuid) -> Result<Self, ClientError> {
        let mut stream = timeout(PATIENCE, TcpStream::connect(addr))
            .await
            .map_err(|_| ClientError::Timeout)??;
        stream.set_nodelay(true)?;
        let mut bytes = Vec::new();
        framing::encode(kind::UUID, uuid.as_bytes(), &mut bytes);
        stream.write_all(&bytes).await?;
        let link = Arc::new(Link::default());
        tokio::spawn(
            AudioSocketLine {
                stream,
                link: link.clone(),
                decoder: Decoder::default(),
                bytes,
            }
            .run(),
        );
        Ok(Self { link })
    }

    /// Presses a key.
    pub fn press(&mut self, key: char) {
        self.link.outbox.control(key);
    }
}

impl Leg for AudioSocketClient {
    fn pull(&mut self) -> Frame {
        self.link.inbox.pull().0
    }

    fn push(&mut self, frame: &Frame) {
        self.link.push(frame);
    }

    fn poll_event(&mut self) -> Option<LegEvent> {
        self.link.inbox.poll_event()
    }

    fn flush(&mut self) {}

    fn mark(&mut self, _: u64) {}

    fn hang_up(&mut self) {
        self.link.outbox.close();
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn quality(&self) -> Quality {
        self.link.quality()
    }
}

impl Drop for AudioSocketClient {
    fn drop(&mut self) {
        self.link.outbox.close();
    }
}

/// The task that owns Asterisk's end of the connection.
struct AudioSocketLine {
    stream: TcpStream,
    link: Arc<Link<char>>,
    decoder: Decoder,
    bytes: Vec<u8>,
}

impl AudioSocketLine {
    async fn run(mut self) {
        let link = self.link.clone();
        let born = Instant::now();
        let mut orders = VecDeque::new();
        let mut buffer = [0; READ_BUFFER];
        let cause = loop {
            let done = tokio::select! {
                read = self.stream.read(&mut buffer) => match read {
                    Ok(0) => Err(Cause::Remote),
                    Ok(length) => self.take(&buffer[..length], born.elapsed()),
                    Err(_) => Err(Cause::Failure),
                },
                () = link.outbox.ready() => {
                    link.outbox.take(&mut orders);
                    self.perform(&mut orders).await
                }
            };
            if let Err(cause) = done {
                break cause;
            }
        };
        link.inbox.end(cause);
        link.outbox.close();
        // Asterisk hangs up by closing.
        let _ = self.stream.shutdown().await;
    }

    fn take(&mut self, bytes: &[u8], now: Duration) -> Result<(), Cause> {
        self.decoder.feed(bytes);
        while let Some(message) = self.decoder.poll().map_err(|_| Cause::Failure)? {
            match message {
                AsMessage::Audio(Rate::Narrow, samples) => self.link.inbox.sound(&samples, now),
                AsMessage::HangUp => return Err(Cause::Remote),
                // Asterisk takes any other kind from a server as an error.
                _ => return Err(Cause::Failure),
            }
        }
        Ok(())
    }

    async fn perform(&mut self, orders: &mut VecDeque<Order<char>>) -> Result<(), Cause> {
        for order in orders.drain(..) {
            match order {
                Order::Sound(frame) => framing::encode_audio(Rate::Narrow, &frame, &mut self.bytes),
                Order::Control(key) => framing::encode(kind::DTMF, &[key as u8], &mut self.bytes),
                Order::Close => return Err(Cause::Local),
            }
            match timeout(PATIENCE, self.stream.write_all(&self.bytes)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(Cause::Failure),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_when_played_or_cleared() {
        let mut buffer = Buffer::default();
        buffer.sound((0..320).map(|n| n as i16));
        buffer.mark("a".into());
        buffer.play();
        assert!(buffer.reached().is_empty());
        buffer.play();
        assert_eq!(buffer.reached(), ["a"]);
        buffer.sound([1; 160].into_iter());
        buffer.mark("b".into());
        assert_eq!(buffer.clear(), ["b"]);
        assert_eq!(buffer.play(), SILENCE);
    }

    #[test]
    fn what_a_caller_writes_is_read() {
        let names = Names::draw();
        let mut writer = CallerWriter::new(&names);
        let frame = [-1_000; FRAME];
        for text in [
            writer.media(&frame),
            writer.dtmf('#'),
            writer.mark("g0:1"),
            writer.stop(),
        ] {
            assert!(
                !matches!(Message::parse(&text), Err(_) | Ok(Message::Unknown)),
                "{text}"
            );
        }
        let text = start_message(&names, "+5511987654321", "", &BTreeMap::new());
        let Ok(Message::Start { start, .. }) = Message::parse(&text) else {
            panic!("{text}")
        };
        assert_eq!(start.custom_parameters["from"], "+5511987654321");
    }
}
