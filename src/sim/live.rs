//! A simulated debtor on a real line: it rings the server up over its own wires, as a telephone would.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use super::client::{Arrived, AudioSocketClient, TwilioClient};
use super::debtor::{Mind, Reply};
use crate::base::CallId;
use crate::call::Event;
use crate::media::{FRAME_MS, Frame, SILENCE};
use crate::wire::sip::SipLeg;
use crate::wire::{Leg, LegEvent};

/// Between the end of a question and the answer.
const THOUGHT: Duration = Duration::from_millis(450);
/// A call that is not over by then has failed.
const LONGEST: Duration = Duration::from_secs(420);

/// A line with keys, from the caller's side.
pub trait Telephone: Leg {
    fn press_key(&mut self, key: char);

    /// What came from the agent so far, and how much of it too late.
    fn arrived(&self) -> Arrived {
        let quality = self.quality();
        Arrived {
            frames: quality.frames_received,
            late: quality.frames_lost,
        }
    }
}

impl Telephone for SipLeg {
    fn press_key(&mut self, key: char) {
        // A peer that negotiated no telephone-events hears nothing; the debtor will speak when asked again.
        self.send_dtmf(key);
    }
}

impl Telephone for TwilioClient {
    fn press_key(&mut self, key: char) {
        self.press(key);
    }

    fn arrived(&self) -> Arrived {
        Self::arrived(self)
    }
}

impl Telephone for AudioSocketClient {
    fn press_key(&mut self, key: char) {
        self.press(key);
    }
}

/// Both sides of the call as the debtor's telephone had them.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    pub said: Vec<i16>,
    pub heard: Vec<i16>,
    /// The call, as the server names it.
    pub call: Option<CallId>,
}

/// Makes 8 kHz sound of words.
pub type Speak = Arc<dyn Fn(&str) -> Vec<i16> + Send + Sync>;

/// Holds a call to its end. `events` tells what the agent says, so that the debtor need not recognise it; what he
/// answers goes over the line as sound, and nothing else does.
#[expect(
    clippy::disallowed_methods,
    reason = "a telephone has a clock of its own"
)]
pub async fn converse(
    leg: &mut dyn Telephone,
    mind: &mut Mind,
    mut events: broadcast::Receiver<(CallId, Event)>,
    speak: Speak,
    mut watch: impl FnMut(&Event),
) -> Tape {
    let born = Instant::now();
    let mut tape = Tape::default();
    let mut mouth = Mouth::default();
    let mut tick = 0_u64;
    while born.elapsed() < LONGEST {
        tokio::time::sleep_until((born + Duration::from_millis(tick * FRAME_MS)).into()).await;
        tick += 1;
        while let Ok((call, event)) = events.try_recv() {
            if *tape.call.get_or_insert(call) == call {
                watch(&event);
                mouth.listen(&event, Instant::now());
            }
        }
        let heard = leg.pull();
        tape.heard.extend_from_slice(&heard);
        if let Some(reply) = mouth
            .due(Instant::now())
            .map(|(state, text)| mind.answer(&state, &text))
        {
            match reply {
                // A voice takes its time; a telephone never stops.
                Reply::Say(words) => {
                    let speak = speak.clone();
                    mouth.words = Some(tokio::task::spawn_blocking(move || speak(&words)));
                }
                Reply::Press(keys) => mouth.keys.extend(keys.chars()),
                Reply::Nothing => {}
            }
        }
        if let Some(key) = mouth.keys.pop_front() {
            leg.press_key(key);
        }
        if let Some(words) = mouth.words.take_if(|words| words.is_finished()) {
            // A voice that fails says nothing, and is asked again.
            mouth.queue.extend(words.await.unwrap_or_default());
        }
        let frame = mouth.next_frame();
        tape.said.extend_from_slice(&frame);
        leg.push(&frame);
        if std::iter::from_fn(|| leg.poll_event()).any(|event| matches!(event, LegEvent::HungUp(_)))
        {
            break;
        }
    }
    leg.hang_up();
    // The end of the call is told after the line has gone.
    let patience = Instant::now() + Duration::from_secs(2);
    while let Ok(Ok((call, event))) = tokio::time::timeout_at(patience.into(), events.recv()).await
    {
        if tape.call == Some(call) {
            watch(&event);
            if matches!(event, Event::Ended { .. }) {
                break;
            }
        }
    }
    tape
}

/// What the debtor is about to say.
#[derive(Default)]
struct Mouth {
    queue: VecDeque<i16>,
    /// What is being made into sound.
    words: Option<JoinHandle<Vec<i16>>>,
    keys: VecDeque<char>,
    asked: Option<(String, String)>,
    turn_at: Option<Instant>,
}

impl Mouth {
    fn listen(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Saying { state, text, .. } => {
                let before = self
                    .asked
                    .take()
                    .map(|(_, before)| before)
                    .unwrap_or_default();
                self.asked = Some((state.clone(), format!("{before} {text}")));
                self.turn_at = None;
            }
            Event::Said { cut: false, .. } => self.turn_at = Some(now + THOUGHT),
            Event::Heard(_) | Event::Silent { .. } => self.asked = None,
            Event::Said { .. }
            | Event::Clause(_)
            | Event::Answered(_)
            | Event::Verified { .. }
            | Event::Offered { .. }
            | Event::Agreed { .. }
            | Event::Ended { .. } => {}
        }
    }

    fn due(&mut self, now: Instant) -> Option<(String, String)> {
        if self.turn_at.is_none_or(|at| at > now) {
            return None;
        }
        self.turn_at = None;
        self.asked.take()
    }

    fn next_frame(&mut self) -> Frame {
        let mut frame = SILENCE;
        for sample in &mut frame {
            *sample = self.queue.pop_front().unwrap_or(0);
        }
        frame
    }
}
