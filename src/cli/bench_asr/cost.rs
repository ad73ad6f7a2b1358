//! What one call costs while its caller speaks without a pause: CPU and memory.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::{listen, parse};
use crate::ear::asr::{AcousticModel, Graph, Recognizer, vector_width};
use crate::media::{FRAME, RATE};

/// Speech that is listened to at least, in seconds; shorter recordings are heard again.
const SECONDS: usize = 30;
/// A turn: after so many frames the next one begins.
const TURN_FRAMES: usize = 400;
/// While the caller is silent the end is tried every so often; here after every fifth frame, which is more than a call does.
const PEEK_FRAMES: usize = 5;

/// The cost of a call with continuous speech.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// The grammar that was active.
    pub grammar: String,
    /// The vectors of this processor that are used.
    pub vectors: &'static str,
    /// Seconds of computing for each second of speech, in frames of 20 ms with partial results.
    pub rtf: f64,
    /// The same as times real time.
    pub times_real_time: f64,
    /// The same with a look at the end of the turn ten times a second.
    pub rtf_with_peeks: f64,
    /// Bytes that the line's recogniser holds at most, beside what all calls share.
    pub memory_bytes: usize,
    /// Bytes of the graph and the model, which all calls share.
    pub nodes: usize,
    pub arcs: usize,
}

/// Listens to `speech` with a grammar of the program's own folder; `None` when it does not stand there.
pub fn measure(grammar: &Path, model: &Arc<AcousticModel>, speech: &[Vec<i16>]) -> Option<Cost> {
    let name = grammar.display().to_string();
    let automaton = parse::compile(&name, &std::collections::BTreeMap::new()).ok()?;
    let graph = Arc::new(Graph::compile(&automaton, model));
    let all: Vec<i16> = speech.iter().flatten().copied().collect();
    if all.len() < FRAME {
        return None;
    }
    let wanted = SECONDS * RATE as usize;
    let sound: Vec<i16> = all.into_iter().cycle().take(wanted).collect();
    let mut recognizer = Recognizer::new(model.clone());
    let (plain, memory) = run(&mut recognizer, &graph, &sound, None);
    let (peeking, more) = run(&mut recognizer, &graph, &sound, Some(PEEK_FRAMES));
    Some(Cost {
        grammar: name,
        vectors: vector_width(),
        rtf: plain,
        times_real_time: 1.0 / plain.max(1e-9),
        rtf_with_peeks: peeking,
        memory_bytes: memory.max(more),
        nodes: graph.nodes(),
        arcs: graph.arcs(),
    })
}

/// Seconds of computing for a second of sound, and the most memory.
fn run(
    recognizer: &mut Recognizer,
    graph: &Arc<Graph>,
    sound: &[i16],
    peek: Option<usize>,
) -> (f64, usize) {
    let started = listen::now();
    let mut memory = 0;
    for (n, frame) in sound.as_chunks::<FRAME>().0.iter().enumerate() {
        if n % TURN_FRAMES == 0 {
            recognizer.start(graph.clone());
        }
        recognizer.feed(frame);
        std::hint::black_box(recognizer.partial());
        if peek.is_some_and(|frames| n % frames == frames - 1) {
            std::hint::black_box(recognizer.peek());
        }
        memory = memory.max(recognizer.memory());
    }
    let seconds = sound.len() as f64 / f64::from(RATE);
    (started.elapsed().as_secs_f64() / seconds, memory)
}
