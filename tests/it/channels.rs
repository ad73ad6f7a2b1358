//! The outbox against a server that speaks Twilio's wire format, well and badly.
#![expect(
    clippy::disallowed_methods,
    reason = "the worker under test runs by the clock, and is waited for"
)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use combinado::channels::local::LocalSender;
use combinado::channels::outbox::{Outbox, Pace};
use combinado::channels::twilio::{From, TwilioConfig, TwilioSender};
use combinado::ledger::{Ledger, Message, MessageState, NewMessage};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ledger::{Fresh, sqlite};
use crate::postgres;

/// How the provider answers the next request to send.
#[derive(Clone, Debug)]
enum Mood {
    /// HTTP status, Twilio's code, `Retry-After`.
    Refuses(u16, u32, Option<u32>),
    /// Takes the message and fails to say so.
    TakesAndBreaks,
    /// Takes the message and answers too late, or never.
    TakesAndSleeps,
    /// Fails before taking it.
    BreaksFirst,
}

#[derive(Default)]
struct Provider {
    moods: VecDeque<Mood>,
    taken: Vec<(String, String, Timestamp)>,
    posts: usize,
    lookups: usize,
    /// Look-ups fail while this is set.
    blind: bool,
}

type Shared = Arc<(Mutex<Provider>, Notify)>;

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendForm {
    to: String,
    from: String,
    body: String,
}

async fn send(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<SendForm>,
) -> Response {
    // Basic AC1:secret
    assert_eq!(headers[header::AUTHORIZATION], "Basic QUMxOnNlY3JldA==");
    assert_eq!(form.from, "+15005550006");
    let (mood, sid) = {
        let mut provider = shared.0.lock();
        provider.posts += 1;
        let mood = provider.moods.pop_front();
        if !matches!(mood, Some(Mood::Refuses(..) | Mood::BreaksFirst)) {
            provider
                .taken
                .push((form.to.clone(), form.body.clone(), Timestamp::now()));
        }
        (mood, format!("SM{:032}", provider.taken.len()))
    };
    shared.1.notify_one();
    match mood {
        None => (
            StatusCode::CREATED,
            Json(listed(&sid, &form.to, &form.body, Timestamp::now())),
        )
            .into_response(),
        Some(Mood::Refuses(status, code, after)) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let body = serde_json::json!({"code": code, "message": "to +5511987654321 …", "status": status.as_u16()});
            let after = after.map(|seconds| [(header::RETRY_AFTER, seconds.to_string())]);
            (status, after, Json(body)).into_response()
        }
        Some(Mood::TakesAndBreaks | Mood::BreaksFirst) => {
            (StatusCode::BAD_GATEWAY, "<html>").into_response()
        }
        Some(Mood::TakesAndSleeps) => std::future::pending().await,
    }
}

fn listed(sid: &str, to: &str, body: &str, created: Timestamp) -> serde_json::Value {
    let date = created
        .to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S +0000")
        .to_string();
    serde_json::json!({
        "sid": sid, "to": to, "body": body, "from": "+15005550006", "status": "queued", "num_segments": "1",
        "direction": "outbound-api", "date_created": date, "error_code": null,
    })
}

#[derive(serde::Deserialize)]
struct ListQuery {
    #[serde(rename = "To")]
    to: String,
    #[serde(rename = "Page", default)]
    page: usize,
}

/// Two messages a page, newest first.
async fn list(State(shared): State<Shared>, Query(query): Query<ListQuery>) -> Response {
    let mut provider = shared.0.lock();
    provider.lookups += 1;
    if provider.blind {
        return (StatusCode::SERVICE_UNAVAILABLE, "down").into_response();
    }
    let mut all: Vec<_> = (1..)
        .zip(&provider.taken)
        .filter(|(_, (to, _, _))| *to == query.to)
        .map(|(n, (to, body, when))| listed(&format!("SM{n:032}"), to, body, *when))
        .collect();
    all.reverse();
    let messages: Vec<_> = all.iter().skip(query.page * 2).take(2).collect();
    let more = all.len() > (query.page + 1) * 2;
    let next = more.then(|| {
        let (to, page) = (query.to.replace('+', "%2B"), query.page + 1);
        format!("/2010-04-01/Accounts/AC1/Messages.json?To={to}&Page={page}")
    });
    Json(serde_json::json!({"messages": messages, "next_page_uri": next})).into_response()
}

/// A provider on a port of its own, and a sender that knows it.
async fn provider(moods: &[Mood]) -> (Shared, TwilioSender) {
    let shared = Shared::default();
    shared.0.lock().moods = moods.iter().cloned().collect();
    let app = Router::new()
        .route(
            "/2010-04-01/Accounts/AC1/Messages.json",
            post(send).get(list),
        )
        .with_state(shared.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    let config = TwilioConfig {
        base_url: format!("http://{address}"),
        timeout: Duration::from_millis(400),
        ..TwilioConfig::new("AC1", "secret", From::Number("+15005550006".to_owned()))
    };
    (shared, TwilioSender::new(config).expect("a sender"))
}

/// Waits are milliseconds, so that what takes minutes in production takes none here.
fn brisk() -> Pace {
    let ms = Duration::from_millis;
    Pace {
        look_every: ms(10),
        lease: ms(600),
        first_wait: ms(5),
        longest_wait: ms(40),
        settle: ms(20),
        max_attempts: 5,
        ..Pace::default()
    }
}

async fn queue(ledger: &Ledger, key: &str, text: &str) -> Uuid {
    let message = NewMessage {
        idempotency_key: key.to_owned(),
        channel: "sms".to_owned(),
        to: "+5511987654321".to_owned(),
        text: text.to_owned(),
        call: None,
        agreement: None,
        debtor: None,
    };
    ledger
        .queue_message(&message, Timestamp::now())
        .await
        .expect("queued")
}

/// Works until the message is sent or failed.
async fn work(outbox: Outbox, message: Uuid, ledger: &Ledger) -> Message {
    let stop = CancellationToken::new();
    let worker = tokio::spawn(outbox.run(stop.clone()));
    let settled = async {
        loop {
            let message = ledger.message(message).await.expect("read").expect("there");
            if matches!(message.state, MessageState::Sent | MessageState::Failed) {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let message = tokio::time::timeout(Duration::from_secs(20), settled)
        .await
        .expect("it settles");
    stop.cancel();
    worker.await.expect("the worker ends");
    message
}

/// Sends one message through a provider in these moods.
async fn sent_through(moods: &[Mood]) -> (Message, usize, usize) {
    let fresh = sqlite().await;
    let (shared, sender) = provider(moods).await;
    let id = queue(&fresh.ledger, "k", "Oi").await;
    let message = work(
        Outbox::new(fresh.ledger.clone(), Arc::new(sender), brisk()),
        id,
        &fresh.ledger,
    )
    .await;
    let provider = shared.0.lock();
    (message, provider.taken.len(), provider.posts)
}

#[tokio::test]
async fn a_message_is_sent() {
    let (message, taken, posts) = sent_through(&[]).await;
    assert_eq!((message.state, taken, posts), (MessageState::Sent, 1, 1));
    assert_eq!(message.provider_id, Some(format!("SM{:032}", 1)));
}

/// 20429 says that nothing was done: it is simply tried again.
#[tokio::test]
async fn a_busy_provider_is_asked_again() {
    let busy = Mood::Refuses(429, 20_429, Some(0));
    let (message, taken, posts) = sent_through(&[busy.clone(), busy]).await;
    assert_eq!(
        (message.state, taken, posts, message.attempts),
        (MessageState::Sent, 1, 3, 3)
    );
}

/// No such number, opted out: there is no point in trying again, and the provider's text is not kept.
#[tokio::test]
async fn a_message_that_cannot_be_sent_fails_at_once() {
    for code in [21_211, 21_610, 21_614] {
        let (message, taken, posts) = sent_through(&[Mood::Refuses(400, code, None)]).await;
        assert_eq!((message.state, taken, posts), (MessageState::Failed, 0, 1));
        assert_eq!(message.error, Some(format!("twilio_{code}")));
    }
}

#[tokio::test]
async fn a_provider_that_stays_busy_is_given_up() {
    let (message, taken, posts) = sent_through(&vec![Mood::Refuses(429, 20_429, None); 9]).await;
    assert_eq!((message.state, taken, posts), (MessageState::Failed, 0, 5));
}

/// The message was taken but the answer was lost: it is found, not sent again.
#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    for mood in [Mood::TakesAndBreaks, Mood::TakesAndSleeps] {
        let (message, taken, posts) = sent_through(&[mood]).await;
        assert_eq!((message.state, taken, posts), (MessageState::Sent, 1, 1));
    }
}

/// A 5xx that did not take it: looked up, not found, sent.
#[tokio::test]
async fn a_broken_provider_is_asked_again_after_a_look() {
    let (message, taken, posts) = sent_through(&[Mood::BreaksFirst, Mood::BreaksFirst]).await;
    assert_eq!((message.state, taken, posts), (MessageState::Sent, 1, 3));
}

/// While the provider cannot be asked whether it has the message, nothing is sent.
#[tokio::test]
async fn in_doubt_nothing_is_sent_until_the_provider_can_be_asked() {
    let fresh = sqlite().await;
    let (shared, sender) = provider(&[Mood::TakesAndBreaks]).await;
    shared.0.lock().blind = true;
    let id = queue(&fresh.ledger, "k", "Oi").await;
    let sighted = shared.clone();
    tokio::spawn(async move {
        while sighted.0.lock().lookups < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sighted.0.lock().blind = false;
    });
    let message = work(
        Outbox::new(fresh.ledger.clone(), Arc::new(sender), brisk()),
        id,
        &fresh.ledger,
    )
    .await;
    let provider = shared.0.lock();
    assert_eq!(
        (message.state, provider.taken.len(), provider.posts),
        (MessageState::Sent, 1, 1)
    );
}

/// The same text was sent before, on purpose; that earlier message is not mistaken for the lost one.
#[tokio::test]
async fn an_equal_message_is_not_mistaken_for_the_lost_one() {
    let fresh = sqlite().await;
    let (shared, sender) = provider(&[]).await;
    let sender = Arc::new(sender);
    let outbox = || Outbox::new(fresh.ledger.clone(), sender.clone(), brisk());
    // More than a page of the list, and others between.
    for n in 0..5 {
        let text = if n % 2 == 0 { "Oi" } else { "Outra" };
        let id = queue(&fresh.ledger, &format!("k{n}"), text).await;
        work(outbox(), id, &fresh.ledger).await;
    }
    shared.0.lock().moods = [Mood::BreaksFirst].into();
    let id = queue(&fresh.ledger, "again", "Oi").await;
    let message = work(outbox(), id, &fresh.ledger).await;
    assert_eq!(
        (message.state, shared.0.lock().taken.len()),
        (MessageState::Sent, 6)
    );
}

/// The process dies between the request and the mark. The next one finds the message at the provider: sent once.
async fn dies_between_request_and_mark(fresh: &Fresh) {
    let (shared, sender) = provider(&[Mood::TakesAndSleeps]).await;
    let sender = Arc::new(sender);
    let id = queue(&fresh.ledger, "k", "Oi").await;
    {
        let outbox = Outbox::new(fresh.ledger.clone(), sender.clone(), brisk());
        let worker = outbox.run(CancellationToken::new());
        tokio::select! {
            () = worker => panic!("it was not asked to stop"),
            // The provider has the request; the worker is dropped where it stands.
            () = shared.1.notified() => {}
        }
    }
    let message = fresh
        .ledger
        .message(id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(message.state, MessageState::Sending);

    let ledger = Ledger::open(&fresh.url).await.expect("opens again");
    let recovered = ledger.recover(Timestamp::now()).await.expect("recovered");
    assert_eq!(recovered.doubtful_messages, 1);
    let message = work(Outbox::new(ledger.clone(), sender, brisk()), id, &ledger).await;
    let provider = shared.0.lock();
    assert_eq!(
        (message.state, provider.taken.len(), provider.posts),
        (MessageState::Sent, 1, 1)
    );
    assert!(provider.lookups >= 1);
}

#[tokio::test]
async fn a_death_between_request_and_mark_sends_once_on_sqlite() {
    dies_between_request_and_mark(&sqlite().await).await;
}

#[tokio::test]
async fn a_death_between_request_and_mark_sends_once_on_postgres() {
    if let Some((ledger, url)) = postgres::database().await {
        dies_between_request_and_mark(&Fresh::on(ledger, url)).await;
    }
}

/// Four workers on one PostgreSQL, as on a cluster: a hundred messages, each sent once.
#[tokio::test]
async fn workers_of_a_cluster_share_the_outbox() {
    let Some((ledger, _url)) = postgres::database().await else {
        return;
    };
    let (shared, sender) = provider(&[]).await;
    let sender = Arc::new(sender);
    for n in 0..100 {
        queue(&ledger, &format!("k{n}"), &format!("Oi {n}")).await;
    }
    let stop = CancellationToken::new();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        // A lease longer than a slow machine is slow: a claim must not end while its worker is at it.
        let pace = Pace {
            lease: Duration::from_secs(60),
            ..brisk()
        };
        workers.spawn(Outbox::new(ledger.clone(), sender.clone(), pace).run(stop.clone()));
    }
    let all_sent = async {
        loop {
            let counts = ledger.message_counts().await.expect("counted");
            if counts == [("sms".to_owned(), MessageState::Sent, 100)] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all_sent)
        .await
        .expect("all are sent");
    stop.cancel();
    workers.join_all().await;
    let mut texts: Vec<_> = shared
        .0
        .lock()
        .taken
        .iter()
        .map(|(_, text, _)| text.clone())
        .collect();
    texts.sort();
    texts.dedup();
    assert_eq!((texts.len(), shared.0.lock().posts), (100, 100));
}

/// Without a provider the mark is the delivery, and it is told after it stands.
#[tokio::test]
async fn a_local_message_is_delivered_by_its_mark() {
    let fresh = sqlite().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let hear = told.clone();
    let id = queue(&fresh.ledger, "k", "Oi").await;
    assert_eq!(
        queue(&fresh.ledger, "k", "Oi de novo").await,
        id,
        "the same key is the same message"
    );
    let outbox = Outbox::new(fresh.ledger.clone(), Arc::new(LocalSender), brisk())
        .telling(move |settled| hear.lock().push(settled.clone()));
    assert!(outbox.step().await);
    assert!(!outbox.step().await);
    let message = fresh
        .ledger
        .message(id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(
        (message.state, message.text.as_str()),
        (MessageState::Sent, "Oi")
    );
    assert_eq!(told.lock().len(), 1);
    assert!(!format!("{:?}", told.lock()).contains("987654321"));
}
