//! What the tests of the wires share: a switchboard whose calls the test holds in its hand.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use combinado::media::{FRAME, Frame};
use combinado::wire::{Cause, Incoming, Leg, LegEvent, Switchboard};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Anything on loopback that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

pub type Call = (Incoming, Box<dyn Leg>);

/// Hands every call to the test.
pub struct Desk {
    calls: mpsc::Sender<Call>,
    admits: AtomicBool,
}

impl Desk {
    pub fn new() -> (Arc<Self>, mpsc::Receiver<Call>) {
        let (calls, taken) = mpsc::channel(64);
        (
            Arc::new(Self {
                calls,
                admits: AtomicBool::new(true),
            }),
            taken,
        )
    }

    pub fn set_full(&self) {
        self.admits.store(false, Ordering::Relaxed);
    }
}

impl Switchboard for Desk {
    fn admits(&self, _: &Incoming) -> bool {
        self.admits.load(Ordering::Relaxed)
    }

    fn connect(&self, incoming: Incoming, leg: Box<dyn Leg>) {
        self.calls
            .try_send((incoming, leg))
            .unwrap_or_else(|_| panic!("the test takes its calls"));
    }
}

/// Runs a test with sockets.
pub fn with_sockets(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime");
    runtime.block_on(async { timeout(6 * PATIENCE, test).await.expect("the test ends") });
}

pub async fn next(calls: &mut mpsc::Receiver<Call>) -> Call {
    timeout(PATIENCE, calls.recv())
        .await
        .expect("a call comes")
        .expect("the switchboard lives")
}

/// Looks until there is something.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let found = async {
        let mut ticks = interval(Duration::from_millis(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    };
    timeout(PATIENCE, found)
        .await
        .unwrap_or_else(|_| panic!("{what} comes in time"))
}

/// Waits for `frames` whole frames in all.
pub async fn received(leg: &mut dyn Leg, frames: usize) {
    until("sound", || {
        (leg.quality().frames_received >= frames as u64).then_some(())
    })
    .await;
}

/// The next event.
pub async fn event(leg: &mut dyn Leg) -> LegEvent {
    until("an event", || leg.poll_event()).await
}

/// Every event up to the end, and its cause.
pub async fn last_events(leg: &mut dyn Leg) -> (Vec<LegEvent>, Cause) {
    let mut events = Vec::new();
    loop {
        match event(leg).await {
            LegEvent::HungUp(cause) => return (events, cause),
            other => events.push(other),
        }
    }
}

/// A loud sound in which no two frames are alike, made of levels that µ-law can say exactly.
pub fn speech(frames: usize) -> Vec<Frame> {
    let level = |n: usize| {
        let mixed = n.wrapping_mul(2_654_435_761) >> 7;
        let (segment, step, negative) = (3 + mixed % 5, mixed / 8 % 16, mixed / 128 % 2 == 1);
        let magnitude = ((((step << 3) + 132) << segment) - 132) as i16;
        if negative { -magnitude } else { magnitude }
    };
    (0..frames)
        .map(|frame| std::array::from_fn(|n| level(frame * FRAME + n)))
        .collect()
}

/// The name of a cause in the tables of reactions.
pub fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Remote => "remote",
        Cause::Local => "local",
        Cause::Timeout => "timeout",
        Cause::Failure => "failure",
    }
}

/// The keys that were pressed. Nothing else may have happened.
pub fn keys_of(events: &[LegEvent]) -> String {
    let key = |event: &LegEvent| match event {
        LegEvent::Dtmf(key) => *key,
        other => panic!("{other:?}"),
    };
    events.iter().map(key).collect()
}
