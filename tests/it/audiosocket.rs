//! AudioSocket over real sockets.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use combinado::media::{Frame, SILENCE};
use combinado::sim::client::AudioSocketClient;
use combinado::wire::audiosocket::{AudioSocketSettings, serve};
use combinado::wire::{Capabilities, Cause, Leg, LegEvent, Wire};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use uuid::{Uuid, uuid};

use crate::wires::{
    Call, Desk, cause_name, event, keys_of, last_events, next, received, speech, until,
    with_sockets,
};

/// The one of all the test data.
const CALL: Uuid = uuid!("9f5c1c2e-0000-4000-8000-000000000001");
const HASTY: AudioSocketSettings = AudioSocketSettings {
    allow: Vec::new(),
    identify: Duration::from_millis(300),
    idle: Duration::from_secs(20),
    write: Duration::from_secs(2),
};

struct Server {
    addr: SocketAddr,
    desk: Arc<Desk>,
    calls: mpsc::Receiver<Call>,
}

impl Server {
    async fn start(settings: AudioSocketSettings) -> Self {
        let (desk, calls) = Desk::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("bound");
        tokio::spawn(serve(listener, settings, desk.clone()));
        Self { addr, desk, calls }
    }

    async fn call(&mut self) -> (AudioSocketClient, Box<dyn Leg>) {
        let client = AudioSocketClient::connect(self.addr, CALL)
            .await
            .expect("connected");
        let (incoming, leg) = next(&mut self.calls).await;
        assert_eq!(
            (incoming.wire, incoming.reference),
            (Wire::AudioSocket, CALL.to_string())
        );
        (client, leg)
    }

    async fn raw(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.expect("connected")
    }
}

/// One message of the server.
async fn read_message(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut header = [0; 3];
    stream.read_exact(&mut header).await.ok()?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes([header[1], header[2]]))];
    stream.read_exact(&mut payload).await.ok()?;
    Some((header[0], payload))
}

/// Asterisk waits for sound before it sends any: silence comes at once, and a hang-up when nobody tells who it is.
#[test]
fn silence_comes_from_the_first_moment() {
    with_sockets(async {
        let mut server = Server::start(HASTY).await;
        let mut stream = server.raw().await;
        let mut silent = 0;
        while let Some((kind, payload)) = read_message(&mut stream).await {
            match kind {
                0x10 => assert_eq!(payload, [0; 320]),
                other => assert_eq!((other, payload.len()), (0x00, 0)),
            }
            silent += u32::from(kind == 0x10);
        }
        assert!((10..=16).contains(&silent), "{silent} frames in 300 ms");
        assert!(server.calls.try_recv().is_err());
    });
}

/// A line that has not begun, or stalls, leaves no gap.
#[test]
fn silence_goes_on_while_the_line_is_not_there() {
    with_sockets(async {
        let mut server = Server::start(HASTY).await;
        let (caller, _agent) = server.call().await;
        until("silence", || {
            (caller.quality().frames_received >= 5).then_some(())
        })
        .await;
        assert_eq!(caller.quality().malformed, 0);
    });
}

#[test]
fn sound_is_exact_both_ways() {
    with_sockets(async {
        let mut server = Server::start(HASTY).await;
        let (mut caller, mut agent) = server.call().await;
        let sound = speech(20);
        for frame in &sound {
            caller.push(frame);
            agent.push(frame);
        }
        received(&mut *agent, 20).await;
        let heard: Vec<Frame> = sound.iter().map(|_| agent.pull()).collect();
        assert_eq!(heard, sound);
        // Silence came before the line began, and the caller's clock is this loop.
        let mut heard = Vec::new();
        until("the agent's sound", || {
            let frame = caller.pull();
            if frame != SILENCE {
                heard.push(frame);
            }
            (heard.len() == sound.len()).then_some(())
        })
        .await;
        assert_eq!(heard, sound);
    });
}

#[test]
fn keys_and_the_end_reach_the_agent() {
    with_sockets(async {
        let mut server = Server::start(HASTY).await;
        let (mut caller, mut agent) = server.call().await;
        caller.press('4');
        caller.press('*');
        caller.hang_up();
        let (events, cause) = last_events(&mut *agent).await;
        assert_eq!(
            (events, cause),
            (
                vec![LegEvent::Dtmf('4'), LegEvent::Dtmf('*')],
                Cause::Remote
            )
        );
    });
}

#[test]
fn hanging_up_or_dropping_the_leg_ends_the_call() {
    with_sockets(async {
        let mut server = Server::start(HASTY).await;
        let (mut caller, mut agent) = server.call().await;
        agent.hang_up();
        assert_eq!(event(&mut *agent).await, LegEvent::HungUp(Cause::Local));
        assert_eq!(last_events(&mut caller).await.1, Cause::Remote);
        let (mut caller, agent) = server.call().await;
        drop(agent);
        assert_eq!(last_events(&mut caller).await.1, Cause::Remote);
    });
}

/// The wire confirms nothing; what was pushed three frames ago counts as heard.
#[test]
fn marks_are_estimated() {
    with_sockets(async {
        let mut server = Server::start(HASTY).await;
        let (_caller, mut agent) = server.call().await;
        assert_eq!(
            agent.capabilities(),
            Capabilities {
                marks: false,
                flush: false,
                in_flight_ms: 60
            }
        );
        agent.push(&SILENCE);
        agent.mark(9);
        for _ in 0..3 {
            assert_eq!(agent.poll_event(), None);
            agent.push(&SILENCE);
        }
        assert_eq!(agent.poll_event(), Some(LegEvent::Mark(9)));
    });
}

#[test]
fn strangers_are_turned_away() {
    with_sockets(async {
        let allow = vec!["192.0.2.1".parse::<IpAddr>().expect("an address")];
        let mut elsewhere = Server::start(AudioSocketSettings { allow, ..HASTY }).await;
        assert_eq!(read_message(&mut elsewhere.raw().await).await, None);
        assert!(elsewhere.calls.try_recv().is_err());
        let server = Server::start(HASTY).await;
        server.desk.set_full();
        let mut caller = AudioSocketClient::connect(server.addr, CALL)
            .await
            .expect("connected");
        assert_eq!(last_events(&mut caller).await.1, Cause::Remote);
    });
}

#[derive(Deserialize)]
struct Reaction {
    file: String,
    connected: String,
    cause: String,
    frames: Option<usize>,
    keys: String,
    dropped: Option<u64>,
}

/// Every recorded stream, good and faulty, does what the table says, and a running call hears nothing of it.
#[test]
fn recorded_streams_do_as_the_table_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audiosocket");
    let mut reactions = csv::Reader::from_path(folder.join("reactions.csv")).expect("the table");
    with_sockets(async {
        let mut server = Server::start(HASTY).await;
        let (mut caller, mut agent) = server.call().await;
        let sound = speech(16);
        for frame in &sound[..2] {
            caller.push(frame);
        }
        for (n, expected) in reactions.deserialize().enumerate() {
            let expected: Reaction = expected.expect("a row");
            let bytes = std::fs::read(folder.join(&expected.file).with_extension("bin"))
                .expect("a recording");
            run_recording(&mut server, &bytes, &expected).await;
            caller.push(&sound[n + 2]);
            received(&mut *agent, n + 3).await;
            assert_eq!(
                agent.pull(),
                sound[n],
                "the running call after {}",
                expected.file
            );
        }
        assert_eq!(agent.poll_event(), None);
    });
}

async fn run_recording(server: &mut Server, bytes: &[u8], expected: &Reaction) {
    let stream = server.raw().await;
    let (mut reader, mut writer) = stream.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await });
    // Half a second at a time: more would be beyond the queue's bound.
    let mut lumps = bytes.chunks(8_000);
    let _ = writer.write_all(lumps.next().expect("not empty")).await;
    if expected.connected == "no" {
        let mut probe = server.raw().await;
        assert_eq!(
            read_message(&mut probe).await.map(|(kind, _)| kind),
            Some(0x10),
            "{}",
            expected.file
        );
        assert!(server.calls.try_recv().is_err(), "{}", expected.file);
        return;
    }
    let (_, mut leg) = next(&mut server.calls).await;
    let mut heard = 0;
    for lump in lumps {
        let before = leg.quality().frames_received;
        let _ = writer.write_all(lump).await;
        until("sound", || {
            (leg.quality().frames_received > before || leg.quality().frames_received == 0)
                .then_some(())
        })
        .await;
        while heard + 2 < leg.quality().frames_received {
            leg.pull();
            heard += 1;
        }
    }
    drop(writer);
    let (events, cause) = last_events(&mut *leg).await;
    assert_eq!(cause_name(cause), expected.cause, "{}", expected.file);
    assert_eq!(keys_of(&events), expected.keys, "{}", expected.file);
    let quality = leg.quality();
    assert_eq!(
        Some(quality.frames_received as usize),
        expected.frames,
        "{}",
        expected.file
    );
    assert_eq!(
        Some(quality.malformed),
        expected.dropped,
        "{}",
        expected.file
    );
    assert_eq!(quality.frames_lost, 0, "{}", expected.file);
}
