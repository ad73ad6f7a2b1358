//! The second opinion: what the recogniser could not make out is written down by another one, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use combinado::call::{Event, HeardTurn, Writing};
use combinado::config::Config;
use combinado::run::Kit;
use combinado::sim::stage::{Stage, World};

use crate::turns::Scene;

/// Speech that no grammar knows.
const GIBBERISH: &str = "batatinha quando nasce se esparrama pelo chão";

/// A call at its first question, on which a transcriber that answers after `writes_ms` writes down `writes`.
fn at_first_question<'a>(
    scene: &'a Scene,
    voice: &'a dyn Fn(&str) -> Option<std::sync::Arc<[i16]>>,
    writes_ms: Option<u64>,
    writes: Option<Writing>,
) -> Stage<'a> {
    let world = World {
        writes_ms,
        ..World::default()
    };
    let mut stage = Stage::new(scene.call(false).with_transcriber(), voice, world);
    stage.writes = writes;
    assert!(stage.hear_out(60_000), "the agent asks something");
    stage
}

fn yes() -> Option<Writing> {
    Some(Writing {
        text: "Sim, sou eu.".to_owned(),
        tags: Some(vec!["SIM".to_owned()]),
        confidence: 0.8,
    })
}

fn wait(stage: &mut Stage<'_>, time: Duration) {
    (0..time.as_millis() / 20).for_each(|_| {
        stage.tick(&[0; 160]);
    });
}

fn heard(stage: &Stage<'_>) -> Vec<HeardTurn> {
    let events = stage.events.iter().map(|(_, event)| event);
    events
        .filter_map(|event| match event {
            Event::Heard(turn) => Some(turn.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn what_was_not_understood_is_written_down_and_answered() {
    let scene = Scene::set();
    let voice = |text: &str| scene.voices.speak(text);
    let mut stage = at_first_question(&scene, &voice, Some(400), yes());
    let first = stage.call.dialogue().state().to_owned();
    stage.play(&scene.caller(GIBBERISH, 0));
    wait(&mut stage, Duration::from_millis(2_600));
    let (_, question) = &stage.asked[0];
    assert!(question.sound.len() > 8_000, "{}", question.sound.len());
    assert!(!question.rules.is_empty());
    let turns = heard(&stage);
    assert_eq!(turns.len(), 1, "{turns:?}");
    assert_eq!(turns[0].text, "Sim, sou eu.");
    assert_eq!(turns[0].intent.as_deref(), Some("SIM"));
    assert!(turns[0].endpoint_ms >= 400, "{turns:?}");
    assert_ne!(stage.call.dialogue().state(), first);
    assert!(stage.forgotten.is_empty());
}

/// Nothing legible, nothing that answers the question, nothing at all, and no answer in time: the question is asked again.
#[test]
fn without_a_second_opinion_the_question_is_asked_again() {
    let scene = Scene::set();
    let voice = |text: &str| scene.voices.speak(text);
    let faint = yes().map(|writing| Writing {
        confidence: 0.2,
        ..writing
    });
    let strange = yes().map(|writing| Writing {
        tags: None,
        ..writing
    });
    let cases = [
        (Some(300), faint),
        (Some(300), strange),
        (Some(300), None),
        (None, yes()),
        (Some(5_000), yes()),
    ];
    for (after, writing) in cases {
        let mut stage = at_first_question(&scene, &voice, after, writing.clone());
        let first = stage.call.dialogue().state().to_owned();
        stage.play(&scene.caller(GIBBERISH, 1));
        wait(&mut stage, Duration::from_millis(6_500));
        let turns = heard(&stage);
        assert_eq!(turns.len(), 1, "{after:?} {writing:?}: {turns:?}");
        assert_eq!(turns[0].intent, None);
        assert!(turns[0].endpoint_ms < 3_500, "{turns:?}");
        assert_eq!(stage.call.dialogue().state(), first);
        // The engine need not go on with what nobody waits for.
        let late = after.is_none_or(|after| after > 2_000);
        assert_eq!(stage.forgotten.len(), usize::from(late), "{after:?}");
    }
}

#[test]
fn a_key_or_a_clear_answer_is_not_kept_waiting() {
    let scene = Scene::set();
    let voice = |text: &str| scene.voices.speak(text);
    for key in [true, false] {
        let mut stage = at_first_question(&scene, &voice, None, yes());
        stage.play(&scene.caller(GIBBERISH, 2));
        for _ in 0..100 {
            if stage.asked.is_empty() {
                stage.tick(&[0; 160]);
            }
        }
        assert_eq!(stage.asked.len(), 1);
        wait(&mut stage, Duration::from_millis(200));
        match key {
            true => stage.press('1'),
            false => {
                stage.play(&scene.caller("sim", 2));
                wait(&mut stage, Duration::from_millis(900));
            }
        }
        let turns = heard(&stage);
        assert_eq!(stage.forgotten.len(), 1);
        assert_eq!(turns.len(), 1, "{turns:?}");
        assert_eq!(turns[0].keyed, key);
        assert!(
            key || turns[0].intent.as_deref() == Some("SIM"),
            "{turns:?}"
        );
    }
}

/// Neither heard nor written down: noise is written down as a nod too easily.
#[test]
fn a_nod_is_no_yes_to_an_agreement() {
    let kit = Kit::load(&Config::default().agent).unwrap();
    let agrees = |rule: &str, text: &str| {
        let readings = kit.graphs.read(&[rule.to_owned()], &BTreeMap::new(), text);
        let readings = readings.unwrap();
        let best = readings.first().filter(|best| best.is_accepted());
        best.is_some_and(|best| best.tags.iter().any(|tag| tag == "SIM"))
    };
    for nod in ["uhum", "aham", "ahã", "arrã", "hum hum"] {
        assert!(!agrees("fecha.gram", nod), "{nod}");
    }
    assert!(agrees("fecha.gram", "sim") && agrees("fecha.gram", "uhum sim"));
    assert!(agrees("oferta.gram", "uhum") && agrees("oferta.gram", "aham"));
}

#[test]
fn a_call_without_a_transcriber_asks_nobody() {
    let scene = Scene::set();
    let voice = |text: &str| scene.voices.speak(text);
    let mut stage = Stage::new(scene.call(false), &voice, World::default());
    assert!(stage.hear_out(60_000));
    stage.play(&scene.caller(GIBBERISH, 0));
    wait(&mut stage, Duration::from_millis(2_000));
    assert!(stage.asked.is_empty());
    assert_eq!(heard(&stage).len(), 1);
}
