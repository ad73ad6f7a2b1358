//! Many callers at once who only speak and listen: what the line is like under load, from the caller's ear.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use parking_lot::Mutex;

use super::client::TwilioClient;
use super::live::Telephone;
use super::repertoire::{Clip, Repertoire, Reply};
use crate::media::{FRAME, FRAME_MS, Frame, SILENCE};
use crate::wire::LegEvent;
use crate::wire::sip::{self, Dial, SipSettings};

const TICK: Duration = Duration::from_millis(FRAME_MS);
/// New calls a second while the load builds up.
const RAMP_PER_SECOND: u64 = 50;
/// Loudness of a frame above which somebody speaks, about -45 dB of full scale.
const LOUD: f64 = 180.0;

/// A measuring telephone has no jitter buffer of its own: what is timed is the sound on the line.
const JITTER_MS: u32 = 0;

/// The state of the conversation by the number that calls: what a person would hear in the question.
pub type Asked = Arc<Mutex<BTreeMap<String, String>>>;

/// What to do.
#[derive(Clone, Debug)]
pub struct Load {
    /// The media stream, `ws://127.0.0.1:8080/twilio/media`, or a SIP address, `sip:agente@127.0.0.1:5060`.
    pub url: String,
    pub concurrent: usize,
    /// A single call before the load, in which the server fills its caches.
    pub warm_up: Duration,
    /// After the last call is up, before anything counts.
    pub settle: Duration,
    /// How long it is measured once all calls are up.
    pub measured: Duration,
    /// What callers say.
    pub repertoire: Repertoire,
    /// What they were asked.
    pub asked: Asked,
}

/// How far a load is, told as it gets there: the moments at which the server's meters are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// One call was held and is over.
    Warm,
    /// All calls are up; from now on it counts.
    Connected,
    /// No more counts; the calls are still up.
    Ending,
}

/// What the callers measured. Times are in steps of 20 ms: what the ear can hear.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Calls that were connected, the most at one time.
    pub connected: usize,
    /// Calls that failed to connect.
    pub failed: usize,
    /// Seconds of all calls together while it counted.
    pub call_seconds: f64,
    /// Connection to the first sound of the greeting.
    pub greeting_ms: Times,
    /// End of what the caller said to the first sound of the answer.
    pub response_ms: Times,
    /// Answers to questions that call for a few words, which were said without a pause.
    pub closed: usize,
    /// Answers that began before the caller had ended, of those without a pause and of those with one.
    pub early: usize,
    pub paused: usize,
    pub paused_early: usize,
    /// End of an answer with a pause in it, or to another question, to the first sound.
    pub other_ms: Times,
    /// The caller's first sound over the agent's to the agent's silence.
    pub barge_in_ms: Times,
    /// Frames that came more than 60 ms after their time.
    pub late_percent: f64,
}

/// Percentiles of times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    pub p50: u64,
    pub p95: u64,
    pub n: usize,
}

impl Times {
    /// Nearest rank.
    fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            times
                .get((times.len() * percent).div_ceil(100).saturating_sub(1))
                .copied()
        };
        Self {
            p50: at(50).unwrap_or_default(),
            p95: at(95).unwrap_or_default(),
            n: times.len(),
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {} ms, p95 {} ms (n = {})",
            self.p50, self.p95, self.n
        )
    }
}

/// Puts the load on the server. `tell` hears of each span, and of the report at the end.
pub async fn run_load(load: &Load, tell: impl Fn(Span, Option<&LoadReport>)) {
    let line = match Line::open(&load.url).await {
        Ok(line) => Arc::new(line),
        Err(reason) => {
            tracing::error!(reason, "no telephone to call with");
            tell(Span::Ending, Some(&LoadReport::default()));
            return;
        }
    };
    let repertoire = Arc::new(load.repertoire.clone());
    let state = Arc::new(State::default());
    let hold = |state: &Arc<State>, n| {
        hold_calls(
            line.clone(),
            repertoire.clone(),
            load.asked.clone(),
            state.clone(),
            n,
        )
    };
    let mut warm_up = JoinSet::new();
    warm_up.spawn(hold(&state, 0));
    sleep_until(Instant::now() + load.warm_up).await;
    state.over.store(true, Ordering::Relaxed);
    while warm_up.join_next().await.is_some() {}
    tell(Span::Warm, None);

    let state = Arc::new(State::default());
    let mut callers = JoinSet::new();
    let begun = Instant::now();
    for n in 0..load.concurrent {
        sleep_until(begun + Duration::from_millis(1_000 * n as u64 / RAMP_PER_SECOND)).await;
        callers.spawn(hold(&state, n));
    }
    sleep_until(Instant::now() + load.settle).await;
    state.counts.store(true, Ordering::Relaxed);
    tell(Span::Connected, None);
    sleep_until(Instant::now() + load.measured).await;
    state.counts.store(false, Ordering::Relaxed);
    tell(Span::Ending, None);
    let connected = state.most.load(Ordering::Relaxed);
    state.over.store(true, Ordering::Relaxed);
    let mut sums = Sums::default();
    while let Some(caller) = callers.join_next().await {
        // A caller that panicked has measured nothing.
        sums.add(caller.unwrap_or_default());
    }
    tell(Span::Ending, Some(&sums.report(connected)));
}

/// How the callers reach the server.
enum Line {
    Twilio(String),
    Sip { telephone: sip::Server, to: String },
}

impl Line {
    async fn open(url: &str) -> Result<Self, String> {
        if !url.starts_with("sip:") {
            return Ok(Self::Twilio(url.to_owned()));
        }
        let settings = SipSettings {
            jitter_ms: JITTER_MS,
            ..SipSettings::default()
        };
        let telephone = sip::Server::outgoing(([127, 0, 0, 1], 0).into(), settings)
            .await
            .map_err(|error| error.to_string())?;
        let to = url.to_owned();
        Ok(Self::Sip { telephone, to })
    }

    async fn call(&self, from: &str) -> Option<Box<dyn Telephone>> {
        match self {
            Self::Twilio(url) => {
                TwilioClient::connect(url, from, "+551140000000", &BTreeMap::new())
                    .await
                    .ok()
                    .map(|client| Box::new(client) as Box<dyn Telephone>)
            }
            Self::Sip { telephone, to } => sip::dial(telephone, Dial::new(to.clone(), from))
                .await
                .ok()
                .map(|answered| Box::new(answered.leg) as Box<dyn Telephone>),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    counts: AtomicBool,
    over: AtomicBool,
    up: AtomicUsize,
    most: AtomicUsize,
}

impl State {
    fn call_began(&self) {
        let up = self.up.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(up, Ordering::Relaxed);
    }

    fn call_ended(&self) {
        self.up.fetch_sub(1, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// Keeps one call up: when it ends, the next one begins.
async fn hold_calls(
    line: Arc<Line>,
    repertoire: Arc<Repertoire>,
    asked: Asked,
    state: Arc<State>,
    n: usize,
) -> Sums {
    let mut sums = Sums::default();
    let from = format!("+55119{n:08}");
    let mut calls = 0;
    while !state.is_over() {
        asked.lock().remove(&from);
        match line.call(&from).await {
            Some(leg) => {
                state.call_began();
                let caller = Caller::new(repertoire.clone(), n + 7 * calls);
                let question = || asked.lock().get(&from).cloned();
                hold_call(leg, caller, question, &state, &mut sums).await;
                state.call_ended();
                calls += 1;
            }
            None => {
                sums.failed += 1;
                sleep_until(Instant::now() + Duration::from_secs(1)).await;
            }
        }
    }
    sums
}

async fn hold_call(
    mut leg: Box<dyn Telephone>,
    mut caller: Caller,
    question: impl Fn() -> Option<String>,
    state: &State,
    sums: &mut Sums,
) {
    let born = Instant::now();
    let mut before = leg.arrived();
    let mut tick = 0;
    loop {
        sleep_until(born + TICK * tick).await;
        tick += 1;
        let counts = state.counts.load(Ordering::Relaxed);
        // What is measured while the load builds up, or ends, does not count.
        let mut passing = Sums::default();
        let counting = if counts { &mut *sums } else { &mut passing };
        let heard = leg.pull();
        let said = caller.hear(&heard, &question, counting);
        leg.push(&said);
        caller.keys.drain(..).for_each(|key| leg.press_key(key));
        let arrived = leg.arrived();
        counting.ticks += 1;
        counting.frames += arrived.frames - before.frames;
        counting.late += arrived.late - before.late;
        before = arrived;
        // A greeting is heard once in a call, and most calls begin before it counts.
        sums.greeting.append(&mut passing.greeting);
        let gone = std::iter::from_fn(|| leg.poll_event())
            .any(|event| matches!(event, LegEvent::HungUp(_)));
        if gone || caller.doing == Doing::Gone || state.is_over() {
            leg.hang_up();
            return;
        }
    }
}

/// What one caller has measured.
#[derive(Debug, Default)]
struct Sums {
    failed: usize,
    ticks: u64,
    frames: u64,
    late: u64,
    greeting: Vec<u64>,
    response: Vec<u64>,
    other: Vec<u64>,
    closed: usize,
    early: usize,
    paused: usize,
    paused_early: usize,
    barge_in: Vec<u64>,
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.failed += other.failed;
        self.ticks += other.ticks;
        self.frames += other.frames;
        self.late += other.late;
        self.closed += other.closed;
        self.early += other.early;
        self.paused += other.paused;
        self.paused_early += other.paused_early;
        self.other.extend(other.other);
        self.greeting.extend(other.greeting);
        self.response.extend(other.response);
        self.barge_in.extend(other.barge_in);
    }

    fn report(self, connected: usize) -> LoadReport {
        LoadReport {
            connected,
            failed: self.failed,
            call_seconds: (self.ticks * FRAME_MS) as f64 / 1_000.0,
            greeting_ms: Times::of(self.greeting),
            response_ms: Times::of(self.response),
            other_ms: Times::of(self.other),
            closed: self.closed,
            early: self.early,
            paused: self.paused,
            paused_early: self.paused_early,
            barge_in_ms: Times::of(self.barge_in),
            late_percent: 100.0 * self.late as f64 / self.frames.max(1) as f64,
        }
    }
}

/// The agent has ended when it was quiet for so many frames: 600 ms.
const ENDED: u64 = 30;
/// The agent is silenced, not between two words, when it was quiet for so many frames: 240 ms.
const SILENCED: u64 = 12;
/// A caller who interrupts does so after so many frames of the agent: 800 ms.
const PATIENCE: u64 = 40;
/// After the caller has spoken, an answer that takes longer than 5 s is none.
const NO_ANSWER: u64 = 250;
/// A caller tick by tick: listens to each prompt, answers it, and interrupts some.
#[derive(Debug)]
struct Caller {
    repertoire: Arc<Repertoire>,
    /// Chooses among what could be said.
    nth: usize,
    tick: u64,
    doing: Doing,
    keys: Vec<char>,
    clip: Arc<Clip>,
    /// Frames in a row in which the agent was loud, or quiet.
    loud_for: u64,
    quiet_for: u64,
    /// When the caller began to speak over the agent, until the agent is silenced.
    interrupting: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// Waits for the first sound of the call.
    Arriving,
    /// Hears a prompt that began at this tick.
    Listening { since: u64 },
    /// Says this frame of the clip. `early` when the agent has answered already.
    Saying { at: usize, early: bool },
    /// Has said it; its last sound was at this tick.
    Waiting { ended: u64 },
    /// Has heard enough.
    Gone,
}

impl Caller {
    /// The `nth` caller.
    fn new(repertoire: Arc<Repertoire>, nth: usize) -> Self {
        Self {
            repertoire,
            nth,
            tick: 0,
            doing: Doing::Arriving,
            keys: Vec::new(),
            clip: Arc::default(),
            loud_for: 0,
            quiet_for: 0,
            interrupting: None,
        }
    }

    /// Hears 20 ms and says 20 ms. What is measured goes to `sums`.
    fn hear(
        &mut self,
        heard: &Frame,
        question: &impl Fn() -> Option<String>,
        sums: &mut Sums,
    ) -> Frame {
        self.tick += 1;
        if is_loud(heard) {
            self.loud_for += 1;
            self.quiet_for = 0;
        } else {
            self.quiet_for += 1;
            self.loud_for = 0;
        }
        if let Some(began) = self.interrupting
            && self.quiet_for >= SILENCED
        {
            sums.barge_in
                .push((self.tick + 1 - self.quiet_for - began) * FRAME_MS);
            self.interrupting = None;
        }
        match self.doing {
            Doing::Arriving => self.arrive(sums),
            Doing::Listening { since } => self.listen(since, question),
            Doing::Saying { at, early } => return self.say(at, early, sums),
            Doing::Waiting { ended } => self.wait(ended, sums),
            Doing::Gone => {}
        }
        SILENCE
    }

    fn arrive(&mut self, sums: &mut Sums) {
        if self.loud_for > 0 {
            sums.greeting.push(self.tick * FRAME_MS);
            self.begin_listening();
        }
    }

    fn begin_listening(&mut self) {
        self.nth += 1;
        self.doing = Doing::Listening { since: self.tick };
    }

    fn listen(&mut self, since: u64, question: &impl Fn() -> Option<String>) {
        if self.loud_for > 0 && self.tick - since >= PATIENCE {
            let reply = self
                .repertoire
                .interruption(question().as_deref(), self.nth);
            let speaks = matches!(reply, Some(Reply::Say(_)));
            self.reply(reply);
            self.interrupting = speaks.then_some(self.tick);
        } else if self.quiet_for >= ENDED {
            let reply = self.repertoire.answer(question().as_deref(), self.nth);
            self.reply(Some(reply));
        }
    }

    fn reply(&mut self, reply: Option<Reply>) {
        match reply {
            None => {}
            Some(Reply::Say(clip)) => {
                self.clip = clip;
                self.doing = Doing::Saying {
                    at: 0,
                    early: false,
                };
            }
            Some(Reply::Press(keys)) => {
                self.keys.extend(keys.chars());
                self.doing = Doing::Waiting { ended: self.tick };
                self.clip = Arc::default();
            }
            Some(Reply::HangUp) => self.doing = Doing::Gone,
        }
    }

    fn say(&mut self, at: usize, early: bool, sums: &mut Sums) -> Frame {
        let mut frame = SILENCE;
        let rest = self.clip.sound.get(at * FRAME..).unwrap_or_default();
        for (sample, said) in frame.iter_mut().zip(rest) {
            *sample = *said;
        }
        let early = early || (self.interrupting.is_none() && self.loud_for > 0);
        if rest.len() > FRAME {
            self.doing = Doing::Saying { at: at + 1, early };
            return frame;
        }
        if self.clip.paused {
            sums.paused += 1;
            sums.paused_early += usize::from(early);
        } else {
            sums.closed += usize::from(self.clip.closed);
            sums.early += usize::from(self.clip.closed && early);
        }
        if early {
            self.begin_listening();
        } else {
            self.doing = Doing::Waiting { ended: self.tick };
        }
        frame
    }

    fn wait(&mut self, ended: u64, sums: &mut Sums) {
        if self.interrupting.is_none() && self.loud_for > 0 {
            let ms = (self.tick - ended) * FRAME_MS;
            if self.clip.closed {
                sums.response.push(ms);
            } else if !self.clip.sound.is_empty() {
                sums.other.push(ms);
            }
            self.begin_listening();
        } else if self.tick - ended > NO_ANSWER {
            self.interrupting = None;
            self.doing = Doing::Listening { since: self.tick };
        }
    }
}

fn is_loud(sound: &[i16]) -> bool {
    let energy: f64 = sound.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (energy / sound.len().max(1) as f64).sqrt() > LOUD
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: Frame = [1_000; FRAME];

    /// A caller against an agent that speaks from tick to tick.
    fn hold(caller: &mut Caller, agent: &[(u64, u64)], ticks: u64) -> (Sums, Vec<u64>) {
        let mut sums = Sums::default();
        let mut said = Vec::new();
        for tick in 1..=ticks {
            let speaks = agent.iter().any(|(from, to)| (*from..*to).contains(&tick));
            let heard = if speaks { &VOICE } else { &SILENCE };
            if caller.hear(heard, &|| None, &mut sums) != SILENCE {
                said.push(tick);
            }
        }
        (sums, said)
    }

    fn caller(interrupts: bool) -> Caller {
        let repertoire = Repertoire::of_one(VOICE.repeat(20), interrupts);
        Caller::new(Arc::new(repertoire), 0)
    }

    #[test]
    fn answer_is_timed_from_the_last_sound() {
        // Prompt until 51, 600 ms of silence, 20 frames of speech from 82 to 101, the answer at 110.
        let (sums, said) = hold(&mut caller(false), &[(2, 52), (110, 150)], 120);
        assert_eq!((said[0], said[19], said.len()), (82, 101, 20));
        assert_eq!(
            (sums.greeting, sums.response, sums.early),
            (vec![40], vec![180], 0)
        );
    }

    #[test]
    fn answer_into_the_speech_is_early() {
        let (sums, _) = hold(&mut caller(false), &[(2, 52), (95, 150)], 130);
        assert_eq!((sums.response, sums.early), (vec![], 1));
    }

    #[test]
    fn interrupted_agent_is_timed_to_its_silence() {
        // The prompt begins at 2, the caller at 43, silence at 47.
        let (sums, said) = hold(&mut caller(true), &[(2, 47), (80, 120)], 90);
        assert_eq!(said[0], 43);
        assert_eq!((sums.barge_in, sums.response), (vec![100], vec![360]));
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!(
            Times::of((1..=100).collect()),
            Times {
                p50: 50,
                p95: 95,
                n: 100
            }
        );
        assert_eq!(Times::of(vec![]), Times::default());
    }
}
