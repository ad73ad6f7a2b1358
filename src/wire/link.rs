//! What the task that owns a TCP socket and the leg of the same call share: sound and events in, orders out.
//!
//! Both sides hold a lock for a copy of 20 ms of sound at most and never across an `await`.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::paced::{Origin, Paced};
use super::{Cause, LegEvent, Quality};
use crate::media::{FRAME, FRAME_MS, Frame, RATE};

/// Events that a line has not fetched yet; a peer that sends more is flooding.
const MAX_EVENTS: usize = 64;
/// Frames that may wait for the socket: half a second.
const MAX_FRAMES: usize = 25;
/// Orders other than sound that may wait for the socket.
const MAX_CONTROLS: usize = 64;
/// Frames dropped in a row before the peer is given up: five seconds.
const GIVE_UP: u32 = 250;

/// From the socket to the line.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<Inbound>,
}

#[derive(Debug, Default)]
struct Inbound {
    sound: Paced,
    events: VecDeque<LegEvent>,
    end: End,
    arrivals: Arrivals,
    malformed: u64,
}

/// The end of a leg is told once, after everything else.
#[derive(Debug, Default, PartialEq)]
enum End {
    #[default]
    Open,
    Untold(Cause),
    Told,
}

impl Inbox {
    /// Sound that arrived `now` (since the connection began).
    pub fn sound(&self, samples: &[i16], now: Duration) {
        let mut state = self.state.lock();
        state.sound.push(samples);
        state.arrivals.note(samples.len(), now);
    }

    /// Something else happened.
    pub fn event(&self, event: LegEvent) {
        let mut state = self.state.lock();
        if state.events.len() < MAX_EVENTS {
            state.events.push_back(event);
        } else {
            state.malformed += 1;
        }
    }

    /// A message was not understood and was dropped. Gives how many there were.
    pub fn malformed(&self) -> u64 {
        let mut state = self.state.lock();
        state.malformed += 1;
        state.malformed
    }

    /// The connection is over. The first cause stands.
    pub fn end(&self, cause: Cause) {
        let mut state = self.state.lock();
        if state.end == End::Open {
            state.end = End::Untold(cause);
        }
    }

    pub fn pull(&self) -> (Frame, Origin) {
        self.state.lock().sound.pop()
    }

    pub fn poll_event(&self) -> Option<LegEvent> {
        let mut state = self.state.lock();
        if let Some(event) = state.events.pop_front() {
            return Some(event);
        }
        let End::Untold(cause) = state.end else {
            return None;
        };
        state.end = End::Told;
        Some(LegEvent::HungUp(cause))
    }

    /// The receiving half of the leg's counters.
    pub fn quality(&self) -> Quality {
        let state = self.state.lock();
        Quality {
            frames_received: state.sound.frames_received(),
            frames_sent: 0,
            frames_lost: state.sound.frames_lost(),
            jitter_ms: state.arrivals.jitter_ms(),
            malformed: state.malformed,
        }
    }
}

/// Interarrival jitter (RFC 3550 §6.4.1) with the count of samples as timestamp.
#[derive(Debug, Default)]
struct Arrivals {
    samples: u64,
    transit: Option<Duration>,
    /// In microseconds.
    jitter: f64,
}

impl Arrivals {
    fn note(&mut self, samples: usize, now: Duration) {
        let media = Duration::from_micros(self.samples * 1_000_000 / u64::from(RATE));
        self.samples += samples as u64;
        // Sound that runs ahead of its arrival has no negative transit in a `Duration`; an hour of offset cancels out.
        let transit = (now + Duration::from_secs(3_600)).saturating_sub(media);
        if let Some(before) = self.transit.replace(transit) {
            let change = transit.abs_diff(before).as_micros() as f64;
            self.jitter += (change - self.jitter) / 16.0;
        }
    }

    fn jitter_ms(&self) -> u32 {
        (self.jitter / 1_000.0).round() as u32
    }
}

/// What a socket has to do, in order.
#[derive(Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every order is a frame, and a box would be made 50 times a second"
)]
pub(crate) enum Order<C> {
    /// Send 20 ms of sound.
    Sound(Frame),
    /// Send something else: a mark, a key.
    Control(C),
    /// End the connection in the protocol's way.
    Close,
}

/// From the line to the socket.
#[derive(Debug)]
pub(crate) struct Outbox<C> {
    state: Mutex<Outbound<C>>,
    wake: Notify,
}

#[derive(Debug)]
struct Outbound<C> {
    orders: VecDeque<Order<C>>,
    frames: usize,
    closed: bool,
    sent: u64,
    dropped: u64,
    dropped_in_a_row: u32,
}

/// What became of a pushed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Queued,
    /// The peer does not take its sound in time; the frame is gone.
    Dropped,
    /// It has not for so long that the leg should end.
    GiveUp,
}

impl<C> Default for Outbox<C> {
    fn default() -> Self {
        let state = Outbound {
            orders: VecDeque::new(),
            frames: 0,
            closed: false,
            sent: 0,
            dropped: 0,
            dropped_in_a_row: 0,
        };
        Self {
            state: Mutex::new(state),
            wake: Notify::new(),
        }
    }
}

impl<C> Outbox<C> {
    pub fn push(&self, frame: &Frame) -> Pushed {
        let mut state = self.state.lock();
        if state.closed {
            return Pushed::Dropped;
        }
        if state.frames >= MAX_FRAMES {
            state.dropped += 1;
            state.dropped_in_a_row += 1;
            return if state.dropped_in_a_row >= GIVE_UP {
                Pushed::GiveUp
            } else {
                Pushed::Dropped
            };
        }
        state.frames += 1;
        state.sent += 1;
        state.dropped_in_a_row = 0;
        state.orders.push_back(Order::Sound(*frame));
        drop(state);
        self.wake.notify_one();
        Pushed::Queued
    }

    pub fn control(&self, control: C) {
        let mut state = self.state.lock();
        if state.closed || state.orders.len() >= MAX_FRAMES + MAX_CONTROLS {
            return;
        }
        state.orders.push_back(Order::Control(control));
        drop(state);
        self.wake.notify_one();
    }

    /// Forgets the sound that still waits here; controls stay, in order.
    pub fn clear_sound(&self) {
        let mut state = self.state.lock();
        state
            .orders
            .retain(|order| !matches!(order, Order::Sound(_)));
        state.sent -= state.frames as u64;
        state.frames = 0;
    }

    /// No more orders after what waits here. Repeated calls do nothing.
    pub fn close(&self) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        state.closed = true;
        state.orders.push_back(Order::Close);
        drop(state);
        self.wake.notify_one();
    }

    /// Waits until there is something to do. Safe to cancel.
    pub async fn ready(&self) {
        self.wake.notified().await;
    }

    /// Swaps everything to do into `orders`, which has to be empty.
    pub fn take(&self, orders: &mut VecDeque<Order<C>>) {
        let mut state = self.state.lock();
        std::mem::swap(&mut state.orders, orders);
        state.frames = 0;
    }

    /// Frames handed to the socket, and frames that were dropped instead.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.sent, state.dropped)
    }
}

/// Both directions of one call, as the server's legs have them.
#[derive(Debug)]
pub(crate) struct Link<C> {
    pub inbox: Inbox,
    pub outbox: Outbox<C>,
}

impl<C> Default for Link<C> {
    fn default() -> Self {
        Self {
            inbox: Inbox::default(),
            outbox: Outbox::default(),
        }
    }
}

impl<C> Link<C> {
    /// Sends a frame, or ends the leg of a peer that has not read for seconds.
    pub fn push(&self, frame: &Frame) {
        if self.outbox.push(frame) == Pushed::GiveUp {
            self.inbox.end(Cause::Failure);
            self.outbox.close();
        }
    }

    pub fn quality(&self) -> Quality {
        Quality {
            frames_sent: self.outbox.counts().0,
            ..self.inbox.quality()
        }
    }
}

/// Stands in for the marks of a wire that has none: a mark is due when as many frames were pushed as lie in flight.
#[derive(Debug, Default)]
pub(crate) struct CountedMarks {
    pushed: u64,
    waiting: BTreeSet<(u64, u64)>,
}

impl CountedMarks {
    pub fn frame(&mut self) {
        self.pushed += 1;
    }

    /// Waits for `in_flight_ms` more of sound.
    pub fn mark(&mut self, id: u64, in_flight_ms: u32) {
        if self.waiting.len() < MAX_EVENTS {
            self.waiting
                .insert((self.pushed + u64::from(in_flight_ms).div_ceil(FRAME_MS), id));
        }
    }

    pub fn due(&mut self) -> Option<u64> {
        let first = *self.waiting.first()?;
        (first.0 <= self.pushed && self.waiting.remove(&first)).then_some(first.1)
    }
}

const _: () = assert!(FRAME as u64 * 1_000 == FRAME_MS * RATE as u64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::SILENCE;

    #[test]
    fn the_end_is_told_once_and_last() {
        let inbox = Inbox::default();
        inbox.end(Cause::Remote);
        inbox.end(Cause::Failure);
        inbox.event(LegEvent::Dtmf('1'));
        assert_eq!(inbox.poll_event(), Some(LegEvent::Dtmf('1')));
        assert_eq!(inbox.poll_event(), Some(LegEvent::HungUp(Cause::Remote)));
        assert_eq!(inbox.poll_event(), None);
    }

    #[test]
    fn slow_peer_is_given_up() {
        let link: Link<()> = Link::default();
        for _ in 0..MAX_FRAMES as u32 + GIVE_UP - 1 {
            link.push(&SILENCE);
        }
        assert_eq!(link.inbox.poll_event(), None);
        link.push(&SILENCE);
        assert_eq!(
            link.inbox.poll_event(),
            Some(LegEvent::HungUp(Cause::Failure))
        );
        assert_eq!(
            link.outbox.counts(),
            (MAX_FRAMES as u64, u64::from(GIVE_UP))
        );
    }

    #[test]
    fn cleared_sound_leaves_controls_in_order() {
        let outbox = Outbox::default();
        outbox.push(&SILENCE);
        outbox.control(1);
        outbox.push(&SILENCE);
        outbox.clear_sound();
        outbox.control(2);
        let mut orders = VecDeque::new();
        outbox.take(&mut orders);
        assert_eq!(orders, [Order::Control(1), Order::Control(2)]);
        assert_eq!(outbox.counts().0, 0);
    }

    #[test]
    fn even_arrival_has_no_jitter() {
        let mut arrivals = Arrivals::default();
        for n in 0..100 {
            arrivals.note(FRAME, Duration::from_millis(20 * n));
        }
        assert_eq!(arrivals.jitter_ms(), 0);
        for n in 100..200 {
            arrivals.note(FRAME, Duration::from_millis(20 * n + 30 * (n % 2)));
        }
        assert!(
            (28..=30).contains(&arrivals.jitter_ms()),
            "{}",
            arrivals.jitter_ms()
        );
    }

    #[test]
    fn counted_mark_waits_for_what_is_in_flight() {
        let mut marks = CountedMarks::default();
        marks.frame();
        marks.mark(7, 60);
        for _ in 0..2 {
            marks.frame();
            assert_eq!(marks.due(), None);
        }
        marks.frame();
        assert_eq!(marks.due(), Some(7));
        assert_eq!(marks.due(), None);
    }
}
