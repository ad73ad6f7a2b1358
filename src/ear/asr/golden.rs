//! One sentence with the numbers that the training tool computed for it: `models/golden/`.

use std::io::Cursor;

pub fn samples() -> Vec<i16> {
    let wav = include_bytes!("../../../models/golden/golden.wav");
    let reader = hound::WavReader::new(Cursor::new(&wav[..])).expect("a WAV file");
    reader
        .into_samples::<i16>()
        .map(|sample| sample.expect("16 bit samples"))
        .collect()
}

pub fn features() -> Vec<f32> {
    floats(include_bytes!("../../../models/golden/features.bin"))
}

pub fn log_probs() -> Vec<f32> {
    floats(include_bytes!("../../../models/golden/log_probs.bin"))
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

pub fn largest_difference(left: &[f32], right: &[f32]) -> f32 {
    left.iter()
        .zip(right)
        .map(|(l, r)| (l - r).abs())
        .fold(0.0, f32::max)
}
