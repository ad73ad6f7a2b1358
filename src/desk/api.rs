//! The API: JSON, described by `/api/v1/openapi.json`, errors as problems (RFC 9457).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::pages::day_of;
use super::{Desk, log};
use crate::ledger::{CallRecord, CallSummary, LedgerError, Metrics};

/// The description of this API.
const OPENAPI: &str = include_str!("pages/openapi.json");
/// Calls a request gets when it names no limit, and at most.
const LIMIT: (u32, u32) = (100, 1_000);

pub(super) fn routes() -> Router<Arc<Desk>> {
    let description = async || ([(header::CONTENT_TYPE, "application/json")], OPENAPI);
    Router::new()
        .route("/calls", get(calls))
        .route("/calls/{id}", get(call))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(description))
        .fallback(async || Problem::NotFound)
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("nothing here")]
    NotFound,
    #[error("{0}")]
    Parameter(&'static str),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

#[derive(Serialize)]
struct ProblemBody {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, r#type, title) = match &self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "urn:combinado:not-found",
                "Not found",
            ),
            Self::Parameter(_) => (
                StatusCode::BAD_REQUEST,
                "urn:combinado:parameter",
                "Bad parameter",
            ),
            Self::Ledger(error) => {
                log(error);
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "urn:combinado:database",
                    "Database unavailable",
                )
            }
        };
        let body = ProblemBody {
            r#type,
            title,
            status: status.as_u16(),
            detail: self.to_string(),
        };
        let mut response = (status, Json(body)).into_response();
        let kind = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

#[derive(Serialize)]
struct Calls {
    day: crate::base::Date,
    calls: Vec<CallSummary>,
}

async fn calls(
    State(desk): State<Arc<Desk>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Calls>, Problem> {
    let day =
        day_of(&desk, query.get("day")).ok_or(Problem::Parameter("day: AAAA-MM-DD is expected"))?;
    let limit = match query.get("limit").map(|limit| limit.parse::<u32>()) {
        None => LIMIT.0,
        Some(Ok(limit @ 1..)) if limit <= LIMIT.1 => limit,
        Some(_) => return Err(Problem::Parameter("limit: 1 to 1000 is expected")),
    };
    Ok(Json(Calls {
        day,
        calls: desk.ledger.calls(day, &desk.zone, limit).await?,
    }))
}

async fn call(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
) -> Result<Json<CallRecord>, Problem> {
    let call = id.parse().map_err(|_| Problem::NotFound)?;
    desk.ledger
        .call(call)
        .await?
        .map(Json)
        .ok_or(Problem::NotFound)
}

async fn metrics(
    State(desk): State<Arc<Desk>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Metrics>, Problem> {
    let day =
        day_of(&desk, query.get("day")).ok_or(Problem::Parameter("day: AAAA-MM-DD is expected"))?;
    Ok(Json(desk.ledger.metrics(day, &desk.zone).await?))
}
