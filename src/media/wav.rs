//! WAV files: reading any as telephone speech, writing a call as stereo. Works on bytes and streams, never on paths.

use std::collections::VecDeque;
use std::io::{Cursor, Read, Seek, Write};

use hound::{SampleFormat, WavSpec, WavWriter};

use super::RATE;
use super::resample::{self, ResampleError};
use super::riff;

/// The header is brought up to date this often, in samples: a crash loses a second at most.
const FLUSH_EVERY: u64 = RATE as u64;
/// Sound that waits for its other side: 10 s. What is older is written without it.
const LONGEST_WAIT: u64 = 10 * RATE as u64;
/// A WAV file ends at 4 GiB: 37 hours of a stereo call.
const LONGEST: u64 = (u32::MAX as u64 - 1_024) / 4;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WavError {
    #[error("this is no WAV file (RIFF, WAVE)")]
    NoWave,
    #[error("the WAV file does not tell its format, or tells it behind the sound")]
    NoForm,
    #[error("there is no sound in the WAV file")]
    NoSound,
    #[error(
        "the WAV file is coded as number {tag} with {bits} bits; PCM of 8 to 32 bits, float, A-law and µ-law are understood"
    )]
    Coding { tag: u16, bits: u16 },
    #[error("the WAV file has {0} channels; 1 to 8 are understood")]
    Channels(u16),
    #[error("the WAV file cannot be read")]
    Read(#[from] std::io::Error),
    #[error("the WAV file cannot be written")]
    Write(#[from] hound::Error),
    #[error("the WAV file's sampling rate")]
    Rate(#[from] ResampleError),
    #[error("the recording has reached the size that a WAV file can have")]
    Full,
}

/// Reads a WAV file as 8 kHz mono; several channels are mixed.
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, WavError> {
    let (rate, channels) = riff::decode(bytes)?;
    telephone(&mix(channels), rate)
}

/// Like [`read`], from a stream.
pub fn read_from(mut source: impl Read) -> Result<Vec<i16>, WavError> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes)?;
    read(&bytes)
}

/// Reads a WAV file as 8 kHz, one list of samples a channel: of a recorded call the caller, then the agent.
pub fn read_channels(bytes: &[u8]) -> Result<Vec<Vec<i16>>, WavError> {
    let (rate, channels) = riff::decode(bytes)?;
    channels
        .iter()
        .map(|channel| telephone(channel, rate))
        .collect()
}

/// A whole 8 kHz mono WAV file.
pub fn encode(samples: &[i16]) -> Result<Vec<u8>, WavError> {
    let mut bytes = Cursor::new(Vec::with_capacity(44 + 2 * samples.len()));
    let mut writer = WavWriter::new(&mut bytes, spec(1))?;
    let mut block =
        writer.get_i16_writer(u32::try_from(samples.len()).map_err(|_| WavError::Full)?);
    for &sample in samples {
        block.write_sample(sample);
    }
    block.flush()?;
    writer.finalize()?;
    Ok(bytes.into_inner())
}

/// Two channels of 8 kHz as a WAV file; the shorter one is followed by silence.
pub fn encode_stereo(left: &[i16], right: &[i16]) -> Result<Vec<u8>, WavError> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec(2))?;
    for index in 0..left.len().max(right.len()) {
        writer.write_sample(left.get(index).copied().unwrap_or(0))?;
        writer.write_sample(right.get(index).copied().unwrap_or(0))?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

/// Who is heard on which channel of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Left.
    Caller,
    /// Right.
    Agent,
}

/// Writes a call as stereo while it goes on: the caller left, the agent right, both placed by sample index.
///
/// Either side may come in any order and with gaps, which are silence. The file is readable at any instant, up to the
/// last second.
pub struct StereoWriter<W: Write + Seek> {
    writer: WavWriter<W>,
    /// What is not written yet, from `written` on.
    waiting: [VecDeque<i16>; 2],
    written: u64,
    flushed: u64,
    late: u64,
}

impl<W: Write + Seek> StereoWriter<W> {
    pub fn new(sink: W) -> Result<Self, WavError> {
        let mut writer = WavWriter::new(sink, spec(2))?;
        writer.flush()?;
        Ok(Self {
            writer,
            waiting: [VecDeque::new(), VecDeque::new()],
            written: 0,
            flushed: 0,
            late: 0,
        })
    }

    /// Places `samples` of one side at sample index `at`, counted from the start of the recording.
    ///
    /// What lies before the part already written is too late and only counted.
    pub fn place(&mut self, side: Side, at: u64, samples: &[i16]) -> Result<(), WavError> {
        let skip = self.written.saturating_sub(at).min(samples.len() as u64);
        self.late += skip;
        let samples = &samples[skip as usize..];
        if samples.is_empty() {
            return Ok(());
        }
        let end = at + skip + samples.len() as u64;
        if end > LONGEST {
            return Err(WavError::Full);
        }
        self.settle((at + skip).saturating_sub(LONGEST_WAIT))?;
        self.put(side, (at + skip - self.written) as usize, samples);
        self.settle(self.heard_by_both())
    }

    /// Writes everything up to sample index `until`, whether or not both sides are there.
    pub fn settle(&mut self, until: u64) -> Result<(), WavError> {
        let until = until.min(LONGEST);
        while self.written < until {
            for side in &mut self.waiting {
                self.writer.write_sample(side.pop_front().unwrap_or(0))?;
            }
            self.written += 1;
        }
        if self.written - self.flushed >= FLUSH_EVERY {
            self.writer.flush()?;
            self.flushed = self.written;
        }
        Ok(())
    }

    /// Writes what is left and closes the file. Tells its length in samples.
    pub fn finish(mut self) -> Result<u64, WavError> {
        let longest = self.waiting.iter().map(VecDeque::len).max().unwrap_or(0) as u64;
        self.settle(self.written + longest)?;
        self.writer.finalize()?;
        Ok(self.written)
    }

    /// Samples that came after their place had been written.
    pub fn late(&self) -> u64 {
        self.late
    }

    fn put(&mut self, side: Side, from: usize, samples: &[i16]) {
        let waiting = &mut self.waiting[side as usize];
        if waiting.len() < from + samples.len() {
            waiting.resize(from + samples.len(), 0);
        }
        for (place, &sample) in waiting.range_mut(from..).zip(samples) {
            *place = sample;
        }
    }

    fn heard_by_both(&self) -> u64 {
        self.written + self.waiting.iter().map(VecDeque::len).min().unwrap_or(0) as u64
    }
}

fn spec(channels: u16) -> WavSpec {
    WavSpec {
        channels,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    }
}

fn telephone(samples: &[f32], rate: u32) -> Result<Vec<i16>, WavError> {
    Ok(resample::shorts(&resample::to_telephone(samples, rate)?))
}

/// The mean of all channels.
fn mix(mut channels: Vec<Vec<f32>>) -> Vec<f32> {
    if channels.len() == 1 {
        return channels.remove(0);
    }
    let share = 1.0 / channels.len() as f32;
    let length = channels.iter().map(Vec::len).min().unwrap_or(0);
    (0..length)
        .map(|n| channels.iter().map(|channel| channel[n]).sum::<f32>() * share)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(spec: WavSpec, frames: usize) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec).expect("the header is valid");
        let top = f64::from((1_u64 << (spec.bits_per_sample - 1)) as u32) * 0.5;
        for n in 0..frames {
            let value =
                (n as f64 * std::f64::consts::TAU * 440.0 / f64::from(spec.sample_rate)).sin();
            for _ in 0..spec.channels {
                match spec.sample_format {
                    SampleFormat::Int => writer.write_sample((value * top) as i32).expect("memory"),
                    SampleFormat::Float => {
                        writer.write_sample((value * 0.5) as f32).expect("memory")
                    }
                }
            }
        }
        writer.finalize().expect("memory");
        bytes.into_inner()
    }

    #[test]
    fn every_common_form_becomes_telephone_speech() {
        for (sample_rate, channels, bits_per_sample, sample_format) in [
            (8_000, 1, 16, SampleFormat::Int),
            (8_000, 2, 8, SampleFormat::Int),
            (16_000, 1, 24, SampleFormat::Int),
            (22_050, 1, 16, SampleFormat::Int),
            (44_100, 2, 32, SampleFormat::Int),
            (48_000, 2, 32, SampleFormat::Float),
        ] {
            let spec = WavSpec {
                channels,
                sample_rate,
                bits_per_sample,
                sample_format,
            };
            let samples = read(&file(spec, sample_rate as usize)).expect("the form is common");
            assert!(
                samples.len().abs_diff(8_000) <= 1,
                "{spec:?}: {}",
                samples.len()
            );
            let level = crate::media::level::active_dbov(&samples).expect("a tone");
            assert!((level + 9.03).abs() < 0.4, "{spec:?}: {level}");
        }
    }

    #[test]
    fn broken_files_are_errors() {
        let whole = encode(&[1, 2, 3]).expect("memory");
        assert_eq!(read(&whole).expect("whole"), [1, 2, 3]);
        for length in 0..whole.len() {
            let _ = read(&whole[..length]);
        }
        assert!(read(b"RIFFxxxxWAVE").is_err());
        assert!(read(&[]).is_err());
    }

    #[test]
    fn both_sides_stand_where_they_were_heard() {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = StereoWriter::new(&mut bytes).expect("memory");
        writer.place(Side::Agent, 4, &[7; 4]).expect("memory");
        writer.place(Side::Caller, 0, &[1; 6]).expect("memory");
        writer.place(Side::Caller, 2, &[9; 5]).expect("memory");
        assert_eq!(writer.late(), 4, "two sides were there up to index 6");
        assert_eq!(writer.finish().expect("memory"), 8);
        let channels = read_channels(bytes.get_ref()).expect("the file is whole");
        assert_eq!(channels[0], [1, 1, 1, 1, 1, 1, 9, 0]);
        assert_eq!(channels[1], [0, 0, 0, 0, 7, 7, 7, 7]);
    }

    #[test]
    fn a_crash_leaves_a_readable_file() {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = StereoWriter::new(&mut bytes).expect("memory");
        for n in 0..150 {
            writer
                .place(Side::Caller, n * 160, &[100; 160])
                .expect("memory");
            writer
                .place(Side::Agent, n * 160, &[200; 160])
                .expect("memory");
        }
        std::mem::forget(writer);
        let channels = read_channels(bytes.get_ref()).expect("readable without an end");
        assert!(channels[0].len() >= 16_000, "{}", channels[0].len());
    }

    #[test]
    fn one_silent_side_does_not_hold_the_other_for_ever() {
        let mut writer = StereoWriter::new(Cursor::new(Vec::new())).expect("memory");
        for n in 0..2_000 {
            writer
                .place(Side::Caller, n * 160, &[1; 160])
                .expect("memory");
        }
        assert!(writer.waiting[0].len() as u64 <= LONGEST_WAIT + 160);
        assert!(matches!(
            writer.place(Side::Agent, LONGEST, &[1]),
            Err(WavError::Full)
        ));
    }
}
