//! What supervisors and operators see: pages, an API, and whether the server is well.
//!
//! Everything is rendered here, from the ledger; the pages work without JavaScript and take nothing from elsewhere.

mod api;
mod live;
mod pages;
mod recording;
mod view;
mod wave;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use subtle::ConstantTimeEq;
use tokio::sync::{broadcast, watch};

use crate::ledger::{Ledger, LedgerError, MessageState};

pub use live::LiveEvent;

/// Only what we serve ourselves: no script, style or picture of others, and no page that frames ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Who may see the pages and ask the API.
#[derive(Clone)]
pub enum Access {
    /// Everyone who reaches the port: right only where that is this machine.
    Open,
    /// Whoever knows this password; any user name goes with it (HTTP Basic).
    Password(String),
}

/// What the pages are made from.
#[derive(Clone)]
pub struct Desk {
    pub ledger: Ledger,
    /// What happens in the calls that are going on.
    pub live: broadcast::Sender<LiveEvent>,
    /// Days and hours are shown in this zone.
    pub zone: TimeZone,
    /// The folder to which the paths of recordings are relative.
    pub recordings: PathBuf,
    pub access: Access,
    /// Set while the server lets its calls finish and takes no more.
    pub draining: Arc<AtomicBool>,
    /// Whether a new call would find everything compiled.
    pub warm: watch::Receiver<bool>,
    /// More lines for `/metrics`, in Prometheus' text format.
    pub more_metrics: Option<Arc<dyn Fn() -> String + Send + Sync>>,
}

impl Desk {
    /// Everything open, in São Paulo's time.
    pub fn new(ledger: Ledger, recordings: PathBuf) -> Self {
        Self {
            ledger,
            live: broadcast::Sender::new(1_024),
            zone: TimeZone::get("America/Sao_Paulo").unwrap_or(TimeZone::UTC),
            recordings,
            access: Access::Open,
            draining: Arc::default(),
            warm: watch::Sender::new(true).subscribe(),
            more_metrics: None,
        }
    }
}

/// `/desk/…` (and `/`, which leads there), `/api/v1/…`, `/livez`, `/readyz` and `/metrics`.
pub fn router(desk: Desk) -> Router {
    let desk = Arc::new(desk);
    let console = async || Redirect::to("/desk/chamadas");
    let seen = Router::new()
        .route("/", get(console))
        .route("/desk/", get(console))
        .nest("/desk", pages::routes())
        .nest("/api/v1", api::routes())
        .layer(from_fn_with_state(desk.clone(), admit));
    let health = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics));
    seen.merge(health)
        .layer(map_response(harden))
        .with_state(desk)
}

/// Lets in who may see the pages.
async fn admit(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let known = match &desk.access {
        Access::Open => true,
        Access::Password(password) => {
            given(request.headers()).is_some_and(|given| same(&given, password))
        }
    };
    if known {
        return next.run(request).await;
    }
    let challenge = [(
        header::WWW_AUTHENTICATE,
        "Basic realm=\"combinado\", charset=\"UTF-8\"",
    )];
    (
        StatusCode::UNAUTHORIZED,
        challenge,
        "É preciso entrar com a senha do console.\n",
    )
        .into_response()
}

/// The password of an `Authorization: Basic` header.
fn given(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    decoded
        .split_once(':')
        .map(|(_, password)| password.to_owned())
}

fn same(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    // Pages hold personal data: no copy may stay in a shared machine's cache.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn readiness(State(desk): State<Arc<Desk>>) -> Response {
    if desk.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    if !*desk.warm.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "warming\n").into_response();
    }
    match tokio::time::timeout(Duration::from_secs(2), desk.ledger.ping()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "database\n").into_response(),
    }
}

async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    match ledger_metrics(&desk.ledger).await {
        Ok(mut text) => {
            text.push_str(
                &desk
                    .more_metrics
                    .as_ref()
                    .map(|more| more())
                    .unwrap_or_default(),
            );
            (
                [(
                    header::CONTENT_TYPE,
                    "text/plain; version=0.0.4; charset=utf-8",
                )],
                text,
            )
                .into_response()
        }
        Err(error) => {
            log(&error);
            (StatusCode::SERVICE_UNAVAILABLE, "database\n").into_response()
        }
    }
}

/// The ledger's counts in Prometheus' text format. No label names a person.
async fn ledger_metrics(ledger: &Ledger) -> Result<String, LedgerError> {
    let mut active = 0;
    let mut ended = String::new();
    for (disposition, n) in ledger.call_counts().await? {
        match disposition {
            Some(code) => ended.push_str(&format!(
                "combinado_ledger_calls_total{{disposition=\"{code}\"}} {n}\n"
            )),
            None => active = n,
        }
    }
    let mut messages = String::new();
    for (channel, state, n) in ledger.message_counts().await? {
        let state = MessageState::as_str(state);
        messages.push_str(&format!(
            "combinado_ledger_messages{{channel=\"{channel}\",state=\"{state}\"}} {n}\n"
        ));
    }
    Ok(format!(
        "# HELP combinado_ledger_calls_active Calls that have begun and not ended.\n\
         # TYPE combinado_ledger_calls_active gauge\ncombinado_ledger_calls_active {active}\n\
         # HELP combinado_ledger_calls_total Calls by the code they ended with.\n\
         # TYPE combinado_ledger_calls_total counter\n{ended}\
         # HELP combinado_ledger_messages Messages of the outbox by state.\n\
         # TYPE combinado_ledger_messages gauge\n{messages}"
    ))
}

/// What an operator is told about a failed request: the chain of causes, never what was asked for.
fn log(error: &(dyn std::error::Error + 'static)) {
    let causes: Vec<String> = std::iter::successors(error.source(), |cause| cause.source())
        .map(ToString::to_string)
        .collect();
    tracing::error!(%error, ?causes, "desk");
}
