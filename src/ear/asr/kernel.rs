//! The one product that costs time: a matrix times several time steps at once, so that every weight that was loaded
//! is used as often as there are steps. The vector width is chosen while running, not while building.

/// Outputs that are worked out side by side; four registers of eight.
const PANEL: usize = 32;
/// Time steps that share one pass over the weights; more do not fit into sixteen registers.
const STEPS: usize = 3;

/// A matrix with a bias, packed for [`Dense::apply`]: panels of 32 outputs, in each the weights of input 0, of input 1…
#[derive(Clone, Debug)]
pub struct Dense {
    inputs: usize,
    panels: Vec<f32>,
    bias: Vec<f32>,
    wide: bool,
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
            wide: has_wide_vectors(),
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
                let count = STEPS.min(steps - step);
                self.panel(panel, taps, step, count, result);
                step += count;
            }
        }
    }

    fn panel(&self, panel: usize, taps: Taps<'_>, step: usize, count: usize, result: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            // SAFETY: `wide` says that the processor has AVX2 and FMA; `apply` has checked every length.
            unsafe {
                match count {
                    1 => wide::panel::<1>(self, panel, taps, step, result),
                    2 => wide::panel::<2>(self, panel, taps, step, result),
                    _ => wide::panel::<3>(self, panel, taps, step, result),
                }
            }
            return;
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
                    *sum += input * weight;
                }
            }
        }
        result[step * self.row() + panel * PANEL..][..PANEL].copy_from_slice(&sums);
    }
}

#[cfg(target_arch = "x86_64")]
fn has_wide_vectors() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_wide_vectors() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps};

    use super::{Dense, PANEL, Taps};

    /// One panel for `T` steps, eight lanes at a time.
    ///
    /// # Safety
    /// Needs AVX2 and FMA, and the lengths that [`Dense::apply`] checks.
    #[target_feature(enable = "avx2,fma")]
    #[expect(
        clippy::needless_range_loop,
        reason = "rows and columns of a tile of registers"
    )]
    pub unsafe fn panel<const T: usize>(
        dense: &Dense,
        panel: usize,
        taps: Taps<'_>,
        step: usize,
        result: &mut [f32],
    ) {
        // SAFETY: the caller has the instructions; weights, bias and result hold whole panels, and taps reach as far
        // as the last step reads.
        unsafe {
            let bias = dense.bias.as_ptr().add(panel * PANEL);
            let start = [
                _mm256_loadu_ps(bias),
                _mm256_loadu_ps(bias.add(8)),
                _mm256_loadu_ps(bias.add(16)),
                _mm256_loadu_ps(bias.add(24)),
            ];
            let mut sums = [start; T];
            let mut weights = dense.panels.as_ptr().add(panel * PANEL * dense.inputs);
            for &offset in taps.offsets {
                let inputs = taps.values.as_ptr().add(offset + step * taps.stride);
                for i in 0..taps.width {
                    let row = [
                        _mm256_loadu_ps(weights),
                        _mm256_loadu_ps(weights.add(8)),
                        _mm256_loadu_ps(weights.add(16)),
                        _mm256_loadu_ps(weights.add(24)),
                    ];
                    for t in 0..T {
                        let input = _mm256_set1_ps(*inputs.add(t * taps.stride + i));
                        for lane in 0..4 {
                            sums[t][lane] = _mm256_fmadd_ps(input, row[lane], sums[t][lane]);
                        }
                    }
                    weights = weights.add(PANEL);
                }
            }
            for (t, sums) in sums.iter().enumerate() {
                let row = result
                    .as_mut_ptr()
                    .add((step + t) * dense.row() + panel * PANEL);
                for (lane, &sum) in sums.iter().enumerate() {
                    _mm256_storeu_ps(row.add(lane * 8), sum);
                }
            }
        }
    }
}

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

    fn product(wide: bool, steps: usize) -> Vec<f32> {
        let (inputs, outputs) = (3 * 20, 34);
        let weights = noise(inputs * outputs, 1);
        let mut dense = Dense::pack(inputs, &noise(outputs, 2), |o, i| weights[o * inputs + i]);
        dense.wide = wide && has_wide_vectors();
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
        assert!((product(false, 2)[64 + 7] - expected).abs() < 1e-5);
    }

    #[test]
    fn wide_vectors_give_the_same_numbers() {
        for steps in 1..=8 {
            let pairs = product(true, steps).into_iter().zip(product(false, steps));
            assert!(
                pairs
                    .into_iter()
                    .all(|(wide, plain)| (wide - plain).abs() < 1e-4)
            );
        }
    }
}
