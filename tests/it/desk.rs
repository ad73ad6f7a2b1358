//! The console and the API over HTTP.

use std::net::SocketAddr;

use combinado::base::CallId;
use combinado::channels::install_tls;
use combinado::desk::{Access, Desk, LiveEvent, router};
use combinado::ledger::{CallEnd, CallTimes, Latency, Ledger, Milestone, Recording, TurnRow, Who};
use reqwest::{Response, StatusCode, header};

use crate::ledger::{Fresh, agreement_of, ana, at, call_of, end_of, sqlite};

const DAY: &str = "2026-11-23";

/// A console on a port of its own, with one finished call in it.
struct Console {
    address: SocketAddr,
    call: CallId,
    desk: Desk,
    http: reqwest::Client,
    _fresh: Fresh,
    _recordings: tempfile::TempDir,
}

impl Console {
    async fn start(change: impl FnOnce(&mut Desk)) -> Self {
        install_tls();
        let fresh = sqlite().await;
        let recordings = tempfile::tempdir().expect("a folder");
        let call = lived_call(&fresh.ledger).await;
        std::fs::write(recordings.path().join("a.wav"), wav(80_000)).expect("a recording");
        let mut desk = Desk::new(fresh.ledger.clone(), recordings.path().to_owned());
        change(&mut desk);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("its address");
        let app = router(desk.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self {
            address,
            call,
            desk,
            http,
            _fresh: fresh,
            _recordings: recordings,
        }
    }

    async fn get(&self, path: &str) -> Response {
        self.http
            .get(format!("http://{}{path}", self.address))
            .send()
            .await
            .expect("an answer")
    }

    async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.expect("a text")
    }

    /// A page, its slashes read as a browser reads them.
    async fn page(&self, path: &str) -> String {
        self.text(path).await.replace("&#x2f;", "/")
    }

    async fn json(&self, path: &str) -> serde_json::Value {
        self.get(path).await.json().await.expect("JSON")
    }
}

fn turn(call: CallId, n: u32, who: Who, text: &str, t0_ms: u64) -> TurnRow {
    TurnRow {
        call,
        n,
        who,
        state: "oferta".to_owned(),
        text: text.to_owned(),
        meaning: (who == Who::Debtor).then(|| "SIM".to_owned()),
        confidence: (who == Who::Debtor).then_some(0.42),
        t0_ms,
        t1_ms: t0_ms + 900,
        latency: (who == Who::Agent).then_some(Latency {
            total_ms: 171,
            endpoint_ms: Some(120),
            ..Latency::default()
        }),
    }
}

/// A call in which Ana agreed. She says something that must not become markup.
pub async fn lived_call(ledger: &Ledger) -> CallId {
    ledger
        .import(&[ana()], at("2026-11-23T12:00:00Z"))
        .await
        .expect("imported");
    let start = call_of(1, at("2026-11-23T15:00:00Z"));
    let call = start.id;
    ledger.begin_call(&start).await.expect("begun");
    ledger
        .milestone(call, Milestone::Answered, at("2026-11-23T15:00:04Z"))
        .await
        .expect("saved");
    ledger
        .add_turn(&turn(call, 1, Who::Agent, "Falo com Ana?", 5_000))
        .await
        .expect("saved");
    ledger
        .add_turn(&turn(
            call,
            2,
            Who::Debtor,
            "sim <script>alert(1)</script>",
            7_000,
        ))
        .await
        .expect("saved");
    ledger
        .close_agreement(&agreement_of(call))
        .await
        .expect("closed");
    let end = CallEnd {
        times: CallTimes {
            right_party_at: Some(at("2026-11-23T15:00:20Z")),
            ..CallTimes::default()
        },
        recording: Some(Recording {
            path: "a.wav".to_owned(),
            samples: 80_000,
            offset_ms: 4_000,
            sha256: "00".repeat(32),
        }),
        ..end_of(call, "ACORDO_PARCELADO", at("2026-11-23T15:01:34Z"))
    };
    ledger.end_call(&end).await.expect("ended");
    call
}

/// Stereo at 8 kHz: a tone on each side.
pub fn wav(samples: u32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a writer");
    for n in 0..samples {
        let side = if n / 8_000 % 2 == 0 {
            (n % 20) as i16 * 400
        } else {
            0
        };
        writer.write_sample(side).expect("written");
        writer.write_sample(4_000 - side).expect("written");
    }
    writer.finalize().expect("finished");
    bytes.into_inner()
}

#[tokio::test]
async fn the_list_shows_the_days_calls_and_figures() {
    let console = Console::start(|_| {}).await;
    for path in ["/", "/desk", "/desk/"] {
        assert_eq!(
            console.get(path).await.headers()[header::LOCATION],
            "/desk/chamadas",
            "{path}"
        );
    }
    let page = console.page(&format!("/desk/chamadas?dia={DAY}")).await;
    for shown in [
        "Acordo parcelado",
        "R$ 1.234,56",
        "12:00:00",
        ">Ana<",
        "TMA",
        "90,0 s",
        "1 ALÔ",
        "1:30",
        "p95 171 ms",
    ] {
        assert!(page.contains(shown), "{shown} is missing");
    }
    assert!(
        !page.contains("Souza") && !page.contains("98765"),
        "the list needs no surname and no number"
    );
    assert!(
        console
            .text("/desk/chamadas?dia=2020-01-01")
            .await
            .contains("Nenhuma chamada")
    );
    assert_eq!(
        console.get("/desk/chamadas?dia=ontem").await.status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_calls_page_shows_what_was_said_and_agreed() {
    let console = Console::start(|_| {}).await;
    let answer = console
        .get(&format!("/desk/chamadas/{}", console.call))
        .await;
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let page = answer.text().await.expect("a text").replace("&#x2f;", "/");
    for shown in [
        "protocolo 261123000018",
        "R$ 617,28",
        "07/12/2026",
        "34191.09982 71234.500057 71234.570001 9 16560000123456",
        "<svg",
        "na fila",
        "data-seek=\"1.000\"",
        "42 %",
        "171 ms",
        "fim da fala 120 ms",
        "combinado replay",
        "original",
        "R$ 24,69",
        "•••• 4321",
        "gravacao.wav",
        "&lt;script&gt;",
        "42 dias a 1,00 % ao mês",
    ] {
        assert!(page.contains(shown), "{shown} is missing");
    }
    assert!(
        !page.contains("<script>alert") && !page.contains("style="),
        "nothing that the policy would refuse"
    );
    for path in [
        "/desk/chamadas/x",
        "/desk/chamadas/00000000-0000-0000-0000-000000000000",
        "/desk/nada",
    ] {
        assert_eq!(
            console.get(path).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

/// Without ranges a player cannot seek.
#[tokio::test]
async fn a_recording_is_served_in_parts() {
    let console = Console::start(|_| {}).await;
    let path = format!("/desk/chamadas/{}/gravacao.wav", console.call);
    let whole = console.get(&path).await;
    assert_eq!(
        (whole.status(), &whole.headers()[header::CONTENT_TYPE]),
        (
            StatusCode::OK,
            &header::HeaderValue::from_static("audio/wav")
        )
    );
    let whole = whole.bytes().await.expect("bytes");
    assert_eq!(whole, wav(80_000));
    assert!(
        console
            .text(&format!("/desk/chamadas/{}/onda.svg", console.call))
            .await
            .starts_with("<svg")
    );
    let part = console
        .http
        .get(format!("http://{}{path}", console.address))
        .header(header::RANGE, "bytes=100000-199999");
    let part = part.send().await.expect("an answer");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        part.headers()[header::CONTENT_RANGE],
        format!("bytes 100000-199999/{}", whole.len()).as_str()
    );
    assert_eq!(part.bytes().await.expect("bytes"), whole[100_000..200_000]);
}

#[tokio::test]
async fn the_api_speaks_json_and_its_errors_are_problems() {
    let console = Console::start(|_| {}).await;
    let list = console.json(&format!("/api/v1/calls?day={DAY}")).await;
    assert_eq!(list["calls"][0]["agreement_total_centavos"], 123_456);
    assert_eq!(list["calls"][0]["started_at"], "2026-11-23T15:00:00Z");
    let call = console
        .json(&format!("/api/v1/calls/{}", console.call))
        .await;
    assert_eq!(
        call["agreement"]["instalments"][0],
        serde_json::json!({"n": 1, "due": "2026-12-07", "centavos": 61_728})
    );
    assert_eq!(call["turns"][1]["who"], "debtor");
    let metrics = console.json(&format!("/api/v1/metrics?day={DAY}")).await;
    let tma = metrics["indicators"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|figure| figure["key"] == "tma")
        .expect("TMA");
    assert_eq!(
        (&tma["value"], &tma["denominator"]),
        (&serde_json::json!(90.0), &serde_json::json!(1))
    );
    for (path, status) in [
        ("calls/x", 404),
        ("nada", 404),
        ("calls?day=x", 400),
        ("calls?limit=0", 400),
    ] {
        let answer = console.get(&format!("/api/v1/{path}")).await;
        assert_eq!(
            answer.headers()[header::CONTENT_TYPE],
            "application/problem+json",
            "{path}"
        );
        let problem: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(problem["status"], status, "{path}");
    }
}

/// Every path of the description answers, and every field of an answer is described.
#[tokio::test]
async fn the_description_is_true() {
    let console = Console::start(|_| {}).await;
    let description = console.json("/api/v1/openapi.json").await;
    assert_eq!(description["openapi"], "3.1.0");
    for path in description["paths"].as_object().expect("paths").keys() {
        let path = path.replace("{id}", &console.call.to_string());
        assert_eq!(console.get(&path).await.status(), StatusCode::OK, "{path}");
    }
    let schemas = &description["components"]["schemas"];
    let described = |name: &str, field: &str| !schemas[name]["properties"][field].is_null();
    let call = console
        .json(&format!("/api/v1/calls/{}", console.call))
        .await;
    for field in call.as_object().expect("fields").keys() {
        let own = !schemas["Call"]["allOf"][1]["properties"][field].is_null();
        assert!(own || described("CallSummary", field), "{field} of a call");
    }
    for (name, value) in [
        ("Turn", &call["turns"][0]),
        ("Agreement", &call["agreement"]),
        ("Message", &call["messages"][0]),
    ] {
        for field in value.as_object().expect("fields").keys() {
            assert!(described(name, field), "{field} of {name}");
        }
    }
    for field in console
        .json("/api/v1/metrics")
        .await
        .as_object()
        .expect("fields")
        .keys()
    {
        assert!(described("Metrics", field), "{field} of the metrics");
    }
}

#[tokio::test]
async fn a_password_guards_pages_and_api_but_not_health() {
    let console = Console::start(|desk| desk.access = Access::Password("segredo".to_owned())).await;
    for path in ["/desk/chamadas", "/api/v1/calls", "/desk/desk.css"] {
        let answer = console.get(path).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.headers().contains_key(header::WWW_AUTHENTICATE));
    }
    let ask = |password: &'static str| {
        console
            .http
            .get(format!("http://{}/desk/chamadas", console.address))
            .basic_auth("bruna", Some(password))
            .send()
    };
    assert_eq!(
        ask("segredo").await.expect("an answer").status(),
        StatusCode::OK
    );
    assert_eq!(
        ask("palpite").await.expect("an answer").status(),
        StatusCode::UNAUTHORIZED
    );
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(console.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_draining_server_is_alive_but_not_ready() {
    let console = Console::start(|_| {}).await;
    assert_eq!(console.get("/readyz").await.status(), StatusCode::OK);
    console
        .desk
        .draining
        .store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(
        console.get("/readyz").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(console.get("/livez").await.status(), StatusCode::OK);
    let metrics = console.text("/metrics").await;
    assert!(
        metrics.contains("combinado_ledger_calls_total{disposition=\"ACORDO_PARCELADO\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("combinado_ledger_messages{channel=\"sms\",state=\"queued\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_server_is_ready_once_it_is_warm() {
    let warm = tokio::sync::watch::Sender::new(false);
    let console = Console::start(|desk| desk.warm = warm.subscribe()).await;
    let answer = console.get("/readyz").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    warm.send_replace(true);
    assert_eq!(console.get("/readyz").await.status(), StatusCode::OK);
}

/// Who opens the page late sees the turns there were, then each new one, then the end.
#[tokio::test]
async fn a_call_is_watched_as_it_happens() {
    let console = Console::start(|_| {}).await;
    let start = call_of(2, at("2026-11-23T16:00:00Z"));
    let call = start.id;
    console.desk.ledger.begin_call(&start).await.expect("begun");
    console
        .desk
        .ledger
        .add_turn(&turn(call, 1, Who::Agent, "Alô?", 100))
        .await
        .expect("saved");
    let page = console.text(&format!("/desk/chamadas/{call}")).await;
    assert!(page.contains("em andamento") && page.contains("data-transcript"));

    let mut events = console.get(&format!("/desk/chamadas/{call}/ao-vivo")).await;
    assert_eq!(events.headers()[header::CONTENT_TYPE], "text/event-stream");
    let tell = |event: LiveEvent| console.desk.live.send(event).expect("somebody watches");
    tell(LiveEvent::Turn {
        turn: turn(console.call, 9, Who::Agent, "de outra chamada", 0),
    });
    tell(LiveEvent::Turn {
        turn: turn(call, 2, Who::Debtor, "sou eu", 900),
    });
    tell(LiveEvent::Ended {
        call,
        disposition: "CALLBACK".to_owned(),
    });
    let mut text = String::new();
    while let Some(chunk) = events.chunk().await.expect("the stream ends well") {
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    let named: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(named, ["turn", "turn", "ended"]);
    assert!(text.contains("Alô?") && text.contains("sou eu") && !text.contains("de outra chamada"));
    assert!(
        !format!(
            "{:?}",
            LiveEvent::Turn {
                turn: turn(call, 2, Who::Debtor, "sou eu", 900)
            }
        )
        .contains("sou eu")
    );
}
