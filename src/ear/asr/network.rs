//! The network, run as sound arrives: a convolution that puts out a row every 30 ms, then residual blocks, each
//! delayed by what it looks ahead. Flushing gives the very numbers that the whole recording at once would.

use super::features::{MELS, Mel};
use super::kernel::{Dense, Taps};
use super::model::{AcousticModel, Block, STEM_STRIDE, STEM_WIDTH, TAPS};
use crate::language::g2p::PHONES;

/// Outputs: the blank, then the phones.
pub const OUTPUTS: usize = PHONES.len() + 1;
/// Feature frames of zeros before and after an utterance.
const PADDING: usize = STEM_WIDTH / 2;
/// Rows that are pushed through the network together at most.
const BATCH: usize = 3;

/// Natural logarithms of the probabilities of the blank and each phone, for 30 ms.
pub type LogProbs = [f32; OUTPUTS];

/// The network's memory of one utterance.
pub struct Network {
    /// Feature rows that the stem has not passed yet.
    mels: Vec<f32>,
    histories: Vec<History>,
    /// Rows on their way from block to block.
    flow: Vec<f32>,
    products: Vec<f32>,
}

impl Network {
    pub fn new(model: &AcousticModel) -> Self {
        let histories = model
            .blocks
            .iter()
            .map(|block| History::new(block, model.channels))
            .collect();
        let widest = model.channels.max(model.head.row());
        let mut network = Self {
            mels: Vec::with_capacity(MELS * (STEM_WIDTH + STEM_STRIDE * BATCH)),
            histories,
            flow: vec![0.0; BATCH * model.channels],
            products: vec![0.0; BATCH * widest],
        };
        network.reset();
        network
    }

    /// Forgets the utterance.
    pub fn reset(&mut self) {
        self.mels.clear();
        self.mels.resize(PADDING * MELS, 0.0);
        self.histories.iter_mut().for_each(History::reset);
    }

    /// Remembers the present, for [`Network::restore`].
    pub fn save(&self, into: &mut Snapshot) {
        into.mels.clone_from(&self.mels);
        into.rows.clear();
        into.seen.clear();
        for history in &self.histories {
            into.rows.extend_from_slice(history.past());
            into.seen.push(history.seen);
        }
    }

    /// Goes back to the moment of [`Network::save`], of this network or another of the same model.
    pub fn restore(&mut self, from: &Snapshot) {
        self.mels.clone_from(&from.mels);
        let mut rest = &from.rows[..];
        for (history, &seen) in self.histories.iter_mut().zip(&from.seen) {
            let past;
            (past, rest) = rest.split_at(history.back * history.channels);
            history.rows[..past.len()].copy_from_slice(past);
            (history.from, history.seen) = (0, seen);
        }
    }

    /// Bytes that this network holds beside itself.
    pub fn memory(&self) -> usize {
        let rows: usize = self.histories.iter().map(|one| one.rows.capacity()).sum();
        let floats = rows + self.mels.capacity() + self.flow.capacity() + self.products.capacity();
        floats * size_of::<f32>() + self.histories.capacity() * size_of::<History>()
    }

    /// Takes one frame of features; hands on the rows of probabilities that this completes.
    pub fn feed(&mut self, model: &AcousticModel, mel: &Mel, emit: &mut impl FnMut(&LogProbs)) {
        self.mels.extend_from_slice(mel);
        if self.mels.len() >= MELS * (STEM_WIDTH + STEM_STRIDE * (BATCH - 1)) {
            self.drain(model, emit);
        }
    }

    /// Pushes through what waits. One call for several frames is cheaper than a call for each.
    pub fn drain(&mut self, model: &AcousticModel, emit: &mut impl FnMut(&LogProbs)) {
        let Some(beyond) = (self.mels.len() / MELS).checked_sub(STEM_WIDTH) else {
            return;
        };
        let steps = beyond / STEM_STRIDE + 1;
        let taps = Taps {
            values: &self.mels,
            offsets: &[0],
            width: STEM_WIDTH * MELS,
            stride: STEM_STRIDE * MELS,
        };
        model.stem.apply(taps, steps, &mut self.products);
        for (to, from) in self
            .flow
            .iter_mut()
            .zip(&self.products[..steps * model.channels])
        {
            *to = from.max(0.0);
        }
        self.mels.drain(..steps * STEM_STRIDE * MELS);
        self.pass(model, 0, steps, emit);
    }

    /// Ends the utterance: the silence behind it is zeros, at every block.
    pub fn finish(&mut self, model: &AcousticModel, emit: &mut impl FnMut(&LogProbs)) {
        for _ in 0..PADDING {
            self.feed(model, &[0.0; MELS], emit);
        }
        self.drain(model, emit);
        for (i, block) in model.blocks.iter().enumerate() {
            let mut missing = block.ahead;
            while missing > 0 {
                let rows = missing.min(BATCH);
                self.flow[..rows * model.channels].fill(0.0);
                self.pass(model, i, rows, emit);
                missing -= rows;
            }
        }
    }

    /// Takes the rows in `flow` through the blocks from `first` on, and out.
    fn pass(
        &mut self,
        model: &AcousticModel,
        first: usize,
        mut rows: usize,
        emit: &mut impl FnMut(&LogProbs),
    ) {
        for (block, history) in model.blocks.iter().zip(&mut self.histories).skip(first) {
            rows = history.pass(block, &mut self.flow, rows, &mut self.products);
        }
        self.put_out(&model.head, model.channels, rows, emit);
    }

    fn put_out(
        &mut self,
        head: &Dense,
        channels: usize,
        rows: usize,
        emit: &mut impl FnMut(&LogProbs),
    ) {
        if rows == 0 {
            return;
        }
        let taps = Taps {
            values: &self.flow,
            offsets: &[0],
            width: channels,
            stride: channels,
        };
        head.apply(taps, rows, &mut self.products);
        for row in self.products.chunks_exact(head.row()).take(rows) {
            emit(&log_softmax(row));
        }
    }
}

/// What a network was at one moment: less than half of what the network itself holds.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    mels: Vec<f32>,
    rows: Vec<f32>,
    seen: Vec<usize>,
}

fn log_softmax(row: &[f32]) -> LogProbs {
    let mut values = [0.0; OUTPUTS];
    values.copy_from_slice(&row[..OUTPUTS]);
    let top = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = values.iter().map(|value| (value - top).exp()).sum();
    let shift = top + total.ln();
    values.map(|value| value - shift)
}

/// What a block remembers: the rows it looks back on, then those that are new.
struct History {
    rows: Vec<f32>,
    channels: usize,
    back: usize,
    /// First row that is still looked at.
    from: usize,
    /// Rows of this utterance so far, up to the look-ahead; none goes out before that many came in.
    seen: usize,
}

impl History {
    fn new(block: &Block, channels: usize) -> Self {
        let back = (TAPS - 1) * block.dilation;
        Self {
            rows: vec![0.0; (back + BATCH) * channels],
            channels,
            back,
            from: 0,
            seen: 0,
        }
    }

    fn reset(&mut self) {
        self.from = 0;
        self.seen = 0;
        self.rows[..self.back * self.channels].fill(0.0);
    }

    /// The rows that are still looked at.
    fn past(&self) -> &[f32] {
        &self.rows[self.from * self.channels..][..self.back * self.channels]
    }

    /// Passes `rows` rows of `flow` through the block; what comes out, later by the look-ahead, is in `flow` again.
    fn pass(
        &mut self,
        block: &Block,
        flow: &mut [f32],
        rows: usize,
        products: &mut [f32],
    ) -> usize {
        if rows == 0 {
            return 0;
        }
        let width = self.channels;
        self.append(&flow[..rows * width]);
        let early = (block.ahead - self.seen).min(rows);
        self.seen += early;
        let out = rows - early;
        if out > 0 {
            let seen = &self.rows[(self.from + early) * width..];
            let offsets: [usize; TAPS] = std::array::from_fn(|tap| tap * block.dilation * width);
            block.dense.apply(
                Taps {
                    values: seen,
                    offsets: &offsets,
                    width,
                    stride: width,
                },
                out,
                products,
            );
            let kept = &seen[(self.back - block.ahead) * width..];
            for ((to, &own), &product) in flow[..out * width].iter_mut().zip(kept).zip(&*products) {
                *to = own + product.max(0.0);
            }
        }
        self.from += rows;
        out
    }

    fn append(&mut self, new: &[f32]) {
        let width = self.channels;
        if (self.from + self.back) * width + new.len() > self.rows.len() {
            self.rows
                .copy_within(self.from * width..(self.from + self.back) * width, 0);
            self.from = 0;
        }
        self.rows[(self.from + self.back) * width..][..new.len()].copy_from_slice(new);
    }
}

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;

    /// Rows of probabilities when the network is drained after every `every` frames of features.
    fn log_probs(every: usize) -> Vec<LogProbs> {
        let model = AcousticModel::built_in().expect("the model is good");
        let mut network = Network::new(&model);
        let mut rows = Vec::new();
        for (i, mel) in golden::features().as_chunks::<MELS>().0.iter().enumerate() {
            network.feed(&model, mel, &mut |row| rows.push(*row));
            if i % every == 0 {
                network.drain(&model, &mut |row| rows.push(*row));
            }
        }
        network.finish(&model, &mut |row| rows.push(*row));
        rows
    }

    #[test]
    fn equals_the_golden_example() {
        let rows = log_probs(1);
        let expected = golden::log_probs();
        assert_eq!(rows.len() * OUTPUTS, expected.len());
        let error = golden::largest_difference(rows.as_flattened(), &expected);
        println!("log probabilities: largest difference {error:.1e}");
        assert!(error < 1e-3, "{error}");
    }

    #[test]
    fn streaming_equals_the_whole_at_once() {
        let whole = log_probs(usize::MAX);
        for every in [1, 2, 5, 13] {
            let streamed = log_probs(every);
            assert_eq!(streamed.len(), whole.len());
            assert!(
                golden::largest_difference(streamed.as_flattened(), whole.as_flattened()) < 1e-4
            );
        }
    }

    #[test]
    fn a_copy_can_be_finished_while_the_original_goes_on() {
        let model = AcousticModel::built_in().expect("the model is good");
        let (mut network, mut copy) = (Network::new(&model), Network::new(&model));
        let (mut rows, mut snapshot) = (Vec::new(), Snapshot::default());
        for mel in golden::features().as_chunks::<MELS>().0 {
            network.feed(&model, mel, &mut |row| rows.push(*row));
            network.drain(&model, &mut |row| rows.push(*row));
            network.save(&mut snapshot);
            copy.restore(&snapshot);
            copy.finish(&model, &mut |_| ());
        }
        network.finish(&model, &mut |row| rows.push(*row));
        assert!(golden::largest_difference(rows.as_flattened(), &golden::log_probs()) < 1e-3);
    }
}
