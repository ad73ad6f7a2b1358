//! Sounds of rooms and lines, made from a seed: coughs, hum, music, a television, tones.

use std::f64::consts::TAU;

use super::turns::Voices;
use crate::media::RATE;

/// A small generator of even chances (SplitMix64): the same seed gives the same sounds for ever.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` - 1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }

    /// -1 to 1.
    pub fn swing(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn samples(ms: u64) -> usize {
    (ms * u64::from(RATE) / 1_000) as usize
}

/// Brings a sound to a mean power of its loud parts, in dB below full scale.
pub fn at_level(sound: &[i16], db: f64) -> Vec<i16> {
    let peak = sound.chunks(160).map(power).fold(0.0, f64::max);
    let loud: Vec<f64> = sound
        .chunks(160)
        .map(power)
        .filter(|p| *p > peak / 300.0)
        .collect();
    let mean = loud.iter().sum::<f64>() / loud.len().max(1) as f64;
    let wanted = 32_768.0_f64.powi(2) * 10_f64.powf(db / 10.0);
    let gain = (wanted / mean.max(1.0)).sqrt();
    sound
        .iter()
        .map(|sample| (f64::from(*sample) * gain).clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

fn power(chunk: &[i16]) -> f64 {
    chunk.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / chunk.len().max(1) as f64
}

/// Even noise.
pub fn white(len: usize, db: f64, dice: &mut Dice) -> Vec<i16> {
    let peak = 32_768.0 * 10_f64.powf(db / 20.0) * 3_f64.sqrt();
    (0..len).map(|_| (dice.swing() * peak) as i16).collect()
}

/// One to three bursts of breath through a narrow place.
pub fn cough(dice: &mut Dice) -> Vec<i16> {
    let mut sound = Vec::new();
    for _ in 0..=dice.below(3) {
        let len = samples(120 + dice.below(200));
        let (mut low, mut lower) = (0.0, 0.0);
        for n in 0..len {
            let t = n as f64 / len as f64;
            let shape = (t * 14.0).min(1.0) * (-3.5 * t).exp();
            low += 0.45 * (dice.swing() - low);
            lower += 0.08 * (low - lower);
            sound.push(((low - lower) * shape * 16_000.0) as i16);
        }
        sound.resize(sound.len() + samples(60 + dice.below(180)), 0);
    }
    at_level(&sound, -30.0 + dice.below(10) as f64)
}

/// The mains: 60 Hz and what comes through of its overtones, for three seconds.
pub fn hum(dice: &mut Dice) -> Vec<i16> {
    let overtones: Vec<f64> = (0..8)
        .map(|k| dice.below(100) as f64 / (20.0 * (k + 1) as f64))
        .collect();
    let sound: Vec<i16> = (0..samples(3_000))
        .map(|n| {
            let t = n as f64 / f64::from(RATE);
            let wave: f64 = overtones
                .iter()
                .enumerate()
                .map(|(k, a)| a * (TAU * 60.0 * (k + 2) as f64 * t).sin())
                .sum();
            (wave * 1_000.0) as i16
        })
        .collect();
    at_level(&sound, -46.0 + dice.below(12) as f64)
}

/// Somebody hums a note: a voice that does not move.
pub fn hummed(dice: &mut Dice) -> Vec<i16> {
    let hz = 95.0 + dice.below(130) as f64;
    let len = samples(500 + dice.below(1_200));
    let sound: Vec<i16> = (0..len)
        .map(|n| {
            let t = n as f64 / f64::from(RATE);
            let edge = (n.min(len - n) as f64 / 400.0).min(1.0);
            let wave: f64 = (1..6)
                .map(|k| (TAU * hz * f64::from(k) * t).sin() / f64::from(k * k))
                .sum();
            (wave * edge * 5_000.0) as i16
        })
        .collect();
    at_level(&sound, -36.0 + dice.below(10) as f64)
}

/// Chords and a melody over them, four seconds of it.
pub fn music(dice: &mut Dice) -> Vec<i16> {
    let step = samples(180 + dice.below(160));
    let root = 130.0 + dice.below(120) as f64;
    let scale = [0.0, 2.0, 4.0, 5.0, 7.0, 9.0, 11.0, 12.0];
    let mut sound = vec![0.0; samples(4_000)];
    let mut at = 0;
    while at < sound.len() {
        let note = root * 2.0 * 2_f64.powf(scale[dice.below(8) as usize] / 12.0);
        let chord = [1.0, 1.26, 1.498].map(|ratio| root * ratio);
        for n in at..(at + step).min(sound.len()) {
            let t = n as f64 / f64::from(RATE);
            let fade = (-((n - at) as f64) / (step as f64 * 1.4)).exp();
            let plucked: f64 = (1..5)
                .map(|k| (TAU * note * f64::from(k) * t).sin() / f64::from(k))
                .sum();
            let held: f64 = chord
                .iter()
                .map(|hz| (TAU * hz * t).sin() + 0.4 * (TAU * 2.0 * hz * t).sin())
                .sum();
            sound[n] += plucked * fade * 4_000.0 + held * 1_200.0;
        }
        at += step;
    }
    let sound: Vec<i16> = sound.iter().map(|s| *s as i16).collect();
    at_level(&sound, -40.0 + dice.below(8) as f64)
}

/// A television in the room: several voices at once, far from the microphone.
pub fn babble(dice: &mut Dice, voices: Voices<'_>) -> Vec<i16> {
    const LINES: [&str; 5] = [
        "o tempo amanhã fica nublado com chuva no litoral e calor no interior do estado",
        "o time da casa venceu por dois a um e segue na liderança do campeonato",
        "a polícia informou que o trânsito na marginal continua lento nos dois sentidos",
        "aproveite as ofertas desta semana em todas as lojas da rede",
        "e agora voltamos com a segunda parte do nosso programa de hoje",
    ];
    let mut mixed = vec![0.0; samples(4_500)];
    for _ in 0..2 + dice.below(2) {
        let sound = voices(LINES[dice.below(5) as usize], dice.below(64));
        let from = dice.below(samples(600) as u64) as usize;
        for (slot, sample) in mixed[from..].iter_mut().zip(&sound) {
            *slot += f64::from(*sample);
        }
    }
    // A room between the loudspeaker and the telephone.
    let wet: Vec<f64> = (0..mixed.len())
        .map(|n| {
            [(0, 1.0), (173, 0.5), (411, 0.4), (803, 0.3), (1_307, 0.2)]
                .iter()
                .filter_map(|(delay, gain)| n.checked_sub(*delay).map(|at| mixed[at] * gain))
                .sum()
        })
        .collect();
    let sound: Vec<i16> = wet
        .iter()
        .map(|s| (s * 0.3).clamp(-32_768.0, 32_767.0) as i16)
        .collect();
    at_level(&sound, -50.0 + dice.below(9) as f64)
}

/// Tones and silences: frequency in Hz (0 for silence), milliseconds.
pub fn tones(score: &[(f64, u64)], db: f64) -> Vec<i16> {
    let peak = 32_768.0 * 10_f64.powf(db / 20.0) * 2_f64.sqrt();
    let mut sound = Vec::new();
    for (hz, ms) in score {
        for _ in 0..samples(*ms) {
            let t = sound.len() as f64 / f64::from(RATE);
            sound.push((peak * (TAU * hz * t).sin()) as i16);
        }
    }
    sound
}
