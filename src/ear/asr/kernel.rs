//! The one product that costs time: a matrix times several time steps at once, so that every weight that was loaded
//! is used as often as there are steps. The vector width is chosen while running, not while building.
//!
//! All widths give the same bits: each output is one chain of fused multiplications and additions, in the same order.
//! On aarch64 the compiler makes NEON of the plain loop, for which every such processor has the instructions.

/// Outputs that are worked out side by side; four registers of eight, or two of sixteen.
const PANEL: usize = 32;

/// How wide the processor's vectors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// What the compiler makes of a loop. Slow on x86-64 without FMA (before 2013), where a fused product is emulated.
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Width {
    /// The widest that this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Plain
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512",
            Self::Plain if cfg!(target_arch = "aarch64") => "NEON",
            Self::Plain => "plain",
        }
    }

    /// Time steps that share one pass over the weights; more do not fit into the registers.
    fn steps(self) -> usize {
        match self {
            Self::Plain => 1,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 3,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 6,
        }
    }
}

/// A matrix with a bias, packed for [`Dense::apply`]: panels of 32 outputs, in each the weights of input 0, of input 1…
#[derive(Clone, Debug)]
pub struct Dense {
    inputs: usize,
    panels: Vec<f32>,
    bias: Vec<f32>,
    width: Width,
}

/// Where the inputs of a product lie: at step `t`, tap `k` reads `width` values from `offsets[k] + t * stride`.
#[derive(Clone, Copy)]
pub struct Taps<'a> {
    pub values: &'a [f32],
    pub offsets: &'a [usize],
    pub width: usize,
    pub stride: usize,
}

impl Dense {
    /// Packs `weight(output, input)`.
    pub fn pack(inputs: usize, bias: &[f32], weight: impl Fn(usize, usize) -> f32) -> Self {
        let outputs = bias.len();
        let padded = outputs.next_multiple_of(PANEL);
        let mut panels = vec![0.0; padded * inputs];
        for output in 0..outputs {
            let panel = &mut panels[output / PANEL * PANEL * inputs..];
            for input in 0..inputs {
                panel[input * PANEL + output % PANEL] = weight(output, input);
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(padded, 0.0);
        Self {
            inputs,
            panels,
            bias,
            width: Width::detect(),
        }
    }

    /// Values in one row of the result: the outputs, rounded up to whole panels.
    pub fn row(&self) -> usize {
        self.bias.len()
    }

    /// Writes bias plus product for `steps` time steps, one row each, into `result`.
    ///
    /// # Panics
    /// When taps or result are too short for the steps: a mistake of the caller, checked here because the kernel
    /// below reads without checks.
    pub fn apply(&self, taps: Taps<'_>, steps: usize, result: &mut [f32]) {
        let last = taps.offsets.iter().max().copied().unwrap_or(0)
            + steps.saturating_sub(1) * taps.stride
            + taps.width;
        assert!(taps.values.len() >= last && result.len() >= steps * self.row());
        assert_eq!(taps.offsets.len() * taps.width, self.inputs);
        for panel in 0..self.row() / PANEL {
            let mut step = 0;
            while step < steps {
                let count = self.width.steps().min(steps - step);
                self.panel(panel, taps, step, count, result);
                step += count;
            }
        }
    }

    fn panel(&self, panel: usize, taps: Taps<'_>, step: usize, count: usize, result: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the width says that the processor has the instructions; `apply` has checked every length.
        unsafe {
            match (self.width, count) {
                (Width::Plain, _) => {}
                (Width::Avx2, 1) => return avx2::<1>(self, panel, taps, step, result),
                (Width::Avx2, 2) => return avx2::<2>(self, panel, taps, step, result),
                (Width::Avx2, _) => return avx2::<3>(self, panel, taps, step, result),
                (Width::Avx512, 1) => return avx512::<1>(self, panel, taps, step, result),
                (Width::Avx512, 2) => return avx512::<2>(self, panel, taps, step, result),
                (Width::Avx512, 3) => return avx512::<3>(self, panel, taps, step, result),
                (Width::Avx512, 4) => return avx512::<4>(self, panel, taps, step, result),
                (Width::Avx512, 5) => return avx512::<5>(self, panel, taps, step, result),
                (Width::Avx512, _) => return avx512::<6>(self, panel, taps, step, result),
            }
        }
        for t in step..step + count {
            self.plain_panel(panel, taps, t, result);
        }
    }

    fn plain_panel(&self, panel: usize, taps: Taps<'_>, step: usize, result: &mut [f32]) {
        let mut sums = [0.0; PANEL];
        sums.copy_from_slice(&self.bias[panel * PANEL..][..PANEL]);
        let mut rows = self.panels[panel * PANEL * self.inputs..].chunks_exact(PANEL);
        for &offset in taps.offsets {
            let inputs = &taps.values[offset + step * taps.stride..][..taps.width];
            for (&input, row) in inputs.iter().zip(&mut rows) {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum = input.mul_add(*weight, *sum);
                }
            }
        }
        result[step * self.row() + panel * PANEL..][..PANEL].copy_from_slice(&sums);
    }
}

/// One panel for `T` steps, in registers of so many lanes.
#[cfg(target_arch = "x86_64")]
macro_rules! panel {
    ($name:ident, $features:literal, $lanes:literal, $load:ident, $store:ident, $spread:ident, $fused:ident) => {
        /// # Safety
        /// Needs the instructions, and the lengths that [`Dense::apply`] checks.
        #[target_feature(enable = $features)]
        #[expect(unsafe_code, reason = "vector instructions on raw rows")]
        unsafe fn $name<const T: usize>(
            dense: &Dense,
            panel: usize,
            taps: Taps<'_>,
            step: usize,
            result: &mut [f32],
        ) {
            use std::arch::x86_64::{$fused, $load, $spread, $store};
            const REGISTERS: usize = PANEL / $lanes;
            // SAFETY: the caller has the instructions; weights, bias and result hold whole panels, and taps reach as
            // far as the last step reads.
            unsafe {
                let bias = dense.bias.as_ptr().add(panel * PANEL);
                let mut row = [$spread(0.0); REGISTERS];
                for k in 0..REGISTERS {
                    row[k] = $load(bias.add(k * $lanes));
                }
                let mut sums = [row; T];
                let mut weights = dense.panels.as_ptr().add(panel * PANEL * dense.inputs);
                for &offset in taps.offsets {
                    let inputs = taps.values.as_ptr().add(offset + step * taps.stride);
                    for i in 0..taps.width {
                        for k in 0..REGISTERS {
                            row[k] = $load(weights.add(k * $lanes));
                        }
                        for t in 0..T {
                            let input = $spread(*inputs.add(t * taps.stride + i));
                            for k in 0..REGISTERS {
                                sums[t][k] = $fused(input, row[k], sums[t][k]);
                            }
                        }
                        weights = weights.add(PANEL);
                    }
                }
                for (t, sums) in sums.iter().enumerate() {
                    let row = result
                        .as_mut_ptr()
                        .add((step + t) * dense.row() + panel * PANEL);
                    for (k, &sum) in sums.iter().enumerate() {
                        $store(row.add(k * $lanes), sum);
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
panel!(
    avx2,
    "avx2,fma",
    8,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps
);
#[cfg(target_arch = "x86_64")]
panel!(
    avx512,
    "avx512f",
    16,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps
);

#[cfg(test)]
mod tests {
    use super::*;

    /// Small numbers that look like chance and are the same on every machine.
    fn noise(count: usize, mut seed: u32) -> Vec<f32> {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    fn product(width: Width, steps: usize) -> Vec<f32> {
        let (inputs, outputs) = (3 * 20, 34);
        let weights = noise(inputs * outputs, 1);
        let mut dense = Dense::pack(inputs, &noise(outputs, 2), |o, i| weights[o * inputs + i]);
        dense.width = width;
        let values = noise(20 * (steps + 8), 3);
        let mut result = vec![0.0; dense.row() * steps];
        dense.apply(
            Taps {
                values: &values,
                offsets: &[0, 40, 80],
                width: 20,
                stride: 20,
            },
            steps,
            &mut result,
        );
        result
    }

    #[test]
    fn multiplies_as_the_definition_says() {
        let (weights, values) = (noise(60 * 34, 1), noise(200, 3));
        let expected: f32 = noise(34, 2)[7]
            + (0..60)
                .map(|i| weights[7 * 60 + i] * values[20 + i / 20 * 40 + i % 20])
                .sum::<f32>();
        assert!((product(Width::Plain, 2)[64 + 7] - expected).abs() < 1e-5);
    }

    #[test]
    fn every_width_gives_the_same_bits() {
        #[cfg(target_arch = "x86_64")]
        for width in [Width::Avx2, Width::Avx512] {
            if width > Width::detect() {
                println!("this processor has no {}", width.name());
                continue;
            }
            for steps in 1..=14 {
                assert_eq!(
                    product(width, steps),
                    product(Width::Plain, steps),
                    "{width:?}"
                );
            }
        }
        assert_eq!(product(Width::detect(), 5), product(Width::Plain, 5));
    }
}
