//! Sound between the wire and the core: codecs, RTP, jitter, resampling. No sockets here.

mod conceal;
pub mod dtmf_event;
pub mod g711;
pub mod jitter;
pub mod latch;
pub mod level;
pub mod receiver;
pub mod resample;
mod riff;
pub mod rtp;
pub mod wav;

/// Samples a second, everywhere inside: the telephone's rate.
pub const RATE: u32 = 8_000;
/// Samples in a frame of 20 ms.
pub const FRAME: usize = 160;
/// How long a frame lasts.
pub const FRAME_MS: u64 = 20;

/// 20 ms of sound, 16-bit linear.
pub type Frame = [i16; FRAME];

/// A frame in which nothing sounds.
pub const SILENCE: Frame = [0; FRAME];
