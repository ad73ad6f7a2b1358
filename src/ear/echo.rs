//! Whether the sound that comes back is our own: compared with what was sent, at every delay up to 0.6 s.
//!
//! Speakerphones and bad hybrids return the agent's voice 12 to 40 dB weaker and 20 to 600 ms later. A copy is as like
//! its original as the noise of the line allows; a person's voice is not, even while the agent speaks.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::media::{FRAME, Frame, RATE};

/// Longest delay that is looked for: 600 ms.
const DELAYS: usize = RATE as usize * 6 / 10;
/// Sound that is compared: 120 ms.
const WINDOW: usize = RATE as usize * 12 / 100;
/// Likeness (squared correlation) above which the sound is our own, when the delay is new and when it was seen before.
const OWN: f32 = 0.55;
const OWN_AGAIN: f32 = 0.4;
/// Samples around a known delay at which it is looked for again.
const AROUND: usize = 24;
/// Both signals are flattened, so that two vowels are not taken for one another: first-order pre-emphasis.
const EMPHASIS: f32 = 0.9;
/// Below this mean power nothing was sent that could come back.
const NOTHING: f32 = 30.0;

/// Remembers what was sent and heard on one line.
#[derive(Clone, Debug)]
pub struct Echo {
    sent: Box<[f32]>,
    heard: Box<[f32]>,
    last_sent: f32,
    last_heard: f32,
    /// The delay at which we heard ourselves last.
    delay: Option<usize>,
}

impl Default for Echo {
    fn default() -> Self {
        Self {
            sent: vec![0.0; DELAYS + WINDOW].into(),
            heard: vec![0.0; WINDOW].into(),
            last_sent: 0.0,
            last_heard: 0.0,
            delay: None,
        }
    }
}

impl Echo {
    /// Takes what goes out.
    pub fn send(&mut self, frame: &Frame) {
        append(&mut self.sent, frame, &mut self.last_sent);
    }

    /// Takes what comes in, before what goes out in the same 20 ms.
    pub fn hear(&mut self, frame: &Frame) {
        append(&mut self.heard, frame, &mut self.last_heard);
    }

    /// Whether the last 120 ms are our own voice. When the delay is not known it costs three Fourier transforms of 5,760
    /// samples.
    pub fn is_own(&mut self) -> bool {
        let power = self.sent.iter().map(|s| s * s).sum::<f32>() / self.sent.len() as f32;
        if power < NOTHING {
            return false;
        }
        if let Some(delay) = self.delay {
            let near = delay.saturating_sub(AROUND)..(delay + AROUND).min(DELAYS);
            if let Some((found, likeness)) = self.likest(near, |delay| self.product(delay))
                && likeness >= OWN_AGAIN
            {
                self.delay = Some(found);
                return true;
            }
        }
        let found = CORRELATOR.with_borrow_mut(|correlator| {
            let products = correlator.products(&self.sent, &self.heard);
            self.likest(0..DELAYS, |delay| products[DELAYS - delay])
        });
        match found {
            Some((found, likeness)) if likeness >= OWN => {
                self.delay = Some(found);
                true
            }
            _ => false,
        }
    }

    /// What was heard multiplied with what was sent so many samples before.
    fn product(&self, delay: usize) -> f32 {
        let sent = &self.sent[DELAYS - delay..];
        self.heard.iter().zip(sent).map(|(h, s)| h * s).sum()
    }

    /// The delay at which what was sent is likest to what was heard, and how like it is, 0 to 1.
    fn likest(
        &self,
        delays: std::ops::Range<usize>,
        product: impl Fn(usize) -> f32,
    ) -> Option<(usize, f32)> {
        let mine: f32 = self.heard.iter().map(|h| h * h).sum();
        if mine <= 0.0 || delays.is_empty() {
            return None;
        }
        // Power in the window of the longest delay; from there it moves on, sample by sample.
        let square = |at: usize| f64::from(self.sent[at]).powi(2);
        let first = DELAYS - delays.end;
        let mut power: f64 = (first..first + WINDOW).map(square).sum();
        let mut best: Option<(usize, f32)> = None;
        for (before, delay) in (first..).zip(delays.rev()) {
            power += square(before + WINDOW) - square(before);
            let theirs = power as f32;
            if theirs < NOTHING * WINDOW as f32 {
                continue;
            }
            // An echo keeps its sign, or loses it; either way it is one.
            let likeness = product(delay).powi(2) / (mine * theirs);
            if best.is_none_or(|(_, top)| likeness > top) {
                best = Some((delay, likeness));
            }
        }
        best
    }
}

thread_local! {
    static CORRELATOR: RefCell<Correlator> = RefCell::new(Correlator::new());
}

type Transforms = (Arc<dyn RealToComplex<f32>>, Arc<dyn ComplexToReal<f32>>);

static TRANSFORMS: LazyLock<Transforms> = LazyLock::new(|| {
    let mut planner = RealFftPlanner::new();
    let size = DELAYS + WINDOW;
    (
        planner.plan_fft_forward(size),
        planner.plan_fft_inverse(size),
    )
});

/// Multiplies at all delays at once. Its memory is shared by the calls of a thread.
struct Correlator {
    sent: Vec<f32>,
    heard: Vec<f32>,
    sent_spectrum: Vec<Complex<f32>>,
    heard_spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Correlator {
    fn new() -> Self {
        let (forward, inverse) = &*TRANSFORMS;
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            sent: forward.make_input_vec(),
            heard: forward.make_input_vec(),
            sent_spectrum: forward.make_output_vec(),
            heard_spectrum: forward.make_output_vec(),
            scratch: vec![Complex::default(); scratch],
        }
    }

    /// `heard` multiplied with the part of `sent` that begins at each sample. Those of the last [`WINDOW`] samples wrap
    /// around and mean nothing.
    fn products(&mut self, sent: &[f32], heard: &[f32]) -> &[f32] {
        let (forward, inverse) = &*TRANSFORMS;
        let size = self.sent.len() as f32;
        self.sent.copy_from_slice(sent);
        self.heard.fill(0.0);
        self.heard[..heard.len()].copy_from_slice(heard);
        // The lengths are the planner's own, so that none of the transforms can fail.
        let scratch = &mut self.scratch;
        let _ = forward.process_with_scratch(&mut self.sent, &mut self.sent_spectrum, scratch);
        let _ = forward.process_with_scratch(&mut self.heard, &mut self.heard_spectrum, scratch);
        for (sent, heard) in self.sent_spectrum.iter_mut().zip(&self.heard_spectrum) {
            *sent = *sent * heard.conj() / size;
        }
        // Both ends of the spectrum of something real are real; rounding may have left a trace.
        self.sent_spectrum[0].im = 0.0;
        if let Some(last) = self.sent_spectrum.last_mut() {
            last.im = 0.0;
        }
        let _ = inverse.process_with_scratch(&mut self.sent_spectrum, &mut self.sent, scratch);
        &self.sent
    }
}

fn append(into: &mut [f32], frame: &Frame, last: &mut f32) {
    let kept = into.len() - FRAME;
    into.copy_within(FRAME.., 0);
    for (slot, &sample) in into[kept..].iter_mut().zip(frame) {
        let sample = f32::from(sample);
        *slot = sample - EMPHASIS * *last;
        *last = sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::SILENCE;

    /// Sound like speech in nothing but its changing level and colour.
    fn babble(seed: u32, frames: usize) -> Vec<Frame> {
        let mut seed = seed;
        let mut low = 0.0_f32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = ((seed >> 16) as i16) as f32;
            low = 0.7 * low + 0.3 * white;
            low
        };
        (0..frames)
            .map(|f| std::array::from_fn(|_| (next() * (0.1 + 0.1 * (f % 7) as f32)) as i16))
            .collect()
    }

    fn echoed(sent: &[Frame], delay: usize, gain: f32) -> Vec<Frame> {
        let flat = sent.as_flattened();
        let late: Vec<i16> = (0..flat.len())
            .map(|i| {
                i.checked_sub(delay)
                    .map_or(0, |at| (f32::from(flat[at]) * gain) as i16)
            })
            .collect();
        late.as_chunks::<FRAME>().0.to_vec()
    }

    fn judged(sent: &[Frame], heard: &[Frame]) -> Vec<bool> {
        let mut echo = Echo::default();
        sent.iter()
            .zip(heard)
            .map(|(sent, heard)| {
                echo.hear(heard);
                echo.send(sent);
                echo.is_own()
            })
            .collect()
    }

    #[test]
    fn our_own_voice_is_known_at_every_delay() {
        let sent = babble(1, 60);
        for (delay, gain) in [(200, 0.25), (1_333, 0.1), (2_400, 0.03), (4_000, 0.06)] {
            let own = judged(&sent, &echoed(&sent, delay, gain));
            let first = delay / FRAME + 8;
            assert!(own[first..].iter().all(|own| *own), "{delay} {gain}");
        }
    }

    #[test]
    fn all_delays_at_once_are_each_alone() {
        let mut echo = Echo::default();
        for (sent, heard) in babble(1, 60).iter().zip(&babble(2, 60)) {
            echo.hear(heard);
            echo.send(sent);
        }
        let all = CORRELATOR.with_borrow_mut(|it| it.products(&echo.sent, &echo.heard).to_vec());
        let power: f32 = echo.heard.iter().map(|h| h * h).sum();
        for delay in (0..DELAYS).step_by(97) {
            let error = (all[DELAYS - delay] - echo.product(delay)).abs();
            assert!(error < power * 1e-4, "{delay}: {error} of {power}");
        }
    }

    #[test]
    fn another_voice_is_not_ours() {
        let own = judged(&babble(1, 60), &babble(2, 60));
        assert!(own.iter().all(|own| !own));
        let own = judged(&vec![SILENCE; 60], &babble(2, 60));
        assert!(own.iter().all(|own| !own));
    }

    #[test]
    fn a_voice_over_our_echo_is_heard() {
        let sent = babble(1, 80);
        let mut heard = echoed(&sent, 800, 0.1);
        for (frame, voice) in heard.iter_mut().skip(40).zip(babble(3, 40)) {
            for (sample, more) in frame.iter_mut().zip(voice) {
                *sample = sample.saturating_add(more);
            }
        }
        let own = judged(&sent, &heard);
        assert!(own[20..40].iter().all(|own| *own));
        assert!(own[46..].iter().all(|own| !own));
    }
}
