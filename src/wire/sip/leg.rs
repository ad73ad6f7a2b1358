//! A call as the line sees it: frames in and out over RTP, keys, the end.

use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::ports::Pair;
use super::sdp::Agreed;
use crate::base::Moment;
use crate::media::dtmf_event::{EventSender, Slot};
use crate::media::g711::Law;
use crate::media::receiver::{Payloads, Reaction, Receiver};
use crate::media::rtp::{self, Header, Sequencer};
use crate::media::{FRAME, FRAME_MS, Frame, SILENCE};
use crate::wire::{Capabilities, Cause, Leg, LegEvent, Quality};

/// Datagrams read in one frame: a flood fills the kernel's buffer, not our time.
const MOST_DATAGRAMS: usize = 64;
/// Octets read of a datagram: the longest Ethernet carries.
const LONGEST: usize = 1_500;
/// Frames between two sender reports: 5 s (RFC 3550 §6.2).
const REPORT_EVERY: u64 = 250;
/// Frames between two looks at the RTCP port: 1 s. Nothing there is urgent.
const LOOK_EVERY: u64 = 50;
/// The same key told twice within this is one key that came two ways.
const SAME_KEY: Duration = Duration::from_millis(150);

/// What the call's task and the leg share.
pub(super) struct Link {
    session: Mutex<Session>,
    /// Grows with each change of the session.
    version: AtomicU32,
    events: Mutex<VecDeque<LegEvent>>,
    /// Told when the leg wants to end the call.
    pub(super) hang_up: Notify,
}

/// What was agreed about the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub remote: Option<SocketAddr>,
    pub law: Law,
    pub payload_type: u8,
    pub payloads: Payloads,
    pub sending: bool,
    pub receiving: bool,
}

impl Session {
    /// Before the peer has described anything: what we offered.
    pub fn offered(law: Law) -> Self {
        let payloads = Payloads {
            a_law: Some(rtp::PCMA),
            mu_law: Some(rtp::PCMU),
            events: Some(101),
        };
        let payload_type = if law == Law::A { rtp::PCMA } else { rtp::PCMU };
        Self {
            remote: None,
            law,
            payload_type,
            payloads,
            sending: true,
            receiving: true,
        }
    }
}

impl From<&Agreed> for Session {
    fn from(agreed: &Agreed) -> Self {
        Self {
            remote: agreed.remote,
            law: agreed.law,
            payload_type: agreed.payload_type(),
            payloads: agreed.payloads,
            sending: agreed.sending,
            receiving: agreed.receiving,
        }
    }
}

impl Link {
    pub fn new(session: Session) -> Arc<Self> {
        Arc::new(Self {
            session: Mutex::new(session),
            version: AtomicU32::new(0),
            events: Mutex::default(),
            hang_up: Notify::new(),
        })
    }

    /// The session was described anew.
    pub fn change(&self, session: Session) {
        *self.session.lock() = session;
        self.version.fetch_add(1, Ordering::Release);
    }

    /// A key that came by signalling (RFC 6086).
    pub fn press(&self, key: char) {
        let mut events = self.events.lock();
        if events.len() < 64 {
            events.push_back(LegEvent::Dtmf(key));
        }
    }

    /// The call is over. Only the first cause counts.
    pub fn end(&self, cause: Cause) {
        let mut events = self.events.lock();
        if !events
            .iter()
            .any(|event| matches!(event, LegEvent::HungUp(_)))
        {
            events.push_back(LegEvent::HungUp(cause));
        }
    }
}

/// How a leg behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behaviour {
    /// Delay of the jitter buffer.
    pub jitter_ms: u32,
    /// Without a packet for so long the peer is gone.
    pub silence_limit: Duration,
}

/// One SIP call's sound. Driven by the line, it reads and writes its sockets itself and never waits.
pub struct SipLeg {
    link: Arc<Link>,
    session: Session,
    version: u32,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    receiver: Receiver<SocketAddr>,
    sequencer: Sequencer,
    keys: EventSender,
    /// RTP timestamp at which the key being sent began.
    key_began: u32,
    last_key: Option<(char, Moment)>,
    events: VecDeque<LegEvent>,
    born: Instant,
    pulled: u64,
    pushed: u64,
    sent: u64,
    /// Frames since the last packet that was ours.
    quiet_frames: u64,
    quiet_limit: u64,
    closing: bool,
    ended: bool,
}

impl SipLeg {
    pub(super) fn new(link: Arc<Link>, pair: Pair, behaviour: Behaviour) -> Self {
        let session = *link.session.lock();
        Self {
            version: link.version.load(Ordering::Acquire),
            receiver: Receiver::new(session.payloads, session.remote, behaviour.jitter_ms),
            session,
            link,
            rtp: pair.rtp,
            rtcp: pair.rtcp,
            // Random starts make it hard to guess into a stream (RFC 3550 §5.1).
            sequencer: Sequencer::new(rand::random(), rand::random(), rand::random()),
            keys: EventSender::default(),
            key_began: 0,
            last_key: None,
            events: VecDeque::new(),
            born: Instant::now(),
            pulled: 0,
            pushed: 0,
            sent: 0,
            quiet_frames: 0,
            quiet_limit: behaviour.silence_limit.as_millis() as u64 / FRAME_MS,
            closing: false,
            ended: false,
        }
    }

    /// Sends a key as RFC 4733 events, after those that still wait. `false` when it is no key or too many wait.
    pub fn send_dtmf(&mut self, key: char) -> bool {
        self.session.payloads.events.is_some() && self.keys.press(key)
    }

    /// Whether keys are still being sent.
    pub fn is_sending_dtmf(&self) -> bool {
        self.keys.is_busy()
    }

    fn now(&self) -> Moment {
        self.born.elapsed().into()
    }

    fn refresh_session(&mut self) {
        let version = self.link.version.load(Ordering::Acquire);
        if version != self.version {
            self.version = version;
            self.session = *self.link.session.lock();
            self.receiver
                .change(self.session.payloads, self.session.remote);
        }
    }

    fn read_sound(&mut self) {
        let now = self.now();
        let mut datagram = [0; LONGEST];
        self.quiet_frames += 1;
        for _ in 0..MOST_DATAGRAMS {
            // Would block, or a datagram of ours came back as unreachable: either way there is nothing now.
            let Ok((length, source)) = self.rtp.recv_from(&mut datagram) else {
                break;
            };
            match self.receiver.receive(source, &datagram[..length], now) {
                Reaction::Sound | Reaction::Repeat => self.quiet_frames = 0,
                Reaction::Key(key) => {
                    self.quiet_frames = 0;
                    self.tell_key(key, now);
                }
                Reaction::Stranger
                | Reaction::UnknownPayload
                | Reaction::Report
                | Reaction::Malformed => {}
            }
        }
    }

    /// Peers often send a key both ways; one press is one event.
    fn tell_key(&mut self, key: char, now: Moment) {
        let repeated = self
            .last_key
            .is_some_and(|(last, at)| last == key && now.since(at) < SAME_KEY);
        self.last_key = Some((key, now));
        if !repeated {
            self.events.push_back(LegEvent::Dtmf(key));
        }
    }

    /// A peer that sends nothing for too long is gone; on hold it may be silent.
    fn watch_silence(&mut self) {
        if !self.session.receiving {
            self.quiet_frames = 0;
        }
        if self.quiet_frames >= self.quiet_limit && !self.closing {
            self.link.end(Cause::Timeout);
            self.hang_up();
        }
    }

    fn read_reports(&mut self) {
        let mut datagram = [0; LONGEST];
        for _ in 0..MOST_DATAGRAMS {
            if self.rtcp.recv_from(&mut datagram).is_err() {
                break;
            }
        }
    }

    /// Where our packets go: back to where the peer's come from, else where its description says.
    fn destination(&self) -> Option<SocketAddr> {
        self.receiver.source().or(self.session.remote)
    }

    fn send_frame(&mut self, frame: &Frame) {
        let Some(destination) = self
            .destination()
            .filter(|_| self.session.sending && !self.closing)
        else {
            return;
        };
        match self.keys.next_slot() {
            Slot::Audio => self.send_audio(frame, destination),
            Slot::Gap => self.send_audio(&SILENCE, destination),
            Slot::Event { payload, starts } => self.send_event(payload, starts, destination),
        }
    }

    fn send_audio(&mut self, frame: &Frame, destination: SocketAddr) {
        let header = self.sequencer.audio(self.session.payload_type, FRAME);
        let mut datagram = [0; rtp::HEADER + FRAME];
        self.session
            .law
            .encode_into(frame, &mut datagram[rtp::HEADER..]);
        self.send_packet(&header, &mut datagram, destination);
    }

    fn send_event(&mut self, payload: [u8; 4], starts: bool, destination: SocketAddr) {
        let Some(payload_type) = self.session.payloads.events else {
            return;
        };
        if starts {
            self.key_began = self.sequencer.timestamp();
        }
        let header = self
            .sequencer
            .event(payload_type, self.key_began, starts, payload.len());
        let mut datagram = [0; rtp::HEADER + 4];
        datagram[rtp::HEADER..].copy_from_slice(&payload);
        self.send_packet(&header, &mut datagram, destination);
    }

    fn send_packet(&mut self, header: &Header, datagram: &mut [u8], destination: SocketAddr) {
        datagram[..rtp::HEADER].copy_from_slice(&header.encode());
        // A full socket buffer loses the packet, as the network would.
        self.sent += u64::from(self.rtp.send_to(datagram, destination).is_ok());
    }

    fn send_report(&mut self, farewell: bool) {
        let Some(mut destination) = self.destination().filter(|_| self.session.sending) else {
            return;
        };
        let Some(port) = destination.port().checked_add(1) else {
            return;
        };
        destination.set_port(port);
        let sent = self.sequencer.report();
        let mut report = rtp::encode_report(
            &sent,
            ntp_now(),
            self.receiver.report().as_ref(),
            &format!("{:08x}", sent.ssrc),
        );
        if farewell {
            report.extend(rtp::encode_bye(sent.ssrc));
        }
        // Statistics for the peer: nothing depends on their arrival.
        let _ = self.rtcp.send_to(&report, destination);
    }
}

impl Leg for SipLeg {
    fn pull(&mut self) -> Frame {
        self.refresh_session();
        self.read_sound();
        self.watch_silence();
        self.pulled += 1;
        if self.pulled.is_multiple_of(LOOK_EVERY) {
            self.read_reports();
        }
        self.receiver.pop()
    }

    fn push(&mut self, frame: &Frame) {
        self.refresh_session();
        self.send_frame(frame);
        self.sequencer.tick();
        self.pushed += 1;
        if self.pushed.is_multiple_of(REPORT_EVERY) {
            self.send_report(false);
        }
    }

    fn poll_event(&mut self) -> Option<LegEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if self.ended {
            return None;
        }
        let event = self.link.events.lock().pop_front();
        match event {
            Some(LegEvent::Dtmf(key)) => {
                self.tell_key(key, self.now());
                self.events.pop_front()
            }
            Some(LegEvent::HungUp(_)) => {
                self.ended = true;
                event
            }
            other => other,
        }
    }

    fn flush(&mut self) {}

    fn mark(&mut self, _id: u64) {}

    fn hang_up(&mut self) {
        if !self.closing {
            self.send_report(true);
            self.closing = true;
            self.link.end(Cause::Local);
            self.link.hang_up.notify_one();
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            marks: false,
            flush: false,
            in_flight_ms: 0,
        }
    }

    fn quality(&self) -> Quality {
        let stats = self.receiver.stats();
        Quality {
            frames_received: stats.received,
            frames_sent: self.sent,
            frames_lost: stats.lost(),
            jitter_ms: stats.jitter_ms(),
            malformed: self.receiver.malformed(),
        }
    }
}

impl Drop for SipLeg {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// Time of day in the 32.32 bits of NTP, which counts from 1900 (RFC 3550 §4).
#[expect(
    clippy::disallowed_methods,
    reason = "the time that RTCP reports is the wall clock's"
)]
fn ntp_now() -> u64 {
    const FROM_1900_TO_1970: u64 = 2_208_988_800;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    now.as_secs().wrapping_add(FROM_1900_TO_1970) << 32 | fraction
}
