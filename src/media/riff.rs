//! The samples in a RIFF/WAVE file, as tolerant as a listener has to be: streamed files whose lengths were never filled
//! in, cut files, odd chunks, G.711 inside, and every width of PCM (multimedia programming interface 1.0; RFC 2361).

use super::g711::Law;
use super::wav::WavError;

/// Formats by their numbers in RFC 2361.
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
/// The number stands at the begin of a GUID behind the usual fields.
const EXTENSIBLE: u16 = 0xFFFE;
/// More channels than this are no recording of speech.
const MOST_CHANNELS: u16 = 8;

/// How samples lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    /// Unsigned, around 128.
    Byte,
    /// Signed little-endian integers of so many bytes, 2 to 4; fewer valid bits are the upper ones.
    Integer(usize),
    Float,
    Double,
    Companded(Law),
}

#[derive(Clone, Copy, Debug)]
struct Form {
    coding: Coding,
    channels: usize,
    rate: u32,
}

/// The sampling rate in Hz, and each channel in −1…1.
pub fn decode(bytes: &[u8]) -> Result<(u32, Vec<Vec<f32>>), WavError> {
    let (form, data) = find(bytes)?;
    let mut channels = vec![Vec::with_capacity(data.len() / form.step()); form.channels];
    for step in data.chunks_exact(form.step()) {
        for (channel, sample) in channels
            .iter_mut()
            .zip(step.chunks_exact(form.coding.width()))
        {
            channel.push(form.coding.value(sample));
        }
    }
    Ok((form.rate, channels))
}

/// The format and the bytes of sound.
fn find(bytes: &[u8]) -> Result<(Form, &[u8]), WavError> {
    let head = bytes.get(..12).ok_or(WavError::NoWave)?;
    if !matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64") || &head[8..] != b"WAVE" {
        return Err(WavError::NoWave);
    }
    let (mut form, mut rest) = (None, &bytes[12..]);
    while let Some((name, length)) = chunk_head(rest) {
        let body = &rest[8..];
        // A stream is written before its length is known, and a copy may have been cut.
        let known = (length as usize).min(body.len());
        match name {
            b"fmt " => form = Some(parse_form(&body[..known])?),
            b"data" => {
                let form = form.ok_or(WavError::NoForm)?;
                let unknown = matches!(length, 0 | u32::MAX);
                return Ok((form, if unknown { body } else { &body[..known] }));
            }
            _ => {}
        }
        // Chunks begin at even places.
        rest = body.get(known + known % 2..).unwrap_or_default();
    }
    Err(if form.is_some() {
        WavError::NoSound
    } else {
        WavError::NoForm
    })
}

fn chunk_head(bytes: &[u8]) -> Option<(&[u8; 4], u32)> {
    let (name, rest) = bytes.split_first_chunk::<4>()?;
    Some((name, u32::from_le_bytes(*rest.first_chunk()?)))
}

fn parse_form(chunk: &[u8]) -> Result<Form, WavError> {
    let short = |at: usize| {
        let bytes = chunk.get(at..at + 2).ok_or(WavError::NoForm)?;
        Ok::<u16, WavError>(u16::from_le_bytes([bytes[0], bytes[1]]))
    };
    let (low, high) = (short(4)?, short(6)?);
    let (channels, bits) = (short(2)?, short(14)?);
    let tag = match short(0)? {
        EXTENSIBLE => short(24)?,
        tag => tag,
    };
    // Where a sample takes more room than its bits (20 bits in 3 bytes, 24 in 4), the room counts.
    let room = (short(12)? / channels.max(1)).saturating_mul(8);
    let coding = match (tag, room.max(bits)) {
        (PCM, 1..=8) => Coding::Byte,
        (PCM, bits @ 9..=32) => Coding::Integer(usize::from(bits.div_ceil(8))),
        (FLOAT, 32) => Coding::Float,
        (FLOAT, 64) => Coding::Double,
        (A_LAW, 8) => Coding::Companded(Law::A),
        (MU_LAW, 8) => Coding::Companded(Law::Mu),
        _ => return Err(WavError::Coding { tag, bits }),
    };
    if !(1..=MOST_CHANNELS).contains(&channels) {
        return Err(WavError::Channels(channels));
    }
    Ok(Form {
        coding,
        channels: usize::from(channels),
        rate: u32::from(low) | u32::from(high) << 16,
    })
}

impl Form {
    /// Bytes from one moment to the next.
    fn step(self) -> usize {
        self.channels * self.coding.width()
    }
}

impl Coding {
    fn width(self) -> usize {
        match self {
            Self::Byte | Self::Companded(_) => 1,
            Self::Integer(bytes) => bytes,
            Self::Float => 4,
            Self::Double => 8,
        }
    }

    /// One sample; what is no number is silence.
    fn value(self, bytes: &[u8]) -> f32 {
        let value = match (self, bytes) {
            (Self::Byte, &[byte]) => (f32::from(byte) - 128.0) / 128.0,
            (Self::Companded(law), &[byte]) => f32::from(law.decode(byte)) / 32_768.0,
            (Self::Float, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (Self::Double, _) => bytes.try_into().map_or(0.0, f64::from_le_bytes) as f32,
            (Self::Integer(_), _) => {
                let upper = bytes.iter().rev().zip([24, 16, 8, 0]);
                let word = upper.fold(0, |word, (&byte, shift)| word | u32::from(byte) << shift);
                (f64::from(word as i32) / 2_f64.powi(31)) as f32
            }
            _ => 0.0,
        };
        if value.is_nan() {
            0.0
        } else {
            value.clamp(-1.0, 1.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut all = [&name[..], &(body.len() as u32).to_le_bytes(), body].concat();
        all.resize(all.len() + body.len() % 2, 0);
        all
    }

    fn form(tag: u16, channels: u16, bits: u16, rest: &[u8]) -> Vec<u8> {
        let align = channels * bits.div_ceil(8);
        let mut body = Vec::new();
        for half in [tag, channels, 8_000, 0, 0, 0, align, bits] {
            body.extend(half.to_le_bytes());
        }
        body.extend(rest);
        chunk(b"fmt ", &body)
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = chunks.concat();
        [
            b"RIFF",
            &(body.len() as u32 + 4).to_le_bytes()[..],
            b"WAVE",
            &body,
        ]
        .concat()
    }

    fn first(bytes: &[u8]) -> Vec<f32> {
        decode(bytes)
            .expect("a tolerable file")
            .1
            .into_iter()
            .next()
            .expect("one channel at least")
    }

    #[test]
    fn every_width_means_the_same() {
        let half = |tag, bits, bytes: &[u8]| {
            first(&file(&[form(tag, 1, bits, &[]), chunk(b"data", bytes)]))[0]
        };
        assert_eq!(half(PCM, 8, &[192]), 0.5);
        assert_eq!(half(PCM, 16, &[0, 0x40]), 0.5);
        assert_eq!(half(PCM, 24, &[0, 0, 0x40]), 0.5);
        assert_eq!(half(PCM, 32, &[0, 0, 0, 0xC0]), -0.5);
        assert_eq!(half(FLOAT, 32, &0.5_f32.to_le_bytes()), 0.5);
        assert_eq!(half(FLOAT, 64, &(-0.5_f64).to_le_bytes()), -0.5);
        assert_eq!(half(FLOAT, 32, &f32::NAN.to_le_bytes()), 0.0);
        let law = |law: Law| law.encode(16_384);
        assert!((half(A_LAW, 8, &[law(Law::A)]) - 0.5).abs() < 0.02);
        assert!((half(MU_LAW, 8, &[law(Law::Mu)]) - 0.5).abs() < 0.02);
    }

    #[test]
    fn the_extensible_form_names_the_coding_in_a_guid() {
        let mut rest = vec![22, 0, 16, 0, 3, 0, 0, 0];
        rest.extend([
            1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71,
        ]);
        let data = chunk(b"data", &[0, 0x40, 0, 0xC0]);
        let (rate, channels) =
            decode(&file(&[form(EXTENSIBLE, 2, 16, &rest), data])).expect("two channels");
        assert_eq!((rate, channels), (8_000, vec![vec![0.5], vec![-0.5]]));
    }

    #[test]
    fn odd_chunks_unknown_lengths_and_cut_ends_are_read() {
        let list = chunk(b"LIST", b"odd");
        let sound = [0, 0x40, 0, 0x40];
        let whole = file(&[
            list.clone(),
            form(PCM, 1, 16, &[0, 0]),
            list,
            chunk(b"data", &sound),
        ]);
        assert_eq!(first(&whole), [0.5, 0.5]);
        assert_eq!(first(&whole[..whole.len() - 1]), [0.5]);
        for unknown in [0, u32::MAX] {
            let mut streamed = whole.clone();
            let at = streamed.len() - 8;
            streamed[at..at + 4].copy_from_slice(&unknown.to_le_bytes());
            assert_eq!(first(&streamed), [0.5, 0.5]);
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let data = chunk(b"data", &[0; 4]);
        assert!(matches!(decode(b"RIFFxxxxAVI "), Err(WavError::NoWave)));
        assert!(matches!(
            decode(&file(std::slice::from_ref(&data))),
            Err(WavError::NoForm)
        ));
        assert!(matches!(
            decode(&file(&[form(PCM, 1, 16, &[])])),
            Err(WavError::NoSound)
        ));
        assert!(matches!(
            decode(&file(&[form(2, 1, 4, &[]), data.clone()])),
            Err(WavError::Coding { tag: 2, .. })
        ));
        assert!(matches!(
            decode(&file(&[form(PCM, 0, 16, &[]), data])),
            Err(WavError::Channels(0))
        ));
    }

    /// A block of 39,938 bytes for one sample: the room in bits fits no 16 bits. Found by fuzzing.
    #[test]
    fn a_sample_with_absurd_room_is_refused() {
        let mut format = form(PCM, 1, 16, &[]);
        format[8 + 12..8 + 14].copy_from_slice(&0x9c02_u16.to_le_bytes());
        let file = file(&[format, chunk(b"data", &[0; 4])]);
        assert!(matches!(decode(&file), Err(WavError::Coding { .. })));
    }
}
