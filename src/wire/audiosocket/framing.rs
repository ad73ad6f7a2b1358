//! The framing of AudioSocket: kind, length, payload (`include/asterisk/res_audiosocket.h`).

use std::collections::VecDeque;

use uuid::Uuid;

/// Kind and length.
pub(crate) const HEADER: usize = 3;
/// Longest audio payload that is believed: 20 ms at 96 kHz. No audio of ours is longer than 640.
const MAX_AUDIO: usize = 3_840;

/// Kinds of messages.
pub(crate) mod kind {
    pub const HANG_UP: u8 = 0x00;
    pub const UUID: u8 = 0x01;
    pub const DTMF: u8 = 0x03;
    /// Signed linear, 8 kHz.
    pub const AUDIO_8K: u8 = 0x10;
    /// Signed linear, 16 kHz.
    pub const AUDIO_16K: u8 = 0x12;
    /// 192 kHz, the last rate.
    pub const AUDIO_LAST: u8 = 0x18;
    pub const ERROR: u8 = 0xFF;
}

/// One message of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    HangUp,
    Uuid(Uuid),
    Dtmf(char),
    /// Sound at 8 or 16 kHz.
    Audio(Rate, Vec<i16>),
    /// Asterisk's code: 1 caller hung up, 2 frame forwarding failed, 4 out of memory.
    Error(Option<u8>),
}

/// The rates that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    Narrow,
    Wide,
}

/// After this the bytes have no meaning any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FramingError {
    #[error("audio of {0} bytes")]
    TooLong(usize),
    #[error("identifier of {0} bytes")]
    Identifier(usize),
}

/// Cuts the byte stream into messages. Holds at most one payload of [`MAX_AUDIO`].
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    bytes: VecDeque<u8>,
    /// Bytes of an unknown message still to be passed over.
    passing: usize,
    malformed: u64,
}

impl Decoder {
    /// Takes bytes as they arrived.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        // An unknown payload of 64 KiB need not be kept to be passed over.
        let passed = self.passing.min(bytes.len());
        self.passing -= passed;
        bytes = &bytes[passed..];
        self.bytes.extend(bytes);
    }

    /// The next message, when all of it is there.
    pub fn poll(&mut self) -> Result<Option<Message>, FramingError> {
        while let Some((kind, length)) = self.header() {
            check_length(kind, length)?;
            if !is_known(kind) {
                self.malformed += 1;
                self.pass_over(HEADER + length);
                continue;
            }
            if self.bytes.len() < HEADER + length {
                return Ok(None);
            }
            self.bytes.drain(..HEADER);
            let payload: Vec<u8> = self.bytes.drain(..length).collect();
            match parse_payload(kind, &payload) {
                Some(message) => return Ok(Some(message)),
                None => self.malformed += 1,
            }
        }
        Ok(None)
    }

    /// Messages that were dropped since the last time.
    pub fn take_malformed(&mut self) -> u64 {
        std::mem::take(&mut self.malformed)
    }

    /// Whether the stream stands between two messages.
    pub fn is_whole(&self) -> bool {
        self.bytes.is_empty() && self.passing == 0
    }

    fn header(&self) -> Option<(u8, usize)> {
        let at = |n| self.bytes.get(n).copied();
        Some((at(0)?, usize::from(u16::from_be_bytes([at(1)?, at(2)?]))))
    }

    fn pass_over(&mut self, length: usize) {
        let here = length.min(self.bytes.len());
        self.bytes.drain(..here);
        self.passing = length - here;
    }
}

fn is_audio(kind: u8) -> bool {
    (kind::AUDIO_8K..=kind::AUDIO_LAST).contains(&kind)
}

fn is_known(kind: u8) -> bool {
    matches!(kind, kind::HANG_UP | kind::UUID | kind::DTMF | kind::ERROR) || is_audio(kind)
}

/// Refuses a length as soon as it is told, not when its bytes have been gathered.
fn check_length(kind: u8, length: usize) -> Result<(), FramingError> {
    match kind {
        kind::UUID if length != 16 => Err(FramingError::Identifier(length)),
        _ if is_known(kind) && length > MAX_AUDIO => Err(FramingError::TooLong(length)),
        _ => Ok(()),
    }
}

fn parse_payload(kind: u8, payload: &[u8]) -> Option<Message> {
    match kind {
        kind::HANG_UP => Some(Message::HangUp),
        kind::UUID => Uuid::from_slice(payload).ok().map(Message::Uuid),
        kind::DTMF => parse_key(payload).map(Message::Dtmf),
        kind::AUDIO_8K => {
            parse_samples(payload).map(|samples| Message::Audio(Rate::Narrow, samples))
        }
        kind::AUDIO_16K => {
            parse_samples(payload).map(|samples| Message::Audio(Rate::Wide, samples))
        }
        kind::ERROR => Some(Message::Error(payload.first().copied())),
        _ => None,
    }
}

fn parse_key(payload: &[u8]) -> Option<char> {
    let &[octet] = payload else { return None };
    let key = char::from(octet).to_ascii_uppercase();
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D').then_some(key)
}

/// Little-endian samples. Half a sample, or none at all, is no sound.
fn parse_samples(payload: &[u8]) -> Option<Vec<i16>> {
    let whole = !payload.is_empty() && payload.len().is_multiple_of(2);
    whole.then(|| {
        payload
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    })
}

/// Header and payload together: Asterisk before 2026 breaks when they arrive apart.
pub(crate) fn encode(kind: u8, payload: &[u8], bytes: &mut Vec<u8>) {
    let length = u16::try_from(payload.len()).expect("our payloads have 1,920 bytes at most");
    bytes.clear();
    bytes.push(kind);
    bytes.extend(length.to_be_bytes());
    bytes.extend(payload);
}

/// An audio message.
pub(crate) fn encode_audio(rate: Rate, samples: &[i16], bytes: &mut Vec<u8>) {
    let kind = match rate {
        Rate::Narrow => kind::AUDIO_8K,
        Rate::Wide => kind::AUDIO_16K,
    };
    let length = u16::try_from(samples.len() * 2).expect("a frame is 20 ms");
    bytes.clear();
    bytes.push(kind);
    bytes.extend(length.to_be_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(decoder: &mut Decoder) -> Vec<Message> {
        std::iter::from_fn(|| decoder.poll().expect("well framed")).collect()
    }

    #[test]
    fn messages_are_found_byte_by_byte() {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for byte in [0x03, 0, 1, b'5', 0x10, 0, 2, 0x34, 0x12, 0x00, 0, 0] {
            decoder.feed(&[byte]);
            found.extend(all(&mut decoder));
        }
        assert_eq!(
            found,
            [
                Message::Dtmf('5'),
                Message::Audio(Rate::Narrow, vec![0x1234]),
                Message::HangUp
            ]
        );
        assert!(decoder.is_whole());
    }

    #[test]
    fn unknown_kinds_are_passed_over_unkept() {
        let mut decoder = Decoder::default();
        decoder.feed(&[0x7e, 0xff, 0xff]);
        assert_eq!(all(&mut decoder), []);
        for _ in 0..65_535 / 255 {
            decoder.feed(&[0; 255]);
            assert!(decoder.bytes.is_empty());
        }
        decoder.feed(&[0x03, 0, 1, b'#']);
        assert_eq!(all(&mut decoder), [Message::Dtmf('#')]);
        assert_eq!(decoder.take_malformed(), 1);
    }

    #[test]
    fn lengths_are_refused_at_the_header() {
        for (bytes, error) in [
            ([0x10, 0xff, 0xfe], FramingError::TooLong(65_534)),
            ([0x01, 0x00, 0x07], FramingError::Identifier(7)),
            ([0xff, 0x10, 0x00], FramingError::TooLong(4_096)),
        ] {
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            assert_eq!(decoder.poll(), Err(error));
        }
    }

    #[test]
    fn half_samples_and_rates_we_do_not_speak_are_dropped() {
        let mut decoder = Decoder::default();
        decoder.feed(&[
            0x10, 0, 1, 9, 0x10, 0, 0, 0x16, 0, 2, 1, 1, 0x03, 0, 2, b'1', b'2', 0x03, 0, 1, b'x',
        ]);
        assert_eq!(all(&mut decoder), []);
        assert_eq!(decoder.take_malformed(), 5);
    }

    #[test]
    fn what_we_write_is_read() {
        let mut bytes = Vec::new();
        encode_audio(Rate::Wide, &[1, -2], &mut bytes);
        assert_eq!(bytes, [0x12, 0, 4, 1, 0, 0xfe, 0xff]);
        let mut decoder = Decoder::default();
        decoder.feed(&bytes);
        assert_eq!(all(&mut decoder), [Message::Audio(Rate::Wide, vec![1, -2])]);
    }

    proptest! {
        /// Whatever the bytes and however they are cut: no panic, little kept.
        #[test]
        fn any_bytes_are_survived(lumps in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..20)) {
            let mut decoder = Decoder::default();
            for lump in lumps {
                decoder.feed(&lump);
                while let Ok(Some(_)) = decoder.poll() {}
                if decoder.poll().is_err() {
                    return Ok(());
                }
                prop_assert!(decoder.bytes.len() <= HEADER + MAX_AUDIO);
            }
        }
    }
}
