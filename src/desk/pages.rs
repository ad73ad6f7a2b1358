//! The console's pages, in Portuguese.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;

use super::{Desk, live, log, recording, view, wave};
use crate::base::Date;
use crate::ledger::LedgerError;

/// Calls a page shows at most; a day of many more is for the export.
const ROWS: u32 = 1_000;

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/", get(async || Redirect::to("/desk/chamadas")))
        .route("/chamadas", get(calls))
        .route("/chamadas/{id}", get(call))
        .route("/chamadas/{id}/gravacao.wav", get(recording::wav))
        .route("/chamadas/{id}/onda.svg", get(wave::svg))
        .route("/chamadas/{id}/ao-vivo", get(live::call))
        .route("/ao-vivo", get(live::all))
        .route(
            "/desk.css",
            get(async || asset("text/css; charset=utf-8", include_str!("pages/desk.css"))),
        )
        .route(
            "/icon.svg",
            get(async || asset("image/svg+xml", include_str!("pages/icon.svg"))),
        )
        .route(
            "/desk.js",
            get(async || {
                asset(
                    "text/javascript; charset=utf-8",
                    include_str!("pages/desk.js"),
                )
            }),
        )
        .fallback(async || PageError::NotFound)
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("there is no such page")]
    NotFound,
    #[error("the address has a day that is none")]
    Day,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("rendering a page")]
    Render(#[from] minijinja::Error),
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, text) = match &self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Não encontrado",
                "Não há nada neste endereço.",
            ),
            Self::Day => (
                StatusCode::BAD_REQUEST,
                "Dia inválido",
                "Use um dia como 2026-11-23.",
            ),
            Self::Ledger(_) | Self::Render(_) => {
                log(&self);
                let text =
                    "Não foi possível montar a página. O motivo está no registro do servidor.";
                (StatusCode::INTERNAL_SERVER_ERROR, "Erro", text)
            }
        };
        match view::problem(title, text) {
            Ok(page) => (status, Html(page)).into_response(),
            Err(_) => (status, text).into_response(),
        }
    }
}

/// The day asked for, or today.
#[expect(
    clippy::disallowed_methods,
    reason = "without a day the page is today's"
)]
pub(super) fn day_of(desk: &Desk, text: Option<&String>) -> Option<Date> {
    match text {
        Some(text) => text.parse().ok(),
        None => Some(Timestamp::now().to_zoned(desk.zone.clone()).date()),
    }
}

async fn calls(
    State(desk): State<Arc<Desk>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Html<String>, PageError> {
    let day = day_of(&desk, query.get("dia")).ok_or(PageError::Day)?;
    let calls = desk.ledger.calls(day, &desk.zone, ROWS).await?;
    let metrics = desk.ledger.metrics(day, &desk.zone).await?;
    Ok(Html(view::calls(&desk.zone, day, &calls, &metrics)?))
}

async fn call(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
) -> Result<Html<String>, PageError> {
    let call = id.parse().map_err(|_| PageError::NotFound)?;
    let record = desk.ledger.call(call).await?.ok_or(PageError::NotFound)?;
    Ok(Html(view::call(&desk.zone, &record)?))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    // Asked again each time, but only ever a few kilobytes: an update shows at once.
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        text,
    )
        .into_response()
}
