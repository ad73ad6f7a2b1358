//! The worker that empties the outbox.
#![expect(
    clippy::disallowed_methods,
    reason = "the worker runs by the clock: repeats are due at an hour"
)]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand::RngExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Answer, Found, Letter, Sender};
use crate::ledger::{Claim, Ledger, LedgerError, Outcome};

/// How the worker goes about it. The defaults suit a provider of text messages.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Letters under way at once.
    pub parallel: usize,
    /// How often it looks for letters that nobody rang for: repeats, and those of other servers.
    pub look_every: Duration,
    /// How long a claim holds. Must exceed twice the sender's longest wait, or slow answers count as lost.
    pub lease: Duration,
    /// First wait before another attempt; it doubles, with jitter, up to `longest_wait`.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// How long a letter of unknown fate rests before the provider is asked: its lists lag behind.
    pub settle: Duration,
    pub max_attempts: u32,
    /// How long letters under way may take when the worker is asked to stop.
    pub farewell: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            parallel: 8,
            look_every: Duration::from_secs(1),
            lease: Duration::from_secs(60),
            first_wait: Duration::from_secs(2),
            longest_wait: Duration::from_secs(600),
            settle: Duration::from_secs(15),
            max_attempts: 10,
            farewell: Duration::from_secs(20),
        }
    }
}

/// Something came of a letter. Shown to operators; names no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub message: uuid::Uuid,
    pub call: Option<crate::base::CallId>,
    pub outcome: Outcome,
}

/// Who is told what came of each letter.
type Told = dyn Fn(&Settled) + Send + Sync;

/// Takes letters from the ledger and hands them to one sender.
#[derive(Clone)]
pub struct Outbox {
    ledger: Ledger,
    sender: Arc<dyn Sender>,
    pace: Pace,
    told: Option<Arc<Told>>,
}

impl Outbox {
    pub fn new(ledger: Ledger, sender: Arc<dyn Sender>, pace: Pace) -> Self {
        Self {
            ledger,
            sender,
            pace,
            told: None,
        }
    }

    /// Calls `told` after each letter was marked, so that a page or a log can show it.
    #[must_use]
    pub fn telling(mut self, told: impl Fn(&Settled) + Send + Sync + 'static) -> Self {
        self.told = Some(Arc::new(told));
        self
    }

    /// Works until `stop`, then lets the letters under way be marked.
    pub async fn run(self, stop: CancellationToken) {
        let mut under_way = JoinSet::new();
        while !stop.is_cancelled() {
            while under_way.len() < self.pace.parallel
                && let Some(claim) = self.claim().await
            {
                let outbox = self.clone();
                under_way.spawn(async move { outbox.deliver(claim).await });
            }
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = under_way.join_next() => {}
                () = self.ledger.queued().notified(), if under_way.len() < self.pace.parallel => {}
                () = tokio::time::sleep(self.pace.look_every) => {}
            }
        }
        let all = async { while under_way.join_next().await.is_some() {} };
        // What is not finished by then stays `sending` and is looked up after the next start.
        let _ = tokio::time::timeout(self.pace.farewell, all).await;
    }

    /// Sends one letter that is due, if there is one. `false`: there was none.
    pub async fn step(&self) -> bool {
        match self.claim().await {
            Some(claim) => {
                self.deliver(claim).await;
                true
            }
            None => false,
        }
    }

    async fn claim(&self) -> Option<Claim> {
        let claimed = self
            .ledger
            .claim_message(self.sender.channel(), Timestamp::now(), self.pace.lease)
            .await;
        claimed.unwrap_or_else(|error| {
            warn(&error);
            None
        })
    }

    async fn deliver(&self, claim: Claim) {
        let outcome = match self.attempt(&claim).await {
            Ok(outcome) => outcome,
            // The lease will end, and whoever claims it then looks it up first.
            Err(error) => return warn(&error),
        };
        if let Err(error) = self
            .ledger
            .settle_message(&claim, &outcome, Timestamp::now())
            .await
        {
            return warn(&error);
        }
        if let Some(told) = &self.told {
            told(&Settled {
                message: claim.id,
                call: claim.call,
                outcome,
            });
        }
    }

    async fn attempt(&self, claim: &Claim) -> Result<Outcome, LedgerError> {
        let half = self.pace.lease / 2;
        let twins = if claim.doubtful {
            self.ledger.twins_of(claim).await?
        } else {
            Vec::new()
        };
        let letter = Letter {
            id: claim.id,
            to: claim.to.clone(),
            text: claim.text.clone(),
            tried_at: claim.tried_at,
            twins,
        };
        if claim.doubtful {
            // Look-up and attempt get half a lease each: whoever is slower has lost the letter to another worker.
            let found = tokio::time::timeout(half, self.sender.find(&letter)).await;
            match found.unwrap_or(Found::Unavailable {
                error: "timeout".to_owned(),
            }) {
                Found::There { provider_id } => return Ok(Outcome::Sent { provider_id }),
                Found::Unavailable { error } => return Ok(self.unknown(claim, error)),
                Found::Nothing if claim.attempt > self.pace.max_attempts => {
                    return Ok(Outcome::Failed {
                        error: "attempts_exhausted".to_owned(),
                    });
                }
                Found::Nothing => {}
            }
        }
        let answer = tokio::time::timeout(half, self.sender.send(&letter)).await;
        Ok(self.judge(
            claim,
            answer.unwrap_or(Answer::Unknown {
                error: "timeout".to_owned(),
            }),
        ))
    }

    fn judge(&self, claim: &Claim, answer: Answer) -> Outcome {
        match answer {
            Answer::Taken { provider_id } => Outcome::Sent { provider_id },
            Answer::Never { error } => Outcome::Failed { error },
            Answer::Later { error, .. } if claim.attempt >= self.pace.max_attempts => {
                Outcome::Failed { error }
            }
            Answer::Later { error, after } => {
                let wait = self.wait(claim.attempt).max(after.unwrap_or_default());
                Outcome::Again {
                    error,
                    at: later(wait),
                }
            }
            Answer::Unknown { error } => self.unknown(claim, error),
        }
    }

    /// Nobody knows. After the last attempt it is asked about a few times more, but never sent again.
    fn unknown(&self, claim: &Claim, error: String) -> Outcome {
        if claim.attempt >= self.pace.max_attempts.saturating_mul(2) {
            return Outcome::Failed {
                error: "unconfirmed".to_owned(),
            };
        }
        Outcome::Unknown {
            error,
            at: later(self.wait(claim.attempt).max(self.pace.settle)),
        }
    }

    /// Doubles with each attempt; the jitter keeps many letters from coming back at once.
    fn wait(&self, attempt: u32) -> Duration {
        let doubled = self
            .pace
            .first_wait
            .saturating_mul(1 << attempt.saturating_sub(1).min(16));
        doubled
            .min(self.pace.longest_wait)
            .mul_f64(rand::rng().random_range(0.75..1.25))
    }
}

fn later(wait: Duration) -> Timestamp {
    Timestamp::now().checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn warn(error: &LedgerError) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(%error, cause, "outbox");
}
