//! One stream, message by message, without its socket: what a text frame changes and when the stream is over.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;

use super::message::{Media, Message, Start};
use crate::media::g711::Law;
use crate::wire::link::Link;
use crate::wire::{Cause, Incoming, LegEvent, Wire};

/// Messages that were not understood before the stream is given up.
const MAX_FAULTS: u64 = 100;
/// Longer names of streams and calls are not Twilio's (34 characters).
const MAX_NAME: usize = 128;
/// What a start may bring along; our own TwiML sends a handful.
const MAX_PARAMETERS: usize = 32;
const MAX_PARAMETER: usize = 1_000;
/// Marks that may be under way.
const MAX_MARKS: usize = 256;

/// What the socket has to send beside sound.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Control {
    Mark(Mark),
    /// Twilio drops what it has buffered.
    Clear,
}

/// A mark carries the generation of the buffer it stands in: `clear` returns marks that nobody heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub generation: u32,
    pub id: u64,
}

impl Mark {
    pub fn name(self) -> String {
        format!("g{}:{}", self.generation, self.id)
    }

    fn parse(name: &str) -> Option<Self> {
        let (generation, id) = name.strip_prefix('g')?.split_once(':')?;
        Some(Self {
            generation: generation.parse().ok()?,
            id: id.parse().ok()?,
        })
    }
}

/// Everything that the leg and the socket of one stream share.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub link: Link<Control>,
    marks: Mutex<Marks>,
}

#[derive(Debug, Default)]
struct Marks {
    generation: u32,
    pending: VecDeque<Mark>,
}

impl Stream {
    pub fn mark(&self, id: u64) {
        let mut marks = self.marks.lock();
        let mark = Mark {
            generation: marks.generation,
            id,
        };
        if marks.pending.len() >= MAX_MARKS {
            marks.pending.pop_front();
        }
        marks.pending.push_back(mark);
        drop(marks);
        self.link.outbox.control(Control::Mark(mark));
    }

    pub fn flush(&self) {
        self.marks.lock().generation += 1;
        self.link.outbox.clear_sound();
        self.link.outbox.control(Control::Clear);
    }

    /// A mark came back. Twilio's word that it was played counts only if no `clear` was sent since it was set.
    fn mark_returned(&self, name: &str) -> Result<(), Fault> {
        let mark = Mark::parse(name).ok_or(Fault::StrangeMark)?;
        let mut marks = self.marks.lock();
        let place = marks
            .pending
            .iter()
            .position(|pending| *pending == mark)
            .ok_or(Fault::StrangeMark)?;
        marks.pending.remove(place);
        let heard = mark.generation == marks.generation;
        drop(marks);
        if heard {
            self.link.inbox.event(LegEvent::Mark(mark.id));
        }
        Ok(())
    }
}

/// A message that is dropped; the stream goes on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("not a message")]
    NoMessage,
    #[error("before the start")]
    BeforeStart,
    #[error("second start")]
    SecondStart,
    #[error("of another stream")]
    OtherStream,
    #[error("payload is not base64")]
    Payload,
    #[error("no key of a telephone")]
    StrangeKey,
    #[error("mark that was never sent")]
    StrangeMark,
    #[error("unknown event")]
    UnknownEvent,
}

/// Why a stream is over, with the code of RFC 6455 §7.4.1 that its close frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Twilio said `stop`, or closed.
    Stopped,
    /// The leg hung up.
    HungUp,
    /// No `start`, or nothing at all, for too long.
    Silent,
    /// The start is not one, or its format is not the telephone's.
    Unusable,
    /// The first frames are not of this protocol.
    NotTwilio,
    /// Too many messages were not understood, or one was binary or too long.
    Faulty,
    /// The transport broke, or the peer does not read.
    Broken,
    /// No room for one more call.
    Refused,
}

impl Ending {
    pub fn cause(self) -> Cause {
        match self {
            Self::Stopped => Cause::Remote,
            Self::HungUp | Self::Refused => Cause::Local,
            Self::Silent => Cause::Timeout,
            Self::Unusable | Self::NotTwilio | Self::Faulty | Self::Broken => Cause::Failure,
        }
    }

    pub fn close_code(self) -> u16 {
        match self {
            Self::Stopped | Self::HungUp => 1000,
            Self::Unusable => 1003,
            Self::NotTwilio => 1007,
            Self::Silent | Self::Faulty => 1008,
            Self::Broken => 1011,
            Self::Refused => 1013,
        }
    }
}

/// What a message asks of the socket's task.
#[derive(Debug)]
pub(super) enum Reaction {
    Carry,
    /// The stream has begun; this call comes with it.
    Begin(Box<Beginning>),
    End(Ending),
}

#[derive(Debug)]
pub(super) struct Beginning {
    pub stream_sid: String,
    pub incoming: Incoming,
}

/// Reads the messages of one stream.
#[derive(Debug)]
pub(super) struct Session {
    stream: Arc<Stream>,
    /// Empty until the start.
    stream_sid: String,
    mulaw: Vec<u8>,
    sound: Vec<i16>,
}

impl Session {
    pub fn new(stream: Arc<Stream>) -> Self {
        Self {
            stream,
            stream_sid: String::new(),
            mulaw: Vec::new(),
            sound: Vec::new(),
        }
    }

    /// Takes a text frame that came `now`, counted from the beginning of the connection.
    pub fn handle(&mut self, text: &str, now: Duration) -> Reaction {
        let message = match Message::parse(text) {
            Ok(message) => message,
            // Nothing that begins like this is Twilio, and it holds one of our sockets.
            Err(_) if self.stream_sid.is_empty() => return Reaction::End(Ending::NotTwilio),
            Err(_) => return self.fault(Fault::NoMessage),
        };
        let done = match message {
            Message::Connected => Ok(()),
            Message::Start { stream, start } => return self.start(&stream, start),
            Message::Stop { stream } => match self.check_stream(&stream) {
                Ok(()) | Err(Fault::BeforeStart) => return Reaction::End(Ending::Stopped),
                Err(fault) => Err(fault),
            },
            Message::Media { stream, media } => self
                .check_stream(&stream)
                .and_then(|()| self.media(&media, now)),
            Message::Dtmf { stream, digit } => {
                self.check_stream(&stream).and_then(|()| self.dtmf(&digit))
            }
            Message::Mark { stream, name } => self
                .check_stream(&stream)
                .and_then(|()| self.stream.mark_returned(&name)),
            Message::Clear | Message::Unknown => Err(Fault::UnknownEvent),
        };
        done.map_or_else(|fault| self.fault(fault), |()| Reaction::Carry)
    }

    fn fault(&self, fault: Fault) -> Reaction {
        tracing::debug!(%fault, "media stream: message dropped");
        if self.stream.link.inbox.malformed() >= MAX_FAULTS {
            Reaction::End(Ending::Faulty)
        } else {
            Reaction::Carry
        }
    }

    /// A message without a stream's name is taken as of this one; only Twilio is known to write it always.
    fn check_stream(&self, stream: &str) -> Result<(), Fault> {
        if self.stream_sid.is_empty() {
            Err(Fault::BeforeStart)
        } else if stream.is_empty() || stream == self.stream_sid {
            Ok(())
        } else {
            Err(Fault::OtherStream)
        }
    }

    fn start(&mut self, stream: &str, start: Start) -> Reaction {
        if !self.stream_sid.is_empty() {
            return self.fault(Fault::SecondStart);
        }
        let stream_sid = if stream.is_empty() {
            &start.stream_sid
        } else {
            stream
        };
        let named = !stream_sid.is_empty()
            && stream_sid.len() <= MAX_NAME
            && start.call_sid.len() <= MAX_NAME;
        if !named
            || start
                .media_format
                .as_ref()
                .is_some_and(|format| !format.is_telephone())
        {
            return Reaction::End(Ending::Unusable);
        }
        self.stream_sid = stream_sid.to_owned();
        let stream_sid = self.stream_sid.clone();
        Reaction::Begin(Box::new(Beginning {
            stream_sid,
            incoming: incoming(start),
        }))
    }

    fn media(&mut self, media: &Media<'_>, now: Duration) -> Result<(), Fault> {
        // Our own voice, where somebody asked for both tracks.
        if media.track == "outbound" {
            return Ok(());
        }
        self.mulaw.clear();
        STANDARD
            .decode_vec(&*media.payload, &mut self.mulaw)
            .map_err(|_| Fault::Payload)?;
        self.sound.clear();
        self.sound
            .extend(self.mulaw.iter().map(|byte| Law::Mu.decode(*byte)));
        self.stream.link.inbox.sound(&self.sound, now);
        Ok(())
    }

    fn dtmf(&self, digit: &str) -> Result<(), Fault> {
        let key = telephone_key(digit).ok_or(Fault::StrangeKey)?;
        self.stream.link.inbox.event(LegEvent::Dtmf(key));
        Ok(())
    }
}

/// One key of a telephone, and nothing else.
fn telephone_key(digit: &str) -> Option<char> {
    let mut characters = digit.chars();
    let key = characters.next()?.to_ascii_uppercase();
    (characters.next().is_none() && matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')).then_some(key)
}

fn incoming(start: Start) -> Incoming {
    let mut parameters: BTreeMap<_, _> = start
        .custom_parameters
        .into_iter()
        .filter(|(name, value)| name.len() + value.len() <= MAX_PARAMETER)
        .take(MAX_PARAMETERS)
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    let from = caller_number(&parameters.remove("from").unwrap_or_default());
    let to = parameters.remove("to").unwrap_or_default();
    Incoming {
        wire: Wire::Twilio,
        from,
        to,
        reference: start.call_sid,
        parameters,
    }
}

/// Twilio's words for a withheld number (twilio.com, "TwiML voice: Request parameters") become nothing.
pub(super) fn caller_number(from: &str) -> String {
    let withheld = [
        "anonymous",
        "unknown",
        "restricted",
        "unavailable",
        "+266696687",
        "+7378742883",
        "+2562533",
    ];
    if withheld.contains(&from.to_lowercase().as_str()) {
        String::new()
    } else {
        from.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ1","callSid":"CA1","customParameters":{"From":"anonymous","to":"+551140028922","Campanha":"junho"}}}"#;

    fn started() -> (Session, Arc<Stream>) {
        let stream = Arc::new(Stream::default());
        let mut session = Session::new(stream.clone());
        assert!(matches!(
            session.handle(START, Duration::ZERO),
            Reaction::Begin(_)
        ));
        (session, stream)
    }

    fn handle(session: &mut Session, text: &str) {
        assert!(
            matches!(session.handle(text, Duration::ZERO), Reaction::Carry),
            "{text}"
        );
    }

    #[test]
    fn start_tells_who_calls() {
        let mut session = Session::new(Arc::default());
        let Reaction::Begin(beginning) = session.handle(START, Duration::ZERO) else {
            panic!("begins")
        };
        let incoming = beginning.incoming;
        assert_eq!(
            (incoming.from.as_str(), incoming.to.as_str()),
            ("", "+551140028922")
        );
        assert_eq!(incoming.reference, "CA1");
        assert_eq!(
            incoming.parameters,
            BTreeMap::from([("campanha".to_owned(), "junho".to_owned())])
        );
    }

    #[test]
    fn cleared_marks_were_not_heard() {
        let (mut session, stream) = started();
        stream.mark(1);
        stream.flush();
        stream.mark(2);
        handle(&mut session, r#"{"event":"mark","mark":{"name":"g0:1"}}"#);
        handle(&mut session, r#"{"event":"mark","mark":{"name":"g1:2"}}"#);
        handle(&mut session, r#"{"event":"mark","mark":{"name":"g1:2"}}"#);
        assert_eq!(stream.link.inbox.poll_event(), Some(LegEvent::Mark(2)));
        assert_eq!(stream.link.inbox.poll_event(), None, "a mark returns once");
        assert_eq!(stream.link.quality().malformed, 1);
    }

    #[test]
    fn only_keys_of_a_telephone_are_keys() {
        assert_eq!(telephone_key("#"), Some('#'));
        assert_eq!(telephone_key("a"), Some('A'));
        for strange in ["", "E", "12", "AAAA", "é"] {
            assert_eq!(telephone_key(strange), None, "{strange}");
        }
    }

    #[test]
    fn endless_nonsense_ends() {
        let (mut session, _) = started();
        for _ in 1..MAX_FAULTS {
            handle(&mut session, "nonsense");
        }
        assert!(matches!(
            session.handle("nonsense", Duration::ZERO),
            Reaction::End(Ending::Faulty)
        ));
    }
}
