//! The task that owns the connection of one call.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::framing::{self, Decoder, Message, Rate, kind};
use super::halfband::{Doubler, Halver};
use super::{AudioSocketLeg, AudioSocketSettings};
use crate::media::{FRAME_MS, Frame, SILENCE};
use crate::wire::link::{Link, Order};
use crate::wire::{Cause, Incoming, LegEvent, Switchboard, Wire};

const TICK: Duration = Duration::from_millis(FRAME_MS);
/// A line that has begun keeps its own time. When it stalls, silence keeps Asterisk's reader from spinning.
const STALLED: Duration = Duration::from_millis(3 * FRAME_MS);
/// Some six frames at a time.
const READ_BUFFER: usize = 2 * 1024;
/// Messages that were not understood before the connection is given up.
const MAX_FAULTS: u64 = 100;
/// After our hang-up, for the peer to close.
const CLOSE: Duration = Duration::from_secs(2);

/// Carries one call from its connection to its end. `stranger` is held until the UUID is told.
pub(super) async fn carry(
    stream: TcpStream,
    settings: Arc<AudioSocketSettings>,
    switchboard: Arc<dyn Switchboard>,
    stranger: OwnedSemaphorePermit,
) {
    let mut line = match Line::new(stream, &settings) {
        Ok(line) => line,
        Err(error) => return tracing::debug!(%error, "audiosocket: connection lost at once"),
    };
    let cause = match line.run(Until::Identified).await {
        Ended::Identified(uuid) => {
            drop(stranger);
            line.answer(uuid, &*switchboard).await
        }
        Ended::Over(cause) => cause,
    };
    tracing::debug!(?cause, "audiosocket: over");
    line.link.inbox.end(cause);
    line.link.outbox.close();
    line.close().await;
}

/// How far a connection is carried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Identified,
    Over,
}

enum Ended {
    Identified(Uuid),
    Over(Cause),
}

struct Line {
    stream: TcpStream,
    decoder: Decoder,
    link: Arc<Link<()>>,
    settings: AudioSocketSettings,
    born: Instant,
    last_heard: Instant,
    /// When silence is sent unless a frame goes out before.
    silence_at: Instant,
    /// The rate in which the peer speaks and wants to be spoken to: it drops frames of another.
    rate: Rate,
    halver: Halver,
    doubler: Doubler,
    samples: Vec<i16>,
    bytes: Vec<u8>,
}

impl Line {
    fn new(stream: TcpStream, settings: &AudioSocketSettings) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        let now = Instant::now();
        Ok(Self {
            stream,
            decoder: Decoder::default(),
            link: Arc::new(Link::default()),
            settings: settings.clone(),
            born: now,
            last_heard: now,
            silence_at: now,
            rate: Rate::Narrow,
            halver: Halver::default(),
            doubler: Doubler::default(),
            samples: Vec::new(),
            bytes: Vec::new(),
        })
    }

    async fn answer(&mut self, uuid: Uuid, switchboard: &dyn Switchboard) -> Cause {
        let incoming = Incoming {
            wire: Wire::AudioSocket,
            from: String::new(),
            to: String::new(),
            reference: uuid.to_string(),
            parameters: Default::default(),
        };
        if !switchboard.admits(&incoming) {
            return Cause::Local;
        }
        switchboard.connect(incoming, Box::new(AudioSocketLeg::new(self.link.clone())));
        match self.run(Until::Over).await {
            Ended::Over(cause) => cause,
            Ended::Identified(_) => Cause::Failure,
        }
    }

    /// Reads, writes and keeps the silence going until the end that was asked for.
    async fn run(&mut self, until: Until) -> Ended {
        let link = self.link.clone();
        let mut orders = VecDeque::new();
        let mut buffer = [0; READ_BUFFER];
        loop {
            // What arrived with the UUID in one read is still to be taken.
            match self.take_messages(until) {
                Ok(None) => {}
                Ok(Some(uuid)) => return Ended::Identified(uuid),
                Err(cause) => return Ended::Over(cause),
            }
            let silence_at = self.silence_at;
            let done = tokio::select! {
                read = self.stream.read(&mut buffer) => self.take_bytes(read.map(|length| &buffer[..length])),
                () = link.outbox.ready() => {
                    link.outbox.take(&mut orders);
                    self.perform(&mut orders).await
                }
                () = sleep_until(silence_at) => self.keep_alive(until).await,
            };
            if let Err(cause) = done {
                return Ended::Over(cause);
            }
        }
    }

    fn take_bytes(&mut self, read: std::io::Result<&[u8]>) -> Result<(), Cause> {
        let bytes = read.map_err(|_| Cause::Failure)?;
        if bytes.is_empty() {
            // In practice Asterisk hangs up by closing.
            return Err(if self.decoder.is_whole() {
                Cause::Remote
            } else {
                Cause::Failure
            });
        }
        self.last_heard = Instant::now();
        self.decoder.feed(bytes);
        Ok(())
    }

    fn take_messages(&mut self, until: Until) -> Result<Option<Uuid>, Cause> {
        loop {
            let message = self.decoder.poll().map_err(|error| {
                tracing::debug!(%error, "audiosocket: framing lost");
                Cause::Failure
            })?;
            self.count_faults()?;
            match message {
                None => return Ok(None),
                Some(Message::Uuid(uuid)) if until == Until::Identified => return Ok(Some(uuid)),
                // The UUID comes first, or this is not Asterisk.
                Some(_) if until == Until::Identified => return Err(Cause::Failure),
                Some(message) => self.take_message(message)?,
            }
        }
    }

    fn take_message(&mut self, message: Message) -> Result<(), Cause> {
        match message {
            Message::Audio(rate, samples) => self.hear(rate, &samples),
            Message::Dtmf(key) => self.link.inbox.event(LegEvent::Dtmf(key)),
            Message::HangUp | Message::Error(Some(1)) => return Err(Cause::Remote),
            Message::Error(_) => return Err(Cause::Failure),
            Message::Uuid(_) => {
                self.link.inbox.malformed();
            }
        }
        Ok(())
    }

    fn hear(&mut self, rate: Rate, samples: &[i16]) {
        let now = self.born.elapsed();
        self.rate = rate;
        match rate {
            Rate::Narrow => self.link.inbox.sound(samples, now),
            Rate::Wide => {
                self.halver.run(samples, &mut self.samples);
                self.link.inbox.sound(&self.samples, now);
            }
        }
    }

    fn count_faults(&mut self) -> Result<(), Cause> {
        for _ in 0..self.decoder.take_malformed() {
            if self.link.inbox.malformed() >= MAX_FAULTS {
                return Err(Cause::Failure);
            }
        }
        Ok(())
    }

    async fn perform(&mut self, orders: &mut VecDeque<Order<()>>) -> Result<(), Cause> {
        for order in orders.drain(..) {
            match order {
                Order::Sound(frame) => {
                    self.send_frame(&frame).await?;
                    self.silence_at = Instant::now() + STALLED;
                }
                Order::Control(()) => {}
                Order::Close => return Err(Cause::Local),
            }
        }
        Ok(())
    }

    /// Sends silence where no frame came, and sees whether the peer is still there.
    async fn keep_alive(&mut self, until: Until) -> Result<(), Cause> {
        let limit = match until {
            Until::Identified => self.settings.identify,
            Until::Over => self.settings.idle,
        };
        if self.last_heard.elapsed() >= limit
            || (until == Until::Identified && self.born.elapsed() >= limit)
        {
            return Err(Cause::Timeout);
        }
        self.send_frame(&SILENCE).await?;
        self.silence_at += TICK;
        Ok(())
    }

    async fn send_frame(&mut self, frame: &Frame) -> Result<(), Cause> {
        match self.rate {
            Rate::Narrow => framing::encode_audio(Rate::Narrow, frame, &mut self.bytes),
            Rate::Wide => {
                self.doubler.run(frame, &mut self.samples);
                framing::encode_audio(Rate::Wide, &self.samples, &mut self.bytes);
            }
        }
        self.send().await
    }

    /// Sends what was encoded, in one write.
    async fn send(&mut self) -> Result<(), Cause> {
        match timeout(self.settings.write, self.stream.write_all(&self.bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Cause::Failure),
        }
    }

    /// Tells the peer to hang up and waits for its close, for a bounded time.
    async fn close(mut self) {
        framing::encode(kind::HANG_UP, &[], &mut self.bytes);
        if self.send().await.is_err() || self.stream.shutdown().await.is_err() {
            return;
        }
        let mut buffer = [0; READ_BUFFER];
        let drained = async { while matches!(self.stream.read(&mut buffer).await, Ok(1..)) {} };
        let _ = timeout(CLOSE, drained).await;
    }
}
