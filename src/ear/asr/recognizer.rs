//! One turn of speech after the other.

use std::cell::Cell;
use std::sync::Arc;

use super::confidence::{Evidence, NO_RIVAL};
use super::decoder::{CALL_CELLS, Decoder, Path, RECORDING_CELLS, Spoken};
use super::features::Features;
use super::graph::{BLANK, Graph};
use super::model::AcousticModel;
use super::network::{LogProbs, Network, Snapshot};

/// From one row of the network to the next.
const ROW_MS: u32 = 30;
/// Hypotheses with different meanings that a turn ends in at most.
const HYPOTHESES: usize = 10;

/// A word and when it was said, in milliseconds from the first sample of the turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub t0_ms: u32,
    pub t1_ms: u32,
}

/// What may have been said.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    pub words: Vec<Word>,
    /// Literal tags of the grammar, in order.
    pub tags: Vec<String>,
    /// Natural logarithm of its likelihood; only differences between hypotheses of one turn mean something.
    pub score: f32,
    /// 0 to 1.
    pub confidence: f32,
    pub evidence: Evidence,
}

/// What seems to be said while it is being said. Nothing may be done because of it, but to fall silent or to answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partial {
    pub words: Vec<String>,
    pub tags: Vec<String>,
    /// So many of the words will not change any more.
    pub stable_words: usize,
    /// The grammar may end here.
    pub is_final: bool,
    /// The grammar may end here, and nothing can follow.
    pub complete: bool,
    /// It may end here, but by its weights more words are likelier.
    pub expects_more: bool,
}

/// Front end, network and decoder of one line. What is large and never changes is shared.
pub struct Recognizer {
    model: Arc<AcousticModel>,
    graph: Option<Arc<Graph>>,
    features: Features,
    network: Network,
    decoder: Decoder,
}

thread_local! {
    /// What a look ahead puts back; recognisers that take turns on a thread share the room.
    static SAVED: Cell<Option<(Features, Snapshot)>> = const { Cell::new(None) };
}

impl Recognizer {
    /// For a call, which has little memory.
    pub fn new(model: Arc<AcousticModel>) -> Self {
        Self::with_cells(model, CALL_CELLS)
    }

    /// For recordings, one after the other: follows more ways at once, which long lists of words need.
    pub fn thorough(model: Arc<AcousticModel>) -> Self {
        Self::with_cells(model, RECORDING_CELLS)
    }

    fn with_cells(model: Arc<AcousticModel>, cells: usize) -> Self {
        Self {
            features: Features::new(&model.front_end),
            network: Network::new(&model),
            decoder: Decoder::new(cells),
            graph: None,
            model,
        }
    }

    /// Bytes that this line holds for itself, without the model and the graph, which all lines share.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.features.memory() + self.network.memory() + self.decoder.memory()
    }

    /// Begins a turn in which `graph` is listened for, and forgets the last one.
    pub fn start(&mut self, graph: Arc<Graph>) {
        self.features.reset();
        self.network.reset();
        self.decoder.start(&graph);
        self.graph = Some(graph);
    }

    /// Takes 8 kHz sound. What comes after 30 s of a turn is not listened to.
    pub fn feed(&mut self, samples: &[i16]) {
        let Self {
            model,
            graph: Some(graph),
            features,
            network,
            decoder,
            ..
        } = self
        else {
            return;
        };
        let mut step = stepper(model, graph, decoder);
        features.feed(&model.front_end, samples, |mel| {
            network.feed(model, mel, &mut step)
        });
        network.drain(model, &mut step);
        drop(step);
        decoder.tidy();
    }

    /// The best way so far; `None` while not a word was heard. It lags 0.26 s behind the sound.
    pub fn partial(&self) -> Option<Partial> {
        let graph = self.graph.as_ref()?;
        let leader = self
            .decoder
            .leader(graph)
            .filter(|leader| !leader.path.words.is_empty())?;
        let words = leader
            .path
            .words
            .iter()
            .map(|spoken| graph.word(spoken.word).to_owned())
            .collect();
        Some(Partial {
            words,
            tags: tags(graph, &leader.path),
            stable_words: leader.settled,
            is_final: leader.is_final,
            complete: leader.complete,
            expects_more: leader.expects_more,
        })
    }

    /// What the turn would be if it ended here, best first, no two with the same tags; empty when nothing that the
    /// grammar allows was heard. The turn may go on afterwards.
    pub fn finish(&mut self) -> Vec<Hypothesis> {
        self.look_ahead(Self::hypotheses)
    }

    /// [`Recognizer::partial`] and [`Recognizer::finish`] as if the turn ended here.
    pub fn peek(&mut self) -> (Option<Partial>, Vec<Hypothesis>) {
        self.look_ahead(|ended| (ended.partial(), ended.hypotheses()))
    }

    /// How long this turn is, as far as the decoder has heard it.
    pub fn heard_ms(&self) -> u32 {
        u32::from(self.decoder.rows()) * ROW_MS
    }

    /// Ends the turn, reads, and takes the end back.
    fn look_ahead<T>(&mut self, read: impl FnOnce(&Self) -> T) -> T {
        let room = || (Features::new(&self.model.front_end), Snapshot::default());
        let mut saved = SAVED.take().unwrap_or_else(room);
        saved.0.copy_from(&self.features);
        self.network.save(&mut saved.1);
        self.decoder.save();
        self.flush();
        let result = read(self);
        self.features.copy_from(&saved.0);
        self.network.restore(&saved.1);
        self.decoder.restore();
        SAVED.set(Some(saved));
        result
    }

    fn flush(&mut self) {
        let Self {
            model,
            graph: Some(graph),
            features,
            network,
            decoder,
            ..
        } = self
        else {
            return;
        };
        let mut step = stepper(model, graph, decoder);
        features.finish(&model.front_end, |mel| network.feed(model, mel, &mut step));
        network.finish(model, &mut step);
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let Some(graph) = &self.graph else {
            return Vec::new();
        };
        let paths = self.decoder.endings(graph, HYPOTHESES);
        let hypothesis = |(i, path): (usize, &Path)| {
            // The lead of the first is over the second; the others trail behind the first.
            let rival = if i == 0 { paths.get(1) } else { paths.first() };
            self.hypothesis(graph, path, rival)
        };
        paths.iter().enumerate().map(hypothesis).collect()
    }

    fn hypothesis(&self, graph: &Graph, path: &Path, rival: Option<&Path>) -> Hypothesis {
        let phones: u16 = path
            .words
            .iter()
            .map(|spoken| graph.phone_count(spoken.word))
            .sum();
        let evidence = Evidence {
            gap: (self.decoder.filler() - path.score) / f32::from(phones.max(1)),
            margin: rival.map_or(NO_RIVAL, |rival| path.score - rival.score),
            coverage: f32::from(phones) / f32::from(self.decoder.phones().max(1)),
            phones,
        };
        Hypothesis {
            words: path
                .words
                .iter()
                .map(|spoken| word(graph, *spoken))
                .collect(),
            tags: tags(graph, path),
            score: path.score,
            confidence: evidence.confidence(),
            evidence,
        }
    }
}

/// Moves the decoder on by a row, with the blank discounted.
fn stepper(model: &AcousticModel, graph: &Graph, decoder: &mut Decoder) -> impl FnMut(&LogProbs) {
    move |row| {
        let mut row = *row;
        row[usize::from(BLANK)] -= model.blank_discount;
        decoder.step(graph, &row);
    }
}

fn tags(graph: &Graph, path: &Path) -> Vec<String> {
    path.tags
        .iter()
        .map(|&tag| graph.tag(tag).to_owned())
        .collect()
}

/// From the row of its first phone to that of its last, so that words never overlap. A phone peaks in one row or two,
/// somewhere in the middle of its sound.
fn word(graph: &Graph, spoken: Spoken) -> Word {
    Word {
        text: graph.word(spoken.word).to_owned(),
        t0_ms: u32::from(spoken.first) * ROW_MS,
        t1_ms: (u32::from(spoken.last) + 1) * ROW_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::super::toy::{Toy, model};
    use super::super::{Graph, golden, heap};
    use super::*;

    /// The grammar of dates of the training tool, as its compiler writes it.
    fn dates() -> Arc<Graph> {
        Arc::new(Graph::compile(
            &Toy::read(include_str!("../../../tests/data/dates.nfa")),
            &model(),
        ))
    }

    fn recognised(chunk: usize) -> Vec<Hypothesis> {
        let mut recognizer = Recognizer::new(model());
        recognizer.start(dates());
        golden::samples()
            .chunks(chunk)
            .for_each(|samples| recognizer.feed(samples));
        recognizer.finish()
    }

    #[test]
    fn recognises_the_golden_example() {
        let best = &recognised(160)[0];
        let words: Vec<&str> = best.words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(words, ["dia", "dois", "de", "abril"]);
        assert_eq!(best.tags, ["+2", "m4"]);
        assert!(best.confidence > 0.7, "{best:?}");
    }

    #[test]
    fn does_not_depend_on_how_sound_arrives() {
        assert_eq!(recognised(160)[0].tags, recognised(3000)[0].tags);
        assert!((recognised(160)[0].score - recognised(3000)[0].score).abs() < 0.01);
    }

    #[test]
    fn looking_ahead_changes_nothing() {
        let mut recognizer = Recognizer::new(model());
        recognizer.start(dates());
        let mut seen = Vec::new();
        for samples in golden::samples().chunks(160) {
            recognizer.feed(samples);
            seen.extend(recognizer.peek().0.map(|partial| partial.words.join(" ")));
        }
        assert!((recognizer.finish()[0].score - recognised(160)[0].score).abs() < 0.01);
        assert_eq!(seen.last().map(String::as_str), Some("dia dois de abril"));
    }

    #[test]
    fn a_recognizer_can_be_used_again() {
        let mut recognizer = Recognizer::new(model());
        for _ in 0..2 {
            recognizer.start(dates());
            golden::samples()
                .chunks(160)
                .for_each(|samples| recognizer.feed(samples));
            assert_eq!(recognizer.finish()[0].tags, ["+2", "m4"]);
        }
    }

    /// Once a turn like it was heard, 20 ms of sound take nothing from the heap.
    #[test]
    fn frames_take_no_memory() {
        let mut recognizer = Recognizer::new(model());
        let (graph, sound) = (dates(), golden::samples());
        let mut turn = || {
            recognizer.start(graph.clone());
            let before = heap::taken();
            sound
                .chunks(160)
                .for_each(|samples| recognizer.feed(samples));
            heap::taken() - before
        };
        turn();
        assert_eq!(turn(), 0);
    }

    #[test]
    fn silence_says_nothing() {
        let mut recognizer = Recognizer::new(model());
        recognizer.start(dates());
        assert!(recognizer.partial().is_none());
        assert!(recognizer.finish().is_empty());
    }
}
