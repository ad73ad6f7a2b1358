//! Turn taking in virtual time: what was heard of what was said, and who has the floor.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use combinado::base::CallId;
use combinado::call::{Call, Event, Fate, Span};
use combinado::config::Config;
use combinado::ear::amd::{Amd, Answer, GRAMMAR};
use combinado::mouth::tts::espeak::{Espeak, Manner};
use combinado::run::voices::Voices;
use combinado::run::{Kit, brief_for};
use combinado::sim::openings::{self, AmdReport, Classified};
use combinado::sim::portfolio;
use combinado::sim::stage::{Stage, World};
use combinado::sim::turns::{self, CASES, Kind, TurnsReport};
use jiff::Timestamp;

/// Everything that calls share.
pub struct Scene {
    kit: Kit,
    config: Config,
    pub voices: Voices,
    espeak: Espeak,
}

impl Scene {
    pub fn set() -> Self {
        let config = Config::default();
        Self {
            kit: Kit::load(&config.agent).unwrap(),
            voices: Voices::open(&config).unwrap(),
            espeak: Espeak::open(None).unwrap(),
            config,
        }
    }

    pub fn call(&self, outbound: bool) -> Call {
        let at: Timestamp = "2026-11-23T17:00:00Z".parse().unwrap();
        let today = at.to_zoned(self.config.agent.time_zone.clone()).date();
        let debtor = portfolio::demo(today).swap_remove(0);
        let id = CallId(uuid::Uuid::from_u128(7));
        let mut brief = brief_for(id, &debtor, &self.kit.policy, &self.config, at);
        brief.outbound = outbound;
        Call::new(
            self.kit.script.clone(),
            self.kit.graphs.clone(),
            brief,
            Duration::from_millis(40),
        )
    }

    pub fn caller(&self, words: &str, n: u64) -> Vec<i16> {
        const VOICES: [&str; 4] = ["pt-br", "pt-br+f4", "pt-br+m5", "pt-br+michel"];
        let manner = Manner {
            voice: VOICES[(n % 4) as usize].to_owned(),
            rate: 130 + (n * 7 % 45) as u32,
            pitch: 35 + (n * 5 % 31) as u32,
            ..Manner::default()
        };
        self.espeak.speak_raw(words, &manner).unwrap()
    }

    fn play(&self, kind: Kind, nth: u64) -> turns::Result {
        let voice = |text: &str| self.voices.speak(text);
        let mut stage = Stage::new(self.call(false), &voice, World::default());
        turns::play(kind, nth, 1, &mut stage, &|words, n| self.caller(words, n))
    }
}

/// Leads a call to the reading of the terms, by keys, each time that the agent has fallen silent.
fn lead_to_reading(stage: &mut Stage<'_>) {
    const QUIET: usize = 2_400;
    while stage.elapsed_ms() < 240_000 {
        stage.play(&[0; 5 * 160]);
        let state = stage.call.dialogue().state().to_owned();
        if state == "fecha" && stage.call.is_mandatory() {
            return;
        }
        let since = stage.agent.len().saturating_sub(QUIET);
        if stage.agent[since..].iter().any(|sample| *sample != 0) {
            continue;
        }
        let keys = match state.as_str() {
            "identifica" => "111",
            "dia" => "30",
            _ => "1",
        };
        keys.chars().for_each(|key| stage.press(key));
        stage.play(&[0; 20 * 160]);
    }
    panic!(
        "the terms are never read: {}",
        stage.call.dialogue().state()
    );
}

fn spans(stage: &Stage<'_>) -> Vec<Span> {
    let events = stage.events.iter();
    events
        .filter_map(|(_, event)| match event {
            Event::Clause(span) => Some(span.clone()),
            _ => None,
        })
        .collect()
}

/// A key at every 100 ms of the terms: each clause begins anew until it was heard whole, and the account of samples is
/// that of the sound that went out. Eight calls share the instants, for none may last longer than six minutes.
#[test]
fn a_mandatory_sentence_is_said_again_wherever_it_is_cut() {
    const CALLS: u64 = 8;
    let scene = Scene::set();
    let cuts: u64 = (1..=CALLS)
        .map(|first| cut_the_reading(&scene, 100 * first, 100 * CALLS))
        .sum();
    assert!(cuts > 100, "{cuts}");
}

/// Reads the terms and cuts each clause `first_ms` from its begin, then `step_ms` later each time. How often that was.
fn cut_the_reading(scene: &Scene, first_ms: u64, step_ms: u64) -> u64 {
    let spoken: RefCell<Vec<Arc<[i16]>>> = RefCell::default();
    let voice = |text: &str| {
        let sound = scene.voices.speak(text);
        spoken.borrow_mut().extend(sound.clone());
        sound
    };
    let mut stage = Stage::new(scene.call(false), &voice, World::default());
    lead_to_reading(&mut stage);
    let before = spans(&stage).len();
    let (mut cuts, mut known) = (0, before);
    let (mut clause_at, mut wait_ms) = (stage.elapsed_ms(), first_ms);
    // A key that answers nothing leads to a second reading, which is not looked at.
    let readings = |stage: &Stage| {
        let sayings = stage.events.iter().map(|(_, event)| event);
        sayings
            .filter(|event| matches!(event, Event::Saying { .. }))
            .count()
    };
    let this = readings(&stage);
    while stage.call.is_mandatory() {
        stage.tick(&[0; 160]);
        if readings(&stage) != this {
            break;
        }
        let told = spans(&stage);
        if told.len() > known {
            // A clause was heard: the next one is interrupted from its beginning on.
            if told[known..].iter().any(|span| span.fate == Fate::Heard) {
                wait_ms = first_ms;
                clause_at = stage.elapsed_ms();
            }
            known = told.len();
        }
        if stage.elapsed_ms() >= clause_at + wait_ms {
            stage.press('5');
            cuts += 1;
            wait_ms += step_ms;
            // The breath before the clause begins anew.
            clause_at = stage.elapsed_ms() + 200;
            known = spans(&stage).len();
        }
    }
    // The last samples are still on their way.
    stage.play(&[0; 1_600]);
    let told: Vec<Span> = spans(&stage)
        .into_iter()
        .skip(before)
        .filter(|span| span.mandatory)
        .collect();
    let mut heard: BTreeMap<u32, &[i16]> = BTreeMap::new();
    for span in told.iter().filter(|span| span.fate == Fate::Heard) {
        heard.insert(
            span.clause,
            &stage.agent[span.from_sample as usize..span.to_sample as usize],
        );
    }
    assert!(heard.len() >= 3, "{told:?}");
    for span in told.iter().filter(|span| span.fate == Fate::Cut) {
        let whole = heard
            .get(&span.clause)
            .unwrap_or_else(|| panic!("{span:?} was never heard: {told:?}"));
        let part = &stage.agent[span.from_sample as usize..span.to_sample as usize];
        let same = part.len().min(whole.len());
        assert_eq!(part[..same], whole[..same], "it begins anew: {span:?}");
    }
    // Every clause was heard to its last sample: what went out is what the voice made, and silence to the frame's end.
    for (clause, sound) in &heard {
        let whole = spoken.borrow().iter().any(|made| {
            let (same, rest) = sound.split_at(made.len().min(sound.len()));
            same == &made[..] && rest.len() < 160 && rest.iter().all(|sample| *sample == 0)
        });
        assert!(whole, "clause {clause}: {} samples", sound.len());
    }
    cuts
}

#[test]
fn noises_and_echoes_do_not_take_the_floor_and_words_do() {
    let scene = Scene::set();
    for (kind, nth) in [
        (Kind::OwnEcho, 0),
        (Kind::OwnEcho, 1),
        (Kind::Cough, 0),
        (Kind::Key, 0),
        (Kind::Interruption, 1),
    ] {
        let result = scene.play(kind, nth);
        assert!(result.right, "{result:?}");
    }
}

/// The mailbox speaks, we do not: no word is left to whoever may hear the recording.
#[test]
fn a_mailbox_ends_the_call_and_is_filed() {
    let scene = Scene::set();
    let voice = |text: &str| scene.voices.speak(text);
    let mut stage = Stage::new(scene.call(true), &voice, World::default());
    let words = "sua chamada está sendo encaminhada para a caixa postal e estará sujeita à cobrança após o sinal";
    stage.play(&[0; 4_000]);
    stage.play(&scene.caller(words, 0));
    stage.play(&[0; 16_000]);
    let ended = stage.events.iter().find_map(|(_, event)| match event {
        Event::Ended { disposition, .. } => Some(disposition.clone()),
        _ => None,
    });
    assert_eq!(ended.as_deref(), Some("CAIXA_POSTAL"), "{:?}", stage.events);
}

#[test]
#[ignore = "360 calls in virtual time, 3 minutes"]
fn turns_are_taken_as_promised() {
    let scene = Scene::set();
    let results: Vec<turns::Result> = CASES
        .iter()
        .flat_map(|(kind, count)| (0..*count).map(|nth| scene.play(*kind, nth)))
        .collect();
    let report = TurnsReport::of(1, &results);
    println!("{}", report.text());
    assert_eq!(report.self_interruptions, 0, "{}", report.text());
    assert!(
        report.false_interruptions_percent <= 2.0,
        "{}",
        report.text()
    );
    assert!(report.digits_cut_percent <= 1.0, "{}", report.text());
    let meant =
        |result: &&turns::Result| matches!(result.kind, Kind::Interruption | Kind::DoubleTalk);
    let missed = results.iter().filter(meant).filter(|result| !result.right);
    assert!(missed.count() * 50 <= 80, "{}", report.text());
}

/// "quero…" sounds like a nod until it is "quero falar com atendente".
#[test]
fn a_nod_that_becomes_a_sentence_takes_the_floor() {
    let scene = Scene::set();
    for nth in [1, 4, 10, 18, 27, 33] {
        let result = scene.play(Kind::Interruption, nth);
        assert!(result.right, "case {nth}: {}", result.note);
    }
}

#[test]
#[ignore = "460 answered calls, 2 minutes"]
fn who_answers_is_told_apart() {
    let scene = Scene::set();
    let graph = scene
        .kit
        .graphs
        .get(&[GRAMMAR.to_owned()], &BTreeMap::new());
    let graph = Arc::new(graph.unwrap());
    let voices = |words: &str, n: u64| scene.caller(words, n);
    let found: Vec<Classified> = openings::all(1, &voices)
        .map(|(was, words, sound)| {
            let recognizer = (scene.kit.graphs.model(), Arc::clone(&graph));
            let verdict = openings::classify(&mut Amd::new(Some(recognizer)), &sound);
            Classified {
                was,
                words,
                verdict,
            }
        })
        .collect();
    let report = AmdReport::of(&found);
    println!("{}", report.text());
    assert!(
        report.persons_called_machine_percent <= 1.0,
        "{}",
        report.text()
    );
    assert!(
        report.machines_called_person_percent <= 10.0,
        "{}",
        report.text()
    );
    assert!(
        found
            .iter()
            .any(|call| call.taken_for() == Answer::Voicemail)
    );
}
