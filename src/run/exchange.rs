//! Takes the calls of all wires: finds out who is calling, and sets a line up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parking_lot::RwLock;
use tokio::sync::{broadcast, watch};
use tracing::Instrument;
use uuid::Uuid;

use super::chronicle::Chronicle;
use super::kit::Kit;
use super::line::Line;
use super::opinion::SecondOpinion;
use super::recorder::{LogHeader, Recorder};
use super::voices::Voices;
use crate::base::{CallId, Phone};
use crate::call::{Call, Event};
use crate::config::Config;
use crate::desk::LiveEvent;
use crate::language::verbalise;
use crate::ledger::{CallStart, DebtorRow, Direction, Ledger};
use crate::mind::debt::Debtor;
use crate::mind::dialogue::Brief;
use crate::mind::policy::Policy;
use crate::mind::verified::Sealed;
use crate::wire::{Incoming, Leg, Switchboard};

/// The parameter that tells calls we made (`outbound`) from those we take; the wire hands it back to us.
const DIRECTION: &str = "direction";

/// What all calls of a server share.
pub struct Shared {
    pub config: Config,
    pub kit: KitCell,
    pub ledger: Ledger,
    pub voices: Voices,
    /// Who writes down what was not understood, where a model for it is configured.
    pub opinion: Option<SecondOpinion>,
    pub recorder: Recorder,
    pub live: broadcast::Sender<LiveEvent>,
    /// Everything that calls tell, for the demonstration and for tests.
    pub events: broadcast::Sender<(CallId, Event)>,
    pub active: AtomicUsize,
    /// Set while running calls may finish and new ones are refused.
    pub draining: Arc<AtomicBool>,
    /// Whether everything is compiled that a call would wait for otherwise.
    pub warm: watch::Sender<bool>,
}

/// The kit of new calls. The script may be replaced while calls go on; a call keeps the one it began with.
pub struct KitCell(RwLock<Arc<Kit>>);

impl KitCell {
    pub fn new(kit: Arc<Kit>) -> Self {
        Self(RwLock::new(kit))
    }

    pub fn now(&self) -> Arc<Kit> {
        self.0.read().clone()
    }

    pub fn replace(&self, kit: Arc<Kit>) {
        *self.0.write() = kit;
    }
}

/// The switchboard of a server.
pub struct Exchange {
    shared: Arc<Shared>,
    runtime: tokio::runtime::Handle,
}

impl Exchange {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            runtime: tokio::runtime::Handle::current(),
        }
    }
}

impl Switchboard for Exchange {
    fn admits(&self, _incoming: &Incoming) -> bool {
        !self.shared.draining.load(Ordering::Relaxed)
            && self.shared.active.load(Ordering::Relaxed) < self.shared.config.limits.calls
    }

    fn connect(&self, incoming: Incoming, leg: Box<dyn Leg>) {
        let shared = self.shared.clone();
        let id = CallId(Uuid::now_v7());
        let span = tracing::info_span!("call", %id, wire = %incoming.wire);
        self.runtime.spawn(
            async move {
                let held = Held::take(&shared);
                shared.serve(id, incoming, leg).await;
                drop(held);
            }
            .instrument(span),
        );
    }
}

/// One of the calls that may go on at a time; given back however the call ends.
struct Held(Arc<Shared>);

impl Held {
    fn take(shared: &Arc<Shared>) -> Self {
        shared.active.fetch_add(1, Ordering::Relaxed);
        Self(shared.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    #[expect(
        clippy::disallowed_methods,
        reason = "the moment of the answer is read from the clock once, here"
    )]
    async fn serve(self: Arc<Self>, id: CallId, incoming: Incoming, mut leg: Box<dyn Leg>) {
        let answered = Timestamp::now();
        let kit = self.kit.now();
        let Some(debtor) = self.find_debtor(&incoming).await else {
            crate::telemetry::CallRefused {
                code: "caller.unknown",
            }
            .emit();
            leg.hang_up();
            return;
        };
        let wire = leg.capabilities();
        let in_flight = wire.in_flight_ms;
        let outbound = incoming
            .parameters
            .get(DIRECTION)
            .is_some_and(|value| value == "outbound");
        let brief = Brief {
            outbound,
            ..brief_for(id, &debtor, &kit.policy, &self.config, answered)
        };
        let start = CallStart {
            id,
            wire: incoming.wire.to_string(),
            direction: if outbound {
                Direction::Outbound
            } else {
                Direction::Inbound
            },
            from: incoming.from.clone(),
            to: incoming.to.clone(),
            debtor: Some(debtor.id),
            script: kit.script.script.name.clone(),
            script_version: kit.version.clone(),
            started_at: answered,
            input_log: Some(self.recorder.log_path(id).to_string_lossy().into_owned()),
        };
        if let Err(error) = self.ledger.begin_call(&start).await {
            // A call that cannot be written down is not held: nothing said in it could be proved.
            crate::telemetry::LedgerFailed { error: &error }.emit();
            leg.hang_up();
            return;
        }
        self.recorder.open(
            id,
            LogHeader {
                brief: brief.clone(),
                kit: kit.version.clone(),
                in_flight_ms: in_flight,
                marks: wire.marks,
                transcriber: self.opinion.is_some(),
            },
        );
        let chronicle = Chronicle::open(id, answered, self.clone());
        // Nobody may be watching.
        let _ = self.live.send(LiveEvent::Started {
            call: id,
            wire: incoming.wire.to_string(),
            at: answered,
        });
        crate::telemetry::CallBegan.emit();
        let mut call = Call::new(
            kit.script.clone(),
            kit.graphs.clone(),
            brief,
            Duration::from_millis(in_flight.into()),
        );
        if wire.marks {
            call = call.confirmed_by_wire();
        }
        if self.opinion.is_some() {
            call = call.with_transcriber();
        }
        Line::new(id, call, leg, self.clone(), chronicle)
            .run()
            .await;
        crate::telemetry::CallEnded.emit();
    }

    /// By the number that calls, by a debtor named in the wire's parameters, or, on trial, the one configured.
    async fn find_debtor(&self, incoming: &Incoming) -> Option<Debtor> {
        for number in [&incoming.from, &incoming.to] {
            if let Ok(phone) = Phone::parse(number)
                && let Ok(Some(row)) = self.ledger.debtor_by_phone(&phone.e164()).await
            {
                return row.parse().ok();
            }
        }
        let cpf = incoming
            .parameters
            .get("cpf")
            .or(self.config.agent.unknown_callers.as_ref())?;
        let rows: Vec<DebtorRow> = self.ledger.debtors_by_cpf(cpf).await.ok()?;
        rows.first()?.parse().ok()
    }
}

/// What a conversation with this debtor knows when it begins.
pub fn brief_for(
    call: CallId,
    debtor: &Debtor,
    policy: &Policy,
    config: &Config,
    at: Timestamp,
) -> Brief {
    let zone =
        TimeZone::get(debtor.uf.time_zone()).unwrap_or_else(|_| config.agent.time_zone.clone());
    let local = at.to_zoned(zone);
    let destination = debtor
        .phones
        .first()
        .map(|phone| verbalise::destination(*phone))
        .unwrap_or_default();
    Brief {
        call,
        protocol: protocol(call),
        today: local.date(),
        hour: local.hour(),
        name: debtor.spoken_name(),
        cpf_start: debtor.cpf.first_three(),
        birth: debtor.birth.map(|birth| (birth.day(), birth.month())),
        uf: debtor.uf,
        has_email: debtor.email.is_some(),
        marca: debtor.creditor.brand.clone(),
        official_phone: debtor.creditor.official_phone.clone(),
        official_channel: debtor.creditor.official_channel.clone(),
        staffed: config.agent.staffed,
        destination,
        account: Sealed::new(debtor.clone()),
        policy: policy.clone(),
        outbound: false,
    }
}

/// Eight digits to quote, from the call's own number.
fn protocol(call: CallId) -> String {
    let (_, low) = call.0.as_u64_pair();
    format!("{:08}", low % 100_000_000)
}
