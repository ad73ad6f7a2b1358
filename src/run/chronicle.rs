//! Writes down what a call tells, in order, without holding the call up.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::exchange::Shared;
use crate::base::CallId;
use crate::call::{Event, Span};
use crate::desk::LiveEvent;
use crate::ear::amd::{Answer, Verdict};
use crate::ledger::{CallEnd, CallTimes, Latency, Milestone, TurnRow, Who};
use crate::wire::Quality;

/// Events of one call that may wait for the database.
const WAITING: usize = 1_024;

/// Clauses whose fate is kept with a call: more than six minutes of them.
const CLAUSES: usize = 600;

enum Note {
    Event(Box<Event>, Duration),
    Close {
        quality: Quality,
        done: oneshot::Sender<()>,
    },
}

/// The pen of one call.
pub struct Chronicle {
    notes: mpsc::Sender<Note>,
}

impl Chronicle {
    pub fn open(call: CallId, answered: Timestamp, shared: Arc<Shared>) -> Self {
        let (notes, inbox) = mpsc::channel(WAITING);
        let writer = Writer {
            call,
            answered,
            shared,
            turns: 0,
            ended: None,
            clauses: Vec::new(),
            answered_by: Vec::new(),
        };
        tokio::spawn(writer.run(inbox));
        Self { notes }
    }

    /// Notes an event. A call that tells a thousand events ahead of the database has lost its mind, or the database has.
    /// `deciding` is how long the core took to end the caller's last turn.
    pub fn tell(&self, event: Event, deciding: Duration) {
        let note = Note::Event(Box::new(event), deciding);
        if self.notes.try_send(note).is_err() {
            crate::telemetry::EventLost.emit();
        }
    }

    /// Writes the end of the call, and waits until everything is written.
    pub async fn close(&self, quality: Quality) {
        let (done, closed) = oneshot::channel();
        if self.notes.send(Note::Close { quality, done }).await.is_ok() {
            let _ = closed.await;
        }
    }
}

struct Writer {
    call: CallId,
    answered: Timestamp,
    shared: Arc<Shared>,
    turns: u32,
    ended: Option<(String, Vec<String>, u64)>,
    /// What became of every clause, and who answered.
    clauses: Vec<Span>,
    answered_by: Vec<Verdict>,
}

impl Writer {
    async fn run(mut self, mut inbox: mpsc::Receiver<Note>) {
        while let Some(note) = inbox.recv().await {
            match note {
                Note::Event(event, deciding) => self.write(*event, deciding).await,
                Note::Close { quality, done } => {
                    self.close(quality).await;
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    async fn write(&mut self, event: Event, deciding: Duration) {
        let call = self.call;
        let _ = self.shared.events.send((call, event.clone()));
        match event {
            Event::Saying { state, text, .. } => {
                self.show(LiveEvent::State { call, state });
                self.show(LiveEvent::Partial {
                    call,
                    who: Who::Agent,
                    text,
                });
            }
            Event::Said {
                state,
                text,
                t0_ms,
                t1_ms,
                cut,
                latency,
            } => {
                let latency = latency.map(|split| Latency {
                    total_ms: short(split.total_ms),
                    endpoint_ms: Some(short(split.endpoint_ms)),
                    // The recogniser works while the caller is silent; its last look and the decision are one step.
                    recognise_ms: None,
                    decide_ms: Some(short(deciding.as_millis() as u64)),
                    speak_ms: Some(short(split.voice_ms)),
                });
                if let Some(split) = &latency {
                    crate::telemetry::TurnAnswered {
                        total_ms: split.total_ms,
                        endpoint_ms: split.endpoint_ms.unwrap_or_default(),
                        decide_us: deciding.as_micros() as u64,
                        voice_ms: split.speak_ms.unwrap_or_default(),
                    }
                    .emit();
                }
                let text = if cut { format!("{text} […]") } else { text };
                self.turn(TurnRow {
                    call,
                    n: 0,
                    who: Who::Agent,
                    state,
                    text,
                    meaning: None,
                    confidence: None,
                    t0_ms,
                    t1_ms,
                    latency,
                })
                .await;
            }
            Event::Heard(heard) => {
                if self.turns == 0 || heard.t0_ms > 0 {
                    self.milestone(Milestone::Spoke, heard.t0_ms).await;
                }
                let (confidence, meaning) = (Some(heard.confidence), heard.intent);
                let (state, text, t0_ms, t1_ms) =
                    (heard.state, heard.text, heard.t0_ms, heard.t1_ms);
                self.turn(TurnRow {
                    call,
                    n: 0,
                    who: Who::Debtor,
                    state,
                    text,
                    meaning,
                    confidence,
                    t0_ms,
                    t1_ms,
                    latency: None,
                })
                .await;
            }
            Event::Silent { state, at_ms } => {
                let text = "(silêncio)".to_owned();
                self.turn(TurnRow {
                    call,
                    n: 0,
                    who: Who::System,
                    state,
                    text,
                    meaning: None,
                    confidence: None,
                    t0_ms: at_ms,
                    t1_ms: at_ms,
                    latency: None,
                })
                .await;
            }
            Event::Clause(span) => {
                if self.clauses.len() < CLAUSES {
                    self.clauses.push(span);
                }
            }
            Event::Answered(verdict) => self.answered(verdict).await,
            Event::Verified { at_ms } => self.milestone(Milestone::RightParty, at_ms).await,
            Event::Offered { at_ms } => self.milestone(Milestone::Offered, at_ms).await,
            Event::Agreed { at_ms } => self.milestone(Milestone::Closed, at_ms).await,
            Event::Ended {
                disposition,
                secondary,
                at_ms,
                by: _,
            } => self.ended = Some((disposition, secondary, at_ms)),
        }
    }

    /// Who answered stands in the transcript, and why it was taken for that in the notes of the call.
    async fn answered(&mut self, verdict: Verdict) {
        let kind = serde_json::to_value(verdict.answer)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default();
        self.turn(TurnRow {
            call: self.call,
            n: 0,
            who: Who::System,
            state: "atende".to_owned(),
            text: format!("(quem atende: {})", in_portuguese(verdict.answer)),
            meaning: Some(kind),
            confidence: Some(verdict.confidence),
            t0_ms: verdict.at_ms,
            t1_ms: verdict.at_ms,
            latency: None,
        })
        .await;
        self.answered_by.push(verdict);
    }

    async fn turn(&mut self, mut row: TurnRow) {
        self.turns += 1;
        row.n = self.turns;
        self.report(self.shared.ledger.add_turn(&row).await);
        self.show(LiveEvent::Turn { turn: row });
    }

    async fn milestone(&self, milestone: Milestone, at_ms: u64) {
        self.report(
            self.shared
                .ledger
                .milestone(self.call, milestone, self.at(at_ms))
                .await,
        );
    }

    async fn close(&mut self, quality: Quality) {
        let recording = self.shared.recorder.close(self.call).await;
        let (disposition, secondary, at_ms) = self
            .ended
            .take()
            .unwrap_or_else(|| ("ERRO_TECNICO".into(), Vec::new(), 0));
        let end = CallEnd {
            call: self.call,
            disposition: disposition.clone(),
            secondary,
            reason: None,
            times: CallTimes {
                answered_at: Some(self.answered),
                ..CallTimes::default()
            },
            ended_at: self.at(at_ms),
            tabulated_at: self.at(at_ms),
            notes: serde_json::json!({
                "frames_received": quality.frames_received,
                "frames_sent": quality.frames_sent,
                "frames_lost": quality.frames_lost,
                "jitter_ms": quality.jitter_ms,
                "malformed": quality.malformed,
                "answered_by": self.answered_by,
                "clauses": self.clauses,
            }),
            recording,
        };
        self.report(self.shared.ledger.end_call(&end).await.map(|_| ()));
        self.show(LiveEvent::Ended {
            call: self.call,
            disposition,
        });
    }

    fn at(&self, ms: u64) -> Timestamp {
        let offset = SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX / 2));
        self.answered.checked_add(offset).unwrap_or(self.answered)
    }

    fn show(&self, event: LiveEvent) {
        // Nobody may be looking.
        let _ = self.shared.live.send(event);
    }

    fn report(&self, outcome: Result<(), crate::ledger::LedgerError>) {
        if let Err(error) = outcome {
            crate::telemetry::LedgerFailed { error: &error }.emit();
        }
    }
}

const fn in_portuguese(answer: Answer) -> &'static str {
    match answer {
        Answer::Person => "pessoa",
        Answer::NotSure => "não se sabe; tratado como pessoa",
        Answer::Voicemail => "caixa postal",
        Answer::Screening => "triagem do aparelho",
        Answer::Pbx => "URA",
        Answer::NoSuchNumber => "mensagem da operadora: número inexistente",
        Answer::Unreachable => "mensagem da operadora: fora de área",
        Answer::Unavailable => "sinal ou mensagem da operadora: indisponível",
        Answer::Fax => "fax ou modem",
        Answer::Silence => "silêncio",
    }
}

fn short(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}
