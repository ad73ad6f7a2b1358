//! The front end: 40 log mel energies every 10 ms, normalised with what was heard so far. The model was trained with
//! exactly these numbers (`models/golden/` holds an example), so nothing here may change without training.

use std::f32::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Mel bands.
pub const MELS: usize = 40;
/// Samples of a frame (25 ms), and from one frame to the next (10 ms).
const WINDOW: usize = 200;
const HOP: usize = 80;
const FFT: usize = 256;
const BINS: usize = FFT / 2 + 1;
const PRE_EMPHASIS: f32 = 0.97;
/// Lowest and highest frequency of the bands, Hz.
const BAND: (f32, f32) = (100.0, 3800.0);
/// Weight of the prior mean, and of the whole past at most, in frames.
const PRIOR_FRAMES: f64 = 60.0;
const PAST_FRAMES: f64 = 400.0;
const SCALE: f32 = 0.4;

/// One frame of features.
pub type Mel = [f32; MELS];

/// Tables, shared by all calls.
pub struct FrontEnd {
    fft: Arc<dyn RealToComplex<f32>>,
    window: [f32; WINDOW],
    bands: Vec<Band>,
}

/// A triangular filter: weights of the bins from `first` on.
struct Band {
    first: usize,
    weights: Vec<f32>,
}

impl FrontEnd {
    pub fn new() -> Self {
        let window =
            std::array::from_fn(|i| 0.5 - 0.5 * (2.0 * PI * i as f32 / WINDOW as f32).cos());
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(FFT),
            window,
            bands: bands(),
        }
    }
}

fn bands() -> Vec<Band> {
    let mel = |hz: f64| 1127.0 * (hz / 700.0).ln_1p();
    let hz = |mel: f64| 700.0 * (mel / 1127.0).exp_m1();
    let (low, high) = (mel(f64::from(BAND.0)), mel(f64::from(BAND.1)));
    let edge = |i: usize| hz(low + (high - low) * i as f64 / (MELS + 1) as f64);
    (0..MELS)
        .map(|i| Band::new(edge(i), edge(i + 1), edge(i + 2)))
        .collect()
}

impl Band {
    fn new(from: f64, centre: f64, to: f64) -> Self {
        let weight = |bin: usize| {
            let hz = bin as f64 * f64::from(crate::media::RATE) / FFT as f64;
            ((hz - from) / (centre - from))
                .min((to - hz) / (to - centre))
                .max(0.0) as f32
        };
        let inside: Vec<usize> = (0..BINS).filter(|&bin| weight(bin) > 0.0).collect();
        let first = inside.first().copied().unwrap_or(0);
        Self {
            first,
            weights: inside.into_iter().map(weight).collect(),
        }
    }
}

/// The front end of one utterance.
pub struct Features {
    /// Emphasised samples that wait for the rest of their frame.
    pending: Vec<f32>,
    last: Option<f32>,
    norm: Norm,
    started: bool,
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Features {
    pub fn new(front_end: &FrontEnd) -> Self {
        Self {
            pending: Vec::with_capacity(2 * FFT),
            last: None,
            norm: Norm::default(),
            started: false,
            frame: vec![0.0; FFT],
            spectrum: front_end.fft.make_output_vec(),
            scratch: front_end.fft.make_scratch_vec(),
        }
    }

    /// Forgets the utterance.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.last = None;
        self.norm = Norm::default();
        self.started = false;
    }

    /// Becomes what `other` is, in the memory that is here.
    pub fn copy_from(&mut self, other: &Self) {
        self.pending.clone_from(&other.pending);
        self.last = other.last;
        self.norm.clone_from(&other.norm);
        self.started = other.started;
    }

    /// Bytes that this front end holds beside itself.
    pub fn memory(&self) -> usize {
        let complex = self.spectrum.capacity() + self.scratch.capacity();
        (self.pending.capacity() + self.frame.capacity() + 2 * complex) * size_of::<f32>()
    }

    /// Takes sound, and hands on every frame that is complete.
    pub fn feed(&mut self, front_end: &FrontEnd, samples: &[i16], mut emit: impl FnMut(&Mel)) {
        for &sample in samples {
            let sample = f32::from(sample) / 32_768.0;
            let emphasised = self
                .last
                .map_or(sample, |last| sample - PRE_EMPHASIS * last);
            self.last = Some(sample);
            self.pending.push(emphasised);
            if self.pending.len() == WINDOW {
                emit(&self.take_frame(front_end));
            }
        }
    }

    /// An utterance shorter than a frame still has one.
    pub fn finish(&mut self, front_end: &FrontEnd, mut emit: impl FnMut(&Mel)) {
        if !self.started && !self.pending.is_empty() {
            self.pending.resize(WINDOW, 0.0);
            emit(&self.take_frame(front_end));
        }
    }

    fn take_frame(&mut self, front_end: &FrontEnd) -> Mel {
        for ((to, from), window) in self
            .frame
            .iter_mut()
            .zip(&self.pending)
            .zip(&front_end.window)
        {
            *to = from * window;
        }
        self.frame[WINDOW..].fill(0.0);
        self.pending.drain(..HOP);
        self.started = true;
        front_end
            .fft
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers were made by the transform itself");
        let mel = std::array::from_fn(|i| self.energy(&front_end.bands[i]));
        self.norm.apply(&mel)
    }

    fn energy(&self, band: &Band) -> f32 {
        let bins = &self.spectrum[band.first..];
        let sum: f32 = band
            .weights
            .iter()
            .zip(bins)
            .map(|(weight, bin)| weight * bin.norm_sqr())
            .sum();
        (sum + 1e-6).ln()
    }
}

/// The running mean over frames that sound like speech, drawn towards a flat spectrum below the loudest frame.
#[derive(Clone)]
struct Norm {
    peak: Option<f64>,
    weight: f64,
    sum: [f64; MELS],
}

impl Default for Norm {
    fn default() -> Self {
        Self {
            peak: None,
            weight: 0.0,
            sum: [0.0; MELS],
        }
    }
}

impl Norm {
    fn apply(&mut self, mel: &Mel) -> Mel {
        let energy = mel.iter().map(|&v| f64::from(v)).sum::<f64>() / MELS as f64;
        let peak = self
            .peak
            .map_or(energy, |peak| (peak * 0.999 + energy * 0.001).max(energy));
        self.peak = Some(peak);
        // Silence has next to no weight, so that it does not drag the mean.
        let weight = 1.0 / (1.0 + (-(energy - peak + 4.0)).exp());
        self.weight += weight;
        for (sum, &value) in self.sum.iter_mut().zip(mel) {
            *sum += weight * f64::from(value);
        }
        if self.weight > PAST_FRAMES {
            let shrink = PAST_FRAMES / self.weight;
            self.sum.iter_mut().for_each(|sum| *sum *= shrink);
            self.weight = PAST_FRAMES;
        }
        let prior = PRIOR_FRAMES * (peak - 2.0);
        let mean = |i: usize| (self.sum[i] + prior) / (self.weight + PRIOR_FRAMES);
        std::array::from_fn(|i| (f64::from(mel[i]) - mean(i)) as f32 * SCALE)
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;

    fn features(samples: &[i16], chunk: usize) -> Vec<Mel> {
        let front_end = FrontEnd::new();
        let mut features = Features::new(&front_end);
        let mut frames = Vec::new();
        for samples in samples.chunks(chunk) {
            features.feed(&front_end, samples, |mel| frames.push(*mel));
        }
        features.finish(&front_end, |mel| frames.push(*mel));
        frames
    }

    #[test]
    fn equals_the_golden_example() {
        let frames = features(&golden::samples(), 160);
        let expected = golden::features();
        assert_eq!(frames.len() * MELS, expected.len());
        let error = golden::largest_difference(frames.as_flattened(), &expected);
        println!("features: largest difference {error:.1e}");
        assert!(error < 1e-3, "{error}");
    }

    #[test]
    fn does_not_depend_on_how_sound_arrives() {
        let samples = golden::samples();
        assert_eq!(features(&samples, 160), features(&samples, 7));
    }

    #[test]
    fn a_click_still_makes_a_frame() {
        assert_eq!(features(&[1000; 30], 160).len(), 1);
        assert!(features(&[], 160).is_empty());
    }
}
