//! The voices as a whole: what they render is telephone speech.

#[cfg(feature = "espeak")]
mod espeak {
    use combinado::media::level;
    use combinado::mouth::tts::espeak::{Espeak, Manner};
    use combinado::mouth::tts::{Settings, Voice, VoiceError};
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    const SENTENCE: &str = "Bom dia, dona Maria. Consigo um acordo de oitenta e nove reais e noventa centavos por mês.";

    fn open() -> Espeak {
        Espeak::open(None).expect("the voice in the box opens")
    }

    #[test]
    fn speech_is_loud_enough_and_never_clipped() {
        for variant in [
            "",
            "pt-br+f2",
            "pt-br+f4",
            "pt-br+m3",
            "pt-br+m7",
            "pt-br+klatt2",
        ] {
            let settings = Settings {
                voice: variant.to_owned(),
                ..Settings::default()
            };
            let speech = open().speak(SENTENCE, &settings).expect("speaks");
            let level = level::active_dbov(&speech).expect("sounds");
            assert!(
                (level - level::TARGET_DBOV).abs() < 1.0,
                "{variant}: {level} dBov"
            );
            assert!(
                level::peak(&speech) < 0.95,
                "{variant}: peak {}",
                level::peak(&speech)
            );
            assert!(
                (24_000..80_000).contains(&speech.len()),
                "{variant}: {} samples",
                speech.len()
            );
            assert_eq!(
                (speech[0], speech[speech.len() - 1]),
                (0, 0),
                "{variant} clicks"
            );
        }
    }

    #[test]
    fn rate_and_pitch_are_obeyed() {
        let voice = open();
        let length = |rate| {
            voice
                .speak(
                    SENTENCE,
                    &Settings {
                        rate,
                        ..Settings::default()
                    },
                )
                .expect("speaks")
                .len()
        };
        assert!(length(120) as f64 > 1.3 * length(220) as f64);
        let period = |pitch| {
            let speech = voice
                .speak(
                    "aaaaa",
                    &Settings {
                        pitch,
                        ..Settings::default()
                    },
                )
                .expect("speaks");
            let middle: Vec<f64> = speech[speech.len() / 3..2 * speech.len() / 3]
                .iter()
                .map(|&s| f64::from(s))
                .collect();
            let likeness = |lag: usize| {
                middle
                    .iter()
                    .zip(&middle[lag..])
                    .map(|(a, b)| a * b)
                    .sum::<f64>()
            };
            (45..140)
                .max_by(|&a, &b| likeness(a).total_cmp(&likeness(b)))
                .expect("there are lags")
        };
        assert!(period(95) < period(5), "{} {}", period(95), period(5));
    }

    #[test]
    fn the_lexicon_changes_what_is_heard() {
        let voice = open();
        let phonemes = |text| voice.phonemes(text, "pt-br").expect("knows the letters");
        assert_ne!(phonemes("pix"), "");
        assert_ne!(phonemes("esse eme esse"), phonemes("sms maiúsculo"));
        let spoken = voice
            .speak("Mando o código Pix por SMS.", &Settings::default())
            .expect("speaks");
        let raw = voice
            .speak_raw("Mando o código pics por ésse eme ésse.", &Manner::default())
            .expect("speaks");
        assert!(
            spoken.len().abs_diff(raw.len()) < 1_600,
            "{} {}",
            spoken.len(),
            raw.len()
        );
    }

    #[test]
    fn what_cannot_be_spoken_is_an_error_with_a_remedy() {
        let voice = open();
        let settings = Settings {
            voice: "pt-br+nobody".to_owned(),
            ..Settings::default()
        };
        match voice.speak("oi", &settings) {
            Err(VoiceError::Unavailable { remedy, .. }) => {
                assert!(remedy.contains("f4"), "{remedy}")
            }
            other => panic!("{other:?}"),
        }
        assert!(
            voice
                .speak(
                    "oi",
                    &Settings {
                        voice: "klingon".to_owned(),
                        ..Settings::default()
                    }
                )
                .is_err()
        );
        assert!(voice.speak(" … ", &Settings::default()).is_err());
        assert!(
            voice
                .speak(&"a ".repeat(6_000), &Settings::default())
                .is_err()
        );
        assert!(
            voice
                .speak("fim\0 do texto \u{1f600} \u{202e}", &Settings::default())
                .is_ok()
        );
    }

    /// The Portuguese rules switch to English and German for parts of words; their dictionaries have to be in the box.
    #[test]
    fn foreign_names_do_not_end_the_process() {
        let voice = open();
        for name in [
            "Michael",
            "Matheus",
            "Feuerbach",
            "Trump",
            "show",
            "marketing",
            "Session",
            "ight",
            "Strauß",
            "Йосиф",
            "김",
        ] {
            let _ = voice.speak(name, &Settings::default());
        }
    }

    #[test]
    fn random_text_does_not_end_the_process() {
        let voice = open();
        let mut runner = TestRunner::new(Config {
            cases: 150,
            failure_persistence: None,
            ..Config::default()
        });
        let text = prop_oneof![
            "\\PC{0,40}",
            "[a-zA-Zà-ÿ0-9 .,;:!?'\"()@$%&/+*<>\\[\\]{}_^|~-]{0,60}"
        ];
        let outcome = runner.run(&text, |text| {
            let _ = voice.speak(&text, &Settings::default());
            let _ = voice.phonemes(&text, "pt-br");
            Ok(())
        });
        assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn many_calls_share_one_library() {
        let voice = open();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let voice = voice.clone();
                scope.spawn(move || {
                    for _ in 0..5 {
                        let manner = Manner {
                            voice: format!("pt-br+m{}", n % 7 + 1),
                            rate: 120 + 20 * n,
                            ..Manner::default()
                        };
                        assert!(
                            !voice
                                .speak_raw(SENTENCE, &manner)
                                .expect("speaks")
                                .is_empty()
                        );
                    }
                });
            }
        });
    }
}

#[cfg(feature = "piper")]
mod piper {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use combinado::media::level;
    use combinado::mouth::tts::espeak::Espeak;
    use combinado::mouth::tts::piper::Piper;
    use combinado::mouth::tts::{Chain, Settings, Voice, VoiceError};

    fn model() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/voice.onnx")
    }

    fn espeak() -> Espeak {
        Espeak::open(None).expect("the voice in the box opens")
    }

    /// With ONNX Runtime installed it speaks; without, it says so at once and tells what to do.
    #[test]
    fn a_voice_speaks_or_tells_what_is_missing() {
        let piper = match Piper::open(&model(), None, espeak()) {
            Ok(piper) => piper,
            Err(VoiceError::Unavailable { reason, remedy, .. }) => {
                assert!(remedy.contains("ORT_DYLIB_PATH"), "{reason}");
                eprintln!("ONNX Runtime is not installed: only its absence was tested");
                return;
            }
            Err(other) => panic!("{other}"),
        };
        let text = "Bom dia, dona Maria. Podemos conversar?";
        let speech = piper.speak(text, &Settings::default()).expect("speaks");
        let level = level::active_dbov(&speech).expect("sounds");
        assert!((level - level::TARGET_DBOV).abs() < 2.0, "{level}");
        assert!(level::peak(&speech) < 0.95);
        let fast = piper
            .speak(
                text,
                &Settings {
                    rate: 240,
                    ..Settings::default()
                },
            )
            .expect("speaks");
        assert!(fast.len() < speech.len(), "{} {}", fast.len(), speech.len());
        assert!(piper.speak("...", &Settings::default()).is_err());
    }

    #[test]
    fn a_missing_model_or_library_is_an_error_with_a_remedy() {
        let nowhere = Piper::open(Path::new("/nowhere/voice.onnx"), None, espeak())
            .err()
            .expect("no model");
        assert!(nowhere.to_string().contains("models add"), "{nowhere}");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let wrong = directory.path().join("wrong.onnx");
        std::fs::write(&wrong, b"no graph").expect("writable");
        std::fs::copy(
            model().with_extension("onnx.json"),
            directory.path().join("wrong.onnx.json"),
        )
        .expect("writable");
        assert!(matches!(
            Piper::open(&wrong, None, espeak()),
            Err(VoiceError::Unavailable { .. })
        ));
    }

    /// What a server does when Piper is configured and not there: it speaks all the same.
    #[test]
    fn the_chain_speaks_without_piper() {
        let missing = Piper::open(
            &model(),
            Some(Path::new("/nowhere/libonnxruntime.so")),
            espeak(),
        );
        let mut voices: Vec<Arc<dyn Voice>> = Vec::new();
        if let Ok(piper) = missing {
            voices.push(Arc::new(piper));
        }
        voices.push(Arc::new(espeak()));
        assert!(
            Chain::new(voices)
                .speak("bom dia", &Settings::default())
                .is_ok()
        );
    }
}
