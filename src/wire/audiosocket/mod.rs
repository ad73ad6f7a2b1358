//! Asterisk's AudioSocket: a TCP connection for each call, made by Asterisk
//! (`apps/app_audiosocket.c`, `channels/chan_audiosocket.c`).
//!
//! Asterisk writes every frame to the channel as it arrives: we are its clock. It can neither drop what it has nor tell
//! what was played, so nothing may run ahead.

pub(crate) mod framing;
mod halfband;
mod socket;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use super::link::{CountedMarks, Link};
use super::{Capabilities, Leg, LegEvent, Quality, Switchboard};
use crate::media::Frame;

/// Between our socket and the caller's ear lie the frame under way, Asterisk's, and the far jitter buffer's.
const IN_FLIGHT_MS: u32 = 60;
/// Connections that have not told their UUID yet. Asterisk tells it at once, so more are somebody else's.
const MAX_STRANGERS: usize = 64;
/// After a connection could not be accepted, before the next try.
const BREATH: Duration = Duration::from_millis(50);

/// How the listener behaves.
#[derive(Clone, Debug)]
pub struct AudioSocketSettings {
    /// Asterisk's addresses. Empty: whoever reaches the port, so bind it to a private address.
    pub allow: Vec<IpAddr>,
    /// From the connection to the UUID.
    pub identify: Duration,
    /// Without any message after that. A held call may be silent for long; Asterisk itself gives up after 2 s.
    pub idle: Duration,
    /// For one message of ours to leave.
    pub write: Duration,
}

impl Default for AudioSocketSettings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            allow: Vec::new(),
            identify: seconds(2),
            idle: seconds(30),
            write: seconds(2),
        }
    }
}

/// Takes connections for ever. Dropping the future stops that; calls that run go on to their own end.
///
/// Metadata does not travel on this wire: `Incoming::reference` is the UUID, and a switchboard that does not know it
/// does not admit the call.
pub async fn serve(
    listener: TcpListener,
    settings: AudioSocketSettings,
    switchboard: Arc<dyn Switchboard>,
) {
    let settings = Arc::new(settings);
    let strangers = Arc::new(Semaphore::new(MAX_STRANGERS));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: a call that ends gives one back.
                tracing::warn!(%error, "audiosocket: accepting failed");
                sleep_until(Instant::now() + BREATH).await;
                continue;
            }
        };
        let allowed =
            settings.allow.is_empty() || settings.allow.contains(&peer.ip().to_canonical());
        let Ok(stranger) = strangers.clone().try_acquire_owned() else {
            continue;
        };
        if allowed {
            tokio::spawn(socket::carry(
                stream,
                settings.clone(),
                switchboard.clone(),
                stranger,
            ));
        } else {
            tracing::warn!(peer = %peer.ip(), "audiosocket: address is not allowed");
        }
    }
}

/// A call over AudioSocket.
struct AudioSocketLeg {
    link: Arc<Link<()>>,
    marks: CountedMarks,
}

impl AudioSocketLeg {
    fn new(link: Arc<Link<()>>) -> Self {
        Self {
            link,
            marks: CountedMarks::default(),
        }
    }
}

impl Leg for AudioSocketLeg {
    fn pull(&mut self) -> Frame {
        self.link.inbox.pull().0
    }

    fn push(&mut self, frame: &Frame) {
        self.marks.frame();
        self.link.push(frame);
    }

    fn poll_event(&mut self) -> Option<LegEvent> {
        self.marks
            .due()
            .map(LegEvent::Mark)
            .or_else(|| self.link.inbox.poll_event())
    }

    /// Drops what has not left yet; Asterisk has no command for the rest.
    fn flush(&mut self) {
        self.link.outbox.clear_sound();
    }

    /// Comes back when as much was pushed after it as lies in flight: an estimate, not the peer's word.
    fn mark(&mut self, id: u64) {
        self.marks.mark(id, IN_FLIGHT_MS);
    }

    fn hang_up(&mut self) {
        self.link.outbox.close();
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            marks: false,
            flush: false,
            in_flight_ms: IN_FLIGHT_MS,
        }
    }

    fn quality(&self) -> Quality {
        self.link.quality()
    }
}

/// A line that ends without a word still ends the call.
impl Drop for AudioSocketLeg {
    fn drop(&mut self) {
        self.link.outbox.close();
    }
}
