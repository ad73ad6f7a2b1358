//! The input log: what a call was told, and a check sum of what it answered. `combinado replay` lives on it.
//!
//! Little-endian, no padding. A record is: kind (1 byte), moment (u64, µs), payload, number of actions (u32), CRC-32 of
//! their encodings (u32). A log that ends in the middle of a record ends before it: the server may have been killed.

use std::sync::Arc;

use super::{Action, Ending, Input};
use crate::base::Moment;
use crate::media::{FRAME, Frame, SILENCE};
use crate::mind::dialogue::Outcome;

const SILENT: u8 = 0;
const SOUND: u8 = 1;
const KEY: u8 = 2;
const VOICE: u8 = 3;
const MUTE: u8 = 4;
const EFFECT: u8 = 5;
const HUNG_UP: u8 = 6;
const WAKE: u8 = 7;
const PLAYED: u8 = 8;
const WRITTEN: u8 = 9;

/// Longest text or sound that a record may announce: half an hour of a clause is a damaged log.
const LENGTH_AT_MOST: usize = 30_000_000;

/// One input, when it came, and what it was answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub at: Moment,
    pub input: Input,
    pub actions: u32,
    pub digest: u32,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    #[error(
        "record {record} of the log is of the unknown kind {kind}; the log is damaged or of a newer version"
    )]
    Kind { record: usize, kind: u8 },
    #[error("record {record} of the log is damaged: {what}")]
    Damaged { record: usize, what: &'static str },
}

/// Appends an input; [`encode_answer`] closes the record.
pub fn encode_input(input: &Input, at: Moment, out: &mut Vec<u8>) {
    let mut head = |kind: u8| {
        out.push(kind);
        out.extend(at.0.to_le_bytes());
    };
    match input {
        Input::Frame(frame) if **frame == SILENCE => head(SILENT),
        Input::Frame(frame) => {
            head(SOUND);
            frame
                .iter()
                .for_each(|sample| out.extend(sample.to_le_bytes()));
        }
        Input::Key(key) => {
            head(KEY);
            out.extend(u32::from(*key).to_le_bytes());
        }
        Input::Voice { clause, sound } => {
            head(VOICE);
            out.extend(clause.to_le_bytes());
            out.extend((sound.len() as u32).to_le_bytes());
            sound
                .iter()
                .for_each(|sample| out.extend(sample.to_le_bytes()));
        }
        Input::Mute { clause } => {
            head(MUTE);
            out.extend(clause.to_le_bytes());
        }
        Input::Played { clause } => {
            head(PLAYED);
            out.extend(clause.to_le_bytes());
        }
        Input::Effect { id, outcome } => {
            head(EFFECT);
            out.extend(id.to_le_bytes());
            out.push(u8::from(*outcome == Outcome::Done));
        }
        Input::Written { id, writing } => {
            head(WRITTEN);
            let writing = serde_json::to_vec(writing).unwrap_or_default();
            out.extend(id.to_le_bytes());
            out.extend((writing.len() as u32).to_le_bytes());
            out.extend(writing);
        }
        Input::HungUp(ending) => {
            head(HUNG_UP);
            out.push(*ending as u8);
        }
        Input::Wake => head(WAKE),
    }
}

/// Closes the record of the last input with what it was answered.
pub fn encode_answer(actions: u32, digest: u32, out: &mut Vec<u8>) {
    out.extend(actions.to_le_bytes());
    out.extend(digest.to_le_bytes());
}

/// One action as bytes: two actions are the same when these are.
pub fn encode_action(action: &Action, out: &mut Vec<u8>) {
    match action {
        Action::Send(frame) => {
            out.push(0);
            frame
                .iter()
                .for_each(|sample| out.extend(sample.to_le_bytes()));
        }
        Action::Flush => out.push(1),
        Action::Mark { clause } => {
            out.push(6);
            out.extend(clause.to_le_bytes());
        }
        Action::Speak { clause, text } => {
            out.push(2);
            out.extend(clause.to_le_bytes());
            out.extend(text.as_bytes());
        }
        Action::Perform { id, effect } => {
            out.push(3);
            out.extend(id.to_le_bytes());
            out.extend(serde_json::to_vec(effect).unwrap_or_default());
        }
        Action::Tell(event) => {
            out.push(4);
            out.extend(serde_json::to_vec(event).unwrap_or_default());
        }
        Action::HangUp => out.push(5),
        Action::Transcribe { id, question } => {
            out.push(7);
            out.extend(id.to_le_bytes());
            let samples = question.sound.iter();
            samples.for_each(|sample| out.extend(sample.to_le_bytes()));
            let reading = (&question.rules, &question.phrases);
            out.extend(serde_json::to_vec(&reading).unwrap_or_default());
        }
        Action::Forget { id } => {
            out.push(8);
            out.extend(id.to_le_bytes());
        }
    }
}

/// Reads the records of a log.
///
/// # Errors
/// A record that cannot be: the log is damaged. A log that merely breaks off is read up to there.
pub fn decode(bytes: &[u8]) -> Result<Vec<Record>, LogError> {
    let mut reader = Reader { bytes, record: 0 };
    let mut records = Vec::new();
    while let Some(record) = reader.record()? {
        records.push(record);
        reader.record += 1;
    }
    Ok(records)
}

struct Reader<'a> {
    bytes: &'a [u8],
    record: usize,
}

impl Reader<'_> {
    /// `None` where the log ends, or breaks off.
    fn record(&mut self) -> Result<Option<Record>, LogError> {
        let Some([kind]) = self.take::<1>() else {
            return Ok(None);
        };
        let Some(at) = self.take::<8>() else {
            return Ok(None);
        };
        let input = match kind {
            SILENT => Some(Input::Frame(Box::new(SILENCE))),
            SOUND => self
                .samples(FRAME)
                .and_then(|samples| Frame::try_from(&samples[..]).ok())
                .map(|frame| Input::Frame(Box::new(frame))),
            KEY => match self.take::<4>().map(u32::from_le_bytes) {
                Some(code) => Some(Input::Key(
                    char::from_u32(code)
                        .ok_or_else(|| self.damaged("a key that is no character"))?,
                )),
                None => None,
            },
            VOICE => match (self.take::<4>(), self.take::<4>()) {
                (Some(clause), Some(n)) => {
                    let n = u32::from_le_bytes(n) as usize;
                    if n > LENGTH_AT_MOST {
                        return Err(self.damaged("a clause that lasts for hours"));
                    }
                    self.samples(n).map(|sound| Input::Voice {
                        clause: u32::from_le_bytes(clause),
                        sound: Arc::from(sound),
                    })
                }
                _ => None,
            },
            MUTE => self.take::<4>().map(|clause| Input::Mute {
                clause: u32::from_le_bytes(clause),
            }),
            PLAYED => self.take::<4>().map(|clause| Input::Played {
                clause: u32::from_le_bytes(clause),
            }),
            EFFECT => match (self.take::<4>(), self.take::<1>()) {
                (Some(id), Some([done])) => {
                    let outcome = if done == 1 {
                        Outcome::Done
                    } else {
                        Outcome::Failed
                    };
                    Some(Input::Effect {
                        id: u32::from_le_bytes(id),
                        outcome,
                    })
                }
                _ => None,
            },
            WRITTEN => match (self.take::<4>(), self.take::<4>()) {
                (Some(id), Some(n)) => {
                    let n = u32::from_le_bytes(n) as usize;
                    let writing = self
                        .bytes(n)
                        .map(serde_json::from_slice)
                        .transpose()
                        .map_err(|_| self.damaged("a writing that is none"))?;
                    writing.map(|writing| Input::Written {
                        id: u32::from_le_bytes(id),
                        writing,
                    })
                }
                _ => None,
            },
            HUNG_UP => match self.take::<1>() {
                Some([0]) => Some(Input::HungUp(Ending::Remote)),
                Some([1]) => Some(Input::HungUp(Ending::Local)),
                Some([2]) => Some(Input::HungUp(Ending::Timeout)),
                Some([3]) => Some(Input::HungUp(Ending::Failure)),
                Some(_) => return Err(self.damaged("an unknown ending")),
                None => None,
            },
            WAKE => Some(Input::Wake),
            kind => {
                return Err(LogError::Kind {
                    record: self.record,
                    kind,
                });
            }
        };
        let (Some(input), Some(actions), Some(digest)) =
            (input, self.take::<4>(), self.take::<4>())
        else {
            return Ok(None);
        };
        let at = Moment(u64::from_le_bytes(at));
        Ok(Some(Record {
            at,
            input,
            actions: u32::from_le_bytes(actions),
            digest: u32::from_le_bytes(digest),
        }))
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = tail;
        Some(*head)
    }

    fn bytes(&mut self, n: usize) -> Option<&[u8]> {
        let (head, tail) = self.bytes.split_at_checked(n)?;
        self.bytes = tail;
        Some(head)
    }

    fn samples(&mut self, n: usize) -> Option<Vec<i16>> {
        Some(
            self.bytes(n * 2)?
                .chunks_exact(2)
                .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                .collect(),
        )
    }

    const fn damaged(&self, what: &'static str) -> LogError {
        LogError::Damaged {
            record: self.record,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Writing;
    use super::*;

    fn inputs() -> Vec<Input> {
        let mut frame = SILENCE;
        frame[3] = -7;
        vec![
            Input::Frame(Box::new(SILENCE)),
            Input::Frame(Box::new(frame)),
            Input::Key('#'),
            Input::Voice {
                clause: 9,
                sound: Arc::from([1, -2, 3]),
            },
            Input::Mute { clause: 4 },
            Input::Effect {
                id: 2,
                outcome: Outcome::Done,
            },
            Input::Written {
                id: 5,
                writing: Some(Writing {
                    text: "pode ser".to_owned(),
                    tags: Some(vec!["SIM".to_owned()]),
                    confidence: 0.75,
                }),
            },
            Input::Written {
                id: 6,
                writing: None,
            },
            Input::HungUp(Ending::Timeout),
            Input::Wake,
        ]
    }

    fn log() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (n, input) in inputs().iter().enumerate() {
            encode_input(input, Moment(n as u64 * 20_000), &mut bytes);
            encode_answer(n as u32, 7, &mut bytes);
        }
        bytes
    }

    #[test]
    fn every_input_is_read_as_it_was_written() {
        let read: Vec<Input> = decode(&log())
            .unwrap()
            .into_iter()
            .map(|record| record.input)
            .collect();
        assert_eq!(read, inputs());
    }

    #[test]
    fn a_log_that_breaks_off_is_read_up_to_there() {
        let whole = log();
        for end in 0..whole.len() {
            assert!(
                decode(&whole[..end]).unwrap().len() < inputs().len(),
                "{end}"
            );
        }
    }

    proptest! {
        #[test]
        fn damage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&bytes);
        }
    }
}
