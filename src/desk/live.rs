//! Calls as they happen, pushed to the pages as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::Desk;
use super::pages::PageError;
use crate::base::{CallId, Centavos};
use crate::ledger::{MessageState, TurnRow, Who};

/// Something happened in a call. Sent to whoever watches; nobody has to.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LiveEvent {
    Started {
        call: CallId,
        wire: String,
        at: Timestamp,
    },
    /// The script moved on.
    State {
        call: CallId,
        state: String,
    },
    /// What has been understood of a sentence that is still being spoken.
    Partial {
        call: CallId,
        who: Who,
        text: String,
    },
    /// A turn is over, as the ledger has it.
    Turn {
        turn: TurnRow,
    },
    Agreement {
        call: CallId,
        total_centavos: Centavos,
        instalments: u32,
    },
    Message {
        call: CallId,
        state: MessageState,
    },
    Ended {
        call: CallId,
        disposition: String,
    },
}

impl LiveEvent {
    pub const fn call(&self) -> CallId {
        match self {
            Self::Started { call, .. }
            | Self::State { call, .. }
            | Self::Partial { call, .. }
            | Self::Agreement { call, .. }
            | Self::Message { call, .. }
            | Self::Ended { call, .. } => *call,
            Self::Turn { turn } => turn.call,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::State { .. } => "state",
            Self::Partial { .. } => "partial",
            Self::Turn { .. } => "turn",
            Self::Agreement { .. } => "agreement",
            Self::Message { .. } => "message_state",
            Self::Ended { .. } => "ended",
        }
    }

    fn event(&self) -> Event {
        Event::default()
            .event(self.name())
            .json_data(self)
            .unwrap_or_default()
    }
}

/// Speech is personal data: the name and the call only.
impl std::fmt::Debug for LiveEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(self.name())
            .field("call", &self.call())
            .finish_non_exhaustive()
    }
}

/// The transcript of one call: the turns there are, then each new one, until the call ends.
pub(super) async fn call(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let call: CallId = id.parse().map_err(|_| PageError::NotFound)?;
    // Watching before reading: a turn may come twice, which the page sees by its number, but none is missed.
    let events = desk.live.subscribe();
    let record = desk.ledger.call(call).await?.ok_or(PageError::NotFound)?;
    let mut backlog: VecDeque<LiveEvent> = record
        .turns
        .into_iter()
        .map(|turn| LiveEvent::Turn { turn })
        .collect();
    if let Some(disposition) = record.summary.disposition {
        backlog.push_back(LiveEvent::Ended { call, disposition });
    }
    Ok(stream(Watch {
        backlog,
        events,
        call: Some(call),
        over: false,
    }))
}

/// That something changed in the list of calls.
pub(super) async fn all(State(desk): State<Arc<Desk>>) -> Response {
    stream(Watch {
        backlog: VecDeque::new(),
        events: desk.live.subscribe(),
        call: None,
        over: false,
    })
}

struct Watch {
    backlog: VecDeque<LiveEvent>,
    events: Receiver<LiveEvent>,
    /// None watches the list: beginnings, agreements and ends of all calls.
    call: Option<CallId>,
    over: bool,
}

impl Watch {
    async fn next(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        loop {
            let event = match self.backlog.pop_front() {
                Some(event) => event,
                None => match self.events.recv().await {
                    Ok(event) => event,
                    // This watcher was too slow; the page reads itself again.
                    Err(RecvError::Lagged(_)) => {
                        return Some(Event::default().event("reload").data("{}"));
                    }
                    Err(RecvError::Closed) => return None,
                },
            };
            if self.wants(&event) {
                self.over = self.call.is_some() && matches!(event, LiveEvent::Ended { .. });
                return Some(event.event());
            }
        }
    }

    fn wants(&self, event: &LiveEvent) -> bool {
        match self.call {
            Some(call) => event.call() == call,
            None => matches!(
                event,
                LiveEvent::Started { .. } | LiveEvent::Agreement { .. } | LiveEvent::Ended { .. }
            ),
        }
    }
}

fn stream(watch: Watch) -> Response {
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    Sse::new(events(watch))
        .keep_alive(keep_alive)
        .into_response()
}

fn events(watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> {
    futures_util::stream::unfold(watch, async |mut watch| {
        watch.next().await.map(|event| (Ok(event), watch))
    })
}
