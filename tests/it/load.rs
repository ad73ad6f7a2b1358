//! The measuring callers against an agent that answers by the clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use combinado::media::{FRAME, Frame, SILENCE};
use combinado::sim::load::{Asked, Load, LoadReport, Span, run_load};
use combinado::sim::repertoire::Repertoire;
use combinado::wire::twilio::{TwilioSettings, router};
use combinado::wire::{Incoming, Leg, LegEvent, Switchboard};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

use crate::wires::with_sockets;

const VOICE: Frame = [4_000; FRAME];
const TICK: Duration = Duration::from_millis(20);

/// Says prompts of 400 ms, and answers 100 ms after the caller was quiet.
struct Clockwork;

impl Switchboard for Clockwork {
    fn admits(&self, _: &Incoming) -> bool {
        true
    }

    fn connect(&self, _: Incoming, leg: Box<dyn Leg>) {
        tokio::spawn(talk(leg));
    }
}

async fn talk(mut leg: Box<dyn Leg>) {
    let born = Instant::now();
    let (mut speaks_until, mut last_loud) = (20, None);
    for tick in 0.. {
        sleep_until(born + TICK * tick).await;
        if leg.pull() != SILENCE {
            last_loud = Some(tick);
        }
        if last_loud.is_some_and(|heard| tick >= heard + 5) {
            (speaks_until, last_loud) = (tick + 20, None);
        }
        leg.push(if tick < speaks_until {
            &VOICE
        } else {
            &SILENCE
        });
        if matches!(leg.poll_event(), Some(LegEvent::HungUp(_))) {
            return;
        }
    }
}

/// Two callers for two seconds: what they report is what the agent does, and the spans come in order.
#[test]
fn load_is_measured_from_the_callers_ear() {
    with_sockets(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            axum::serve(
                listener,
                router(TwilioSettings::default(), Arc::new(Clockwork)),
            )
            .await
        });
        let load = Load {
            url: format!("ws://{addr}/twilio/media"),
            concurrent: 2,
            warm_up: Duration::from_millis(100),
            settle: Duration::from_millis(20),
            measured: Duration::from_secs(3),
            repertoire: Repertoire::of_one(VOICE.repeat(10), true),
            asked: Asked::default(),
        };
        let told: Mutex<Vec<(Span, Option<LoadReport>)>> = Mutex::default();
        run_load(&load, |span, report| {
            told.lock().expect("whole").push((span, report.cloned()))
        })
        .await;
        let told = told.into_inner().expect("whole");
        let spans: Vec<Span> = told.iter().map(|(span, _)| *span).collect();
        assert_eq!(
            spans,
            [Span::Warm, Span::Connected, Span::Ending, Span::Ending]
        );
        let report = told[3].1.clone().expect("a report at the end");
        assert_eq!((report.connected, report.failed), (2, 0));
        assert!(report.call_seconds > 4.0, "{report:?}");
        assert!(
            report.response_ms.n >= 2 && report.response_ms.p50 >= 100,
            "{report:?}"
        );
    });
}
