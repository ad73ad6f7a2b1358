//! SIP against real peers: sipp and baresip, and against ourselves. Peers that are not installed fail the test, unless
//! `COMBINADO_WITHOUT_PEERS=1` says that they are missing on purpose.

#![expect(clippy::disallowed_methods, reason = "real peers take real time")]

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use combinado::media::g711::Law;
use combinado::media::{FRAME, Frame, SILENCE};
use combinado::wire::sip::{Answered, Dial, DialError, Server, SipLeg, SipSettings, dial};
use combinado::wire::{Cause, Incoming, Leg, LegEvent, Quality, Switchboard};
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

/// What a recording must reach against what was sent.
const ALIKE: f64 = 0.999;

/// An agent that plays a known signal and writes down what it hears.
#[derive(Default)]
struct Agent {
    full: AtomicBool,
    hangs_up_after: Option<Duration>,
    calls: Mutex<Vec<Arc<Mutex<Record>>>>,
}

#[derive(Default)]
struct Record {
    incoming: Option<Incoming>,
    heard: Vec<i16>,
    keys: String,
    cause: Option<Cause>,
    quality: Quality,
}

impl Agent {
    fn that_hangs_up_after(seconds: u64) -> Self {
        Self {
            hangs_up_after: Some(Duration::from_secs(seconds)),
            ..Self::default()
        }
    }

    /// Whether a call came and its leg knows why it ended.
    fn has_ended(&self, cause: Cause) -> bool {
        self.calls
            .lock()
            .unwrap()
            .first()
            .is_some_and(|record| record.lock().unwrap().cause == Some(cause))
    }

    fn only_call(&self) -> Arc<Mutex<Record>> {
        let calls = self.calls.lock().unwrap();
        assert_eq!(calls.len(), 1, "one call came");
        calls[0].clone()
    }
}

impl Switchboard for Agent {
    fn admits(&self, _incoming: &Incoming) -> bool {
        !self.full.load(Ordering::Relaxed)
    }

    fn connect(&self, incoming: Incoming, leg: Box<dyn Leg>) {
        let record = Arc::new(Mutex::new(Record {
            incoming: Some(incoming),
            ..Record::default()
        }));
        self.calls.lock().unwrap().push(record.clone());
        tokio::spawn(drive(leg, AGENT_SEED, record, self.hangs_up_after, ""));
    }
}

/// Runs a leg at its pace until it ends: plays the signal of `seed`, sends `keys` after half a second, records.
async fn drive<L: Leg + ?Sized>(
    mut leg: Box<L>,
    seed: u32,
    record: Arc<Mutex<Record>>,
    limit: Option<Duration>,
    keys: &str,
) where
    Box<L>: PressKeys,
{
    let began = Instant::now();
    let mut ticks = interval_at(began, Duration::from_millis(20));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for n in 0.. {
        ticks.tick().await;
        let heard = leg.pull();
        leg.push(&signal_frame(seed, n));
        if n == 25 {
            keys.chars().for_each(|key| leg.press(key));
        }
        let mut record = record.lock().unwrap();
        record.heard.extend(heard);
        while let Some(event) = leg.poll_event() {
            match event {
                LegEvent::Dtmf(key) => record.keys.push(key),
                LegEvent::HungUp(cause) => record.cause = Some(cause),
                LegEvent::Mark(_) => {}
            }
        }
        record.quality = leg.quality();
        if record.cause.is_some() {
            return;
        }
        if limit.is_some_and(|limit| began.elapsed() >= limit) {
            leg.hang_up();
        }
    }
}

/// Only our own calling leg can press keys.
trait PressKeys {
    fn press(&mut self, key: char);
}

impl PressKeys for Box<dyn Leg> {
    fn press(&mut self, _key: char) {}
}

impl PressKeys for Box<SipLeg> {
    fn press(&mut self, key: char) {
        assert!(self.send_dtmf(key));
    }
}

const AGENT_SEED: u32 = 1;
const CALLER_SEED: u32 = 2;

/// A chirp from 300 to 3000 Hz every 7 s under noise: no two moments are alike.
fn signal(seed: u32, count: usize) -> Vec<i16> {
    let mut state = seed;
    (0..count)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state >> 16) / 65_536.0 - 0.5;
            let t = (n % 56_000) as f64 / 8_000.0;
            let phase = std::f64::consts::TAU * (300.0 * t + 2_700.0 * t * t / 14.0);
            (phase.sin() * 6_000.0 + noise * 4_000.0) as i16
        })
        .collect()
}

fn signal_frame(seed: u32, n: usize) -> Frame {
    static SIGNALS: std::sync::OnceLock<[Vec<i16>; 2]> = std::sync::OnceLock::new();
    let signals =
        SIGNALS.get_or_init(|| [signal(AGENT_SEED, 400_000), signal(CALLER_SEED, 400_000)]);
    let samples = &signals[seed as usize - 1];
    samples
        .get(n * FRAME..(n + 1) * FRAME)
        .map_or(SILENCE, |frame| frame.try_into().unwrap())
}

/// The likeness of `sent` and what of `heard` fits it best, from -1 to 1, and the lag.
///
/// The lag is found with the loudest half second, then everything is compared at that lag.
fn likeness(sent: &[i16], heard: &[i16]) -> (f64, usize) {
    const PROBE: usize = 4_000;
    let energy = |at: &usize| {
        sent[*at..at + PROBE]
            .iter()
            .map(|s| i64::from(*s).pow(2))
            .sum::<i64>()
    };
    let from = (0..sent.len() - PROBE)
        .step_by(PROBE / 4)
        .max_by_key(energy)
        .unwrap_or_default();
    let probe = &sent[from..from + PROBE];
    let lags = 0..heard.len().saturating_sub(from + PROBE);
    let lag = lags
        .max_by(|a, b| {
            correlation(probe, &heard[from + a..])
                .total_cmp(&correlation(probe, &heard[from + b..]))
        })
        .unwrap_or_default();
    (correlation(sent, &heard[lag.min(heard.len())..]), lag)
}

/// Correlation over the common length; what is missing at the end counts as silence.
pub fn correlation(a: &[i16], b: &[i16]) -> f64 {
    let (mut product, mut left, mut right) = (0_f32, 1_f32, 1_f32);
    let (mut products, mut lefts, mut rights) = (0_f64, 1_f64, 1_f64);
    for (n, a) in a.iter().enumerate() {
        let (a, b) = (f32::from(*a), b.get(n).map_or(0.0, |b| f32::from(*b)));
        product += a * b;
        left += a * a;
        right += b * b;
        if n % 512 == 511 {
            products += f64::from(std::mem::take(&mut product));
            lefts += f64::from(std::mem::take(&mut left));
            rights += f64::from(std::mem::take(&mut right));
        }
    }
    (products + f64::from(product))
        / ((lefts + f64::from(left)) * (rights + f64::from(right))).sqrt()
}

fn assert_alike(what: &str, sent: &[i16], heard: &[i16]) {
    let (likeness, lag) = likeness(sent, heard);
    eprintln!("{what}: correlation {likeness:.6} at a lag of {lag} samples");
    assert!(likeness >= ALIKE, "{what}: correlation {likeness:.6}");
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn settings() -> SipSettings {
    SipSettings {
        rtp_ports: 20_000..=39_999,
        ..SipSettings::default()
    }
}

async fn server(agent: &Arc<Agent>, settings: SipSettings) -> Server {
    Server::bind(loopback(), settings, agent.clone())
        .await
        .unwrap()
}

/// Waits until something holds, at most `seconds`.
async fn eventually(what: &str, seconds: u64, mut holds: impl FnMut() -> bool) {
    let waited = timeout(Duration::from_secs(seconds), async {
        while !holds() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} within {seconds} s");
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path)
}

/// A UDP port that was free a moment ago, and the next four, too.
fn free_port() -> u16 {
    loop {
        let port = UdpSocket::bind(loopback())
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        if port < 65_000 && (1..5).all(|n| UdpSocket::bind(("127.0.0.1", port + n)).is_ok()) {
            return port;
        }
    }
}

/// Whether a peer's program is there. Missing without the environment's consent, it fails the test.
pub fn has_peer(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    let excused = std::env::var("COMBINADO_WITHOUT_PEERS").is_ok_and(|value| value == "1");
    assert!(
        found || excused,
        "{program} is not installed; COMBINADO_WITHOUT_PEERS=1 leaves its tests out"
    );
    found
}

/// Runs a scenario of sipp as the caller; its exit status is its judgement.
async fn run_sipp(scenario: &str, server: SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(data("sipp/caller.alaw"), folder.path().join("caller.alaw")).unwrap();
    let (sip, media) = (free_port(), free_port());
    let run = Command::new("sipp")
        .current_dir(folder.path())
        .arg(server.to_string())
        .args([
            "-sf",
            data(&format!("sipp/{scenario}.xml")).to_str().unwrap(),
            "-s",
            "acordo",
            "-i",
            "127.0.0.1",
            "-mi",
            "127.0.0.1",
        ])
        .args([
            "-p",
            &sip.to_string(),
            "-mp",
            &media.to_string(),
            "-m",
            "1",
            "-nostdin",
            "-trace_err",
            "-timeout",
            "70s",
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(Duration::from_secs(80), run)
        .await
        .expect("sipp ends")
        .unwrap();
    let errors = std::fs::read_dir(folder.path())
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            path.to_str()?
                .ends_with("_errors.log")
                .then(|| std::fs::read_to_string(&path).unwrap_or_default())
        });
    let errors: String = errors.collect();
    assert!(
        output.status.success(),
        "{scenario}: {} {errors}",
        output.status
    );
}

/// A scenario that leaves no call behind.
async fn passes(scenario: &str, settings: SipSettings, agent: Agent) -> Arc<Agent> {
    let agent = Arc::new(agent);
    if has_peer("sipp") {
        let server = server(&agent, settings).await;
        run_sipp(scenario, server.local_addr()).await;
        let over = || {
            server.calls() == 0
                && agent
                    .calls
                    .lock()
                    .unwrap()
                    .iter()
                    .all(|record| record.lock().unwrap().cause.is_some())
        };
        eventually("every call is over", 5, over).await;
    }
    agent
}

fn caller_sound() -> Vec<i16> {
    std::fs::read(data("sipp/caller.alaw"))
        .unwrap()
        .into_iter()
        .map(|octet| Law::A.decode(octet))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_plays_and_hangs_up() {
    let agent = passes("uac_audio", settings(), Agent::default()).await;
    if !has_peer("sipp") {
        return;
    }
    let record = agent.only_call();
    let record = record.lock().unwrap();
    assert_alike("what sipp said", &caller_sound(), &record.heard);
    let incoming = record.incoming.as_ref().unwrap();
    assert_eq!(
        (incoming.from.as_str(), incoming.to.as_str()),
        ("5511987654321", "acordo")
    );
    assert_eq!(record.cause, Some(Cause::Remote));
    assert_eq!(
        (record.quality.frames_lost, record.quality.malformed),
        (0, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_waits_for_our_bye() {
    let agent = passes(
        "uac_audio_wait_bye",
        settings(),
        Agent::that_hangs_up_after(9),
    )
    .await;
    if has_peer("sipp") {
        let record = agent.only_call();
        let record = record.lock().unwrap();
        assert_eq!(record.cause, Some(Cause::Local));
        assert_alike("what sipp said", &caller_sound(), &record.heard);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_cancels() {
    let agent = passes(
        "uac_cancel",
        SipSettings {
            ring: Duration::from_secs(3),
            ..settings()
        },
        Agent::default(),
    )
    .await;
    assert!(agent.calls.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_presses_keys() {
    let agent = passes("uac_dtmf", settings(), Agent::default()).await;
    if has_peer("sipp") {
        assert_eq!(agent.only_call().lock().unwrap().keys, "123#");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_holds_and_resumes() {
    let agent = passes("uac_hold_resume", settings(), Agent::default()).await;
    if has_peer("sipp") {
        let record = agent.only_call();
        let record = record.lock().unwrap();
        assert_eq!(record.cause, Some(Cause::Remote));
        // Four seconds of call, of which two were held: nothing is sent while nobody listens.
        assert!(
            (90..=130).contains(&record.quality.frames_sent),
            "{:?}",
            record.quality
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_offers_late() {
    let agent = passes("uac_late_offer", settings(), Agent::default()).await;
    if has_peer("sipp") {
        assert!(agent.only_call().lock().unwrap().quality.frames_sent > 80);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_says_goodbye_twice() {
    passes("uac_bye_twice", settings(), Agent::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_gets_the_right_refusals() {
    for scenario in [
        "uac_options",
        "uac_no_common_codec",
        "uac_unknown_method",
        "uac_require_unknown",
        "uac_max_forwards_zero_options",
    ] {
        let agent = passes(scenario, settings(), Agent::default()).await;
        assert!(agent.calls.lock().unwrap().is_empty(), "{scenario}");
    }
}

/// RFC 3261 §13.3.1.4: 32 s without ACK end the session with BYE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lasts 33 s"]
async fn sipp_never_acknowledges() {
    let agent = passes("uac_no_ack", settings(), Agent::default()).await;
    if has_peer("sipp") {
        assert_eq!(
            agent.only_call().lock().unwrap().cause,
            Some(Cause::Timeout)
        );
    }
}

/// The sound of a call of ours to ourselves, both ways, with keys, for a second codec too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_caller_hears_what_was_said() {
    for law in [Law::A, Law::Mu] {
        let agent = Arc::new(Agent::default());
        let server = server(&agent, settings()).await;
        let caller = Server::outgoing(loopback(), settings()).await.unwrap();
        let mut call = Dial::new(
            format!("sip:acordo@{}", server.local_addr()),
            "5511912345678",
        );
        call.laws = vec![law];
        call.headers.insert("X-Campanha".into(), "sete".into());
        let Answered { leg, reference } = dial(&caller, call).await.unwrap();
        let record = Arc::new(Mutex::new(Record::default()));
        drive(
            Box::new(leg),
            CALLER_SEED,
            record.clone(),
            Some(Duration::from_secs(6)),
            "19*#",
        )
        .await;
        eventually("both ends know of the end", 3, || {
            server.calls() + caller.calls() == 0 && agent.has_ended(Cause::Remote)
        })
        .await;
        let (agent, caller) = (agent.only_call(), record);
        let (agent, caller) = (agent.lock().unwrap(), caller.lock().unwrap());
        assert_eq!(
            (agent.cause, caller.cause),
            (Some(Cause::Remote), Some(Cause::Local))
        );
        assert_eq!(agent.keys, "19*#");
        let incoming = agent.incoming.as_ref().unwrap();
        assert_eq!(
            (incoming.from.as_str(), &incoming.reference),
            ("5511912345678", &reference)
        );
        assert_eq!(
            incoming.parameters.get("x-campanha").map(String::as_str),
            Some("sete")
        );
        assert_alike(
            "what the agent said",
            &signal(AGENT_SEED, 45_000),
            &caller.heard,
        );
        // Keys take the place of sound from 0,5 s to 1,6 s.
        assert_alike(
            "what the caller said",
            &signal(CALLER_SEED, 45_000)[14_000..],
            &agent.heard[14_000..],
        );
        assert_eq!(
            (agent.quality.frames_lost, caller.quality.frames_lost),
            (0, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_caller_gives_up_and_is_refused() {
    let agent = Arc::new(Agent::default());
    let server = server(
        &agent,
        SipSettings {
            ring: Duration::from_secs(20),
            ..settings()
        },
    )
    .await;
    let caller = Server::outgoing(loopback(), settings()).await.unwrap();
    let mut call = Dial::new(format!("sip:acordo@{}", server.local_addr()), "cliente");
    call.ring_limit = Duration::from_millis(500);
    assert!(matches!(
        dial(&caller, call.clone()).await,
        Err(DialError::NoAnswer)
    ));
    eventually("the cancelled call is over", 3, || {
        server.calls() + caller.calls() == 0
    })
    .await;
    agent.full.store(true, Ordering::Relaxed);
    assert!(matches!(
        dial(&caller, call.clone()).await,
        Err(DialError::Refused { code: 503, .. })
    ));
    agent.full.store(false, Ordering::Relaxed);
    server.drain();
    assert!(matches!(
        dial(&caller, call.clone()).await,
        Err(DialError::Refused { code: 503, .. })
    ));
    call.to = "not an address".into();
    assert!(matches!(
        dial(&caller, call).await,
        Err(DialError::Address(_))
    ));
    assert!(agent.calls.lock().unwrap().is_empty());
}

/// A peer that vanishes without a word is noticed by its silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vanished_peer_is_noticed() {
    let agent = Arc::new(Agent::default());
    let server = server(
        &agent,
        SipSettings {
            silence_limit: Duration::from_secs(1),
            ..settings()
        },
    )
    .await;
    let caller = Server::outgoing(loopback(), settings()).await.unwrap();
    let call = dial(
        &caller,
        Dial::new(format!("sip:acordo@{}", server.local_addr()), "cliente"),
    )
    .await
    .unwrap();
    eventually("the agent notices", 3, || agent.has_ended(Cause::Timeout)).await;
    eventually("the peer is told", 3, || {
        server.calls() + caller.calls() == 0
    })
    .await;
    drop(call);
}

/// baresip as the caller; it dumps both directions itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn baresip_hears_and_is_heard() {
    if !has_peer("baresip") {
        return;
    }
    let agent = Arc::new(Agent::that_hangs_up_after(8));
    let server = server(&agent, settings()).await;
    let folder = tempfile::tempdir().unwrap();
    // baresip hangs up at the end of its file: the voice is followed by silence.
    let mut voice = read_wav(&data("baresip/caller_7s.wav"));
    voice.resize(voice.len() + 160_000, 0);
    configure_baresip(folder.path(), &voice);
    let mut run = start_baresip(folder.path(), 12, server.local_addr());
    assert!(
        timeout(Duration::from_secs(20), run.wait()).await.is_ok(),
        "baresip ends"
    );
    let record = agent.only_call();
    let record = record.lock().unwrap();
    let (sent, heard) = (
        baresip_dump(folder.path(), "-enc.wav"),
        baresip_dump(folder.path(), "-dec.wav"),
    );
    assert_alike("what baresip said", &sent[..48_000], &record.heard);
    assert_alike("what baresip heard", &signal(AGENT_SEED, 56_000), &heard);
    assert_eq!(record.quality.frames_lost, 0);
}

/// Lets baresip call the agent, for so many seconds at most.
pub fn start_baresip(folder: &Path, seconds: u32, agent: SocketAddr) -> Child {
    Command::new("baresip")
        .args(["-f", folder.to_str().unwrap(), "-t", &seconds.to_string()])
        .args(["-e", &format!("d sip:acordo@{agent}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Writes baresip's files into a folder, with what it says. Gives the port at which it takes commands; between it and
/// that of SIP lies the one of SIP over TLS.
pub fn configure_baresip(folder: &Path, voice: &[i16]) -> u16 {
    let port = free_port();
    let place = |text: String| {
        text.replace("@DIR@", folder.to_str().unwrap())
            .replace("127.0.0.1:5080", &format!("127.0.0.1:{port}"))
            .replace(
                "ctrl_tcp_listen 127.0.0.1:4471",
                &format!("ctrl_tcp_listen 127.0.0.1:{}", port + 2),
            )
            .replace(
                "rtp_ports 20200-20300",
                &format!("rtp_ports {}-{}", (port + 3) & !1, port + 60),
            )
    };
    std::fs::create_dir(folder.join("rec")).unwrap();
    for (from, to) in [("caller.config", "config"), ("caller.accounts", "accounts")] {
        let text = std::fs::read_to_string(data(&format!("baresip/{from}"))).unwrap();
        std::fs::write(folder.join(to), place(text)).unwrap();
    }
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(folder.join("caller.wav"), spec).unwrap();
    for sample in voice {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
    port + 2
}

pub fn baresip_dump(folder: &Path, ending: &str) -> Vec<i16> {
    let mut dumps = std::fs::read_dir(folder.join("rec"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    read_wav(
        &dumps
            .find(|path| path.to_str().unwrap().ends_with(ending))
            .expect("baresip dumps what it hears and says"),
    )
}

fn read_wav(path: &Path) -> Vec<i16> {
    hound::WavReader::open(path)
        .unwrap()
        .into_samples()
        .map(Result::unwrap)
        .collect()
}

/// Hostile and tortuous datagrams while a call is up: they are answered or dropped, and the call goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_datagrams_do_not_disturb_a_call() {
    let agent = Arc::new(Agent::default());
    let server = server(&agent, settings()).await;
    let caller = Server::outgoing(loopback(), settings()).await.unwrap();
    let Answered { leg, .. } = dial(
        &caller,
        Dial::new(format!("sip:acordo@{}", server.local_addr()), "cliente"),
    )
    .await
    .unwrap();
    let record = Arc::new(Mutex::new(Record::default()));
    let call = tokio::spawn(drive(
        Box::new(leg),
        CALLER_SEED,
        record.clone(),
        Some(Duration::from_secs(6)),
        "",
    ));
    eventually("the call is up", 3, || {
        !agent.calls.lock().unwrap().is_empty()
    })
    .await;
    // What is right among the bad gets 503: its sound would go to addresses of documentation.
    agent.full.store(true, Ordering::Relaxed);
    let attacker = tokio::net::UdpSocket::bind(loopback()).await.unwrap();
    for folder in ["rfc4475", "sip"] {
        for entry in std::fs::read_dir(data(folder)).unwrap() {
            let path = entry.unwrap().path();
            let datagram = std::fs::read(&path).unwrap();
            if path.extension().is_none_or(|extension| extension == "csv") {
                continue;
            }
            attacker
                .send_to(&datagram, server.local_addr())
                .await
                .unwrap();
            let replies = replies_until_alive(&attacker, server.local_addr(), &path).await;
            check_replies(path.file_name().unwrap().to_str().unwrap(), &replies);
        }
    }
    call.await.unwrap();
    eventually("the agent heard the end", 3, || {
        agent.has_ended(Cause::Remote)
    })
    .await;
    let agent = agent.only_call();
    let (agent, caller) = (agent.lock().unwrap(), record.lock().unwrap());
    assert_eq!(caller.cause, Some(Cause::Local));
    assert_alike(
        "what the agent said",
        &signal(AGENT_SEED, 45_000),
        &caller.heard,
    );
    assert_alike(
        "what the caller said",
        &signal(CALLER_SEED, 45_000),
        &agent.heard,
    );
}

/// The replies that come before that to an OPTIONS of our own, which must come.
async fn replies_until_alive(
    socket: &tokio::net::UdpSocket,
    server: SocketAddr,
    path: &Path,
) -> Vec<u16> {
    let port = socket.local_addr().unwrap().port();
    let id = format!("alive-{}", path.file_name().unwrap().to_str().unwrap());
    let options = format!(
        "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{id};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: {id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    sleep(Duration::from_millis(30)).await;
    socket.send_to(options.as_bytes(), server).await.unwrap();
    let mut replies = Vec::new();
    let answered = async {
        let mut buffer = [0; 65_536];
        loop {
            let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
            let reply = String::from_utf8_lossy(&buffer[..length]);
            let code = reply
                .strip_prefix("SIP/2.0 ")
                .and_then(|rest| rest.get(..3)?.parse().ok())
                .expect("a SIP response");
            if reply.contains(&id) {
                return code;
            }
            replies.push(code);
        }
    };
    assert_eq!(
        timeout(Duration::from_secs(2), answered).await.ok(),
        Some(200),
        "after {}",
        path.display()
    );
    replies
}

/// What the dialogs answered; refusals that need none go to the port that the Via names, which is not ours to open.
fn check_replies(name: &str, replies: &[u16]) {
    match name {
        "wsinv.dat" | "spoofed_bye.msg" => assert!(replies.contains(&481), "{name}: {replies:?}"),
        "esc01.dat" | "longreq.dat" | "inv2543.dat" => assert!(
            replies.contains(&503) && !replies.contains(&400),
            "{name}: {replies:?}"
        ),
        _ => assert!(!replies.contains(&200), "{name}: {replies:?}"),
    }
}
