//! Start and shutdown of everything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::exchange::{Exchange, KitCell, Shared};
use super::kit::{Kit, KitError};
use super::opinion::SecondOpinion;
use super::recorder::Recorder;
use super::voices::Voices;
use crate::call::Event;
use crate::channels::local::LocalSender;
use crate::channels::outbox::{Outbox, Pace, Settled};
use crate::channels::twilio::{ClientError, From, TwilioConfig, TwilioSender};
use crate::channels::{self};
use crate::config::{Config, Sender};
use crate::desk::{self, Access, Desk, LiveEvent};
use crate::ledger::{Ledger, LedgerError, MessageState, Outcome, Recovered};
use crate::mouth::tts::VoiceError;
use crate::wire::Switchboard;
use crate::wire::{audiosocket, sip, twilio};

/// How long running calls may go on after the server was asked to stop.
const DRAIN: Duration = Duration::from_secs(30);
/// How long a caller hears it ring: the greeting is spoken into the cache meanwhile.
const RING: Duration = Duration::from_millis(1_200);
/// Events that a slow watcher may fall behind before it misses some.
const LIVE: usize = 1_024;

/// A running server.
pub struct Server {
    pub shared: Arc<Shared>,
    pub http: SocketAddr,
    pub sip: Option<SocketAddr>,
    pub audiosocket: Option<SocketAddr>,
    /// What a crash before this start had left behind.
    pub recovered: Recovered,
    stop: CancellationToken,
    sip_server: Option<sip::Server>,
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    #[error(
        "{what} cannot listen on {address}: is the port in use, or the address not of this machine?"
    )]
    Bind {
        what: &'static str,
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the folder {path} for recordings and the database cannot be made")]
    Data {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the database cannot be opened")]
    Ledger(#[from] LedgerError),
    #[error("script, grammars, policy or model cannot be used")]
    Kit(#[from] KitError),
    #[error("no voice can speak")]
    Voice(#[from] VoiceError),
    #[error("SIP cannot start on {address}")]
    Sip {
        address: SocketAddr,
        #[source]
        source: sip::SipError,
    },
    #[error("the SMS sender cannot be set up")]
    Sender(#[from] ClientError),
}

impl Server {
    /// Starts everything that the configuration names. Ports may be 0: the ones taken are told.
    ///
    /// # Errors
    /// The first thing that cannot start, with its remedy.
    pub async fn start(config: Config) -> Result<Self, ServerError> {
        let kit = Arc::new(Kit::load(&config.agent)?);
        Self::start_with(config, kit).await
    }

    /// Like [`Server::start`], with a kit that was loaded before.
    ///
    /// # Errors
    /// The first thing that cannot start, with its remedy.
    #[expect(
        clippy::disallowed_methods,
        reason = "what a crash left behind is closed with the time of the start"
    )]
    pub async fn start_with(config: Config, kit: Arc<Kit>) -> Result<Self, ServerError> {
        std::fs::create_dir_all(&config.data).map_err(|source| ServerError::Data {
            path: config.data.display().to_string(),
            source,
        })?;
        let ledger = Ledger::open(&config.database).await?;
        let recovered = ledger.recover(Timestamp::now()).await?;
        let calls = config.data.join("calls");
        let recorder = Recorder::start(&calls).map_err(|source| ServerError::Data {
            path: calls.display().to_string(),
            source,
        })?;
        keep_sources(&config, &kit);
        let voices = Voices::open(&config)?;
        let opinion = SecondOpinion::open(&config.hearing);
        let (live, _) = broadcast::channel(LIVE);
        let (events, _) = broadcast::channel(LIVE);
        let shared = Arc::new(Shared {
            kit: KitCell::new(kit),
            ledger: ledger.clone(),
            voices,
            opinion,
            recorder,
            live: live.clone(),
            events,
            active: AtomicUsize::new(0),
            draining: Arc::default(),
            warm: watch::Sender::new(false),
            config: config.clone(),
        });
        warm(&shared);
        let stop = CancellationToken::new();
        tokio::spawn(super::reload::watch(shared.clone(), stop.clone()));
        let exchange: Arc<dyn Switchboard> = Arc::new(Exchange::new(shared.clone()));
        start_outbox(&shared, stop.clone())?;
        let (sip_server, sip) = start_sip(&config, exchange.clone()).await?;
        let audiosocket = start_audiosocket(&config, exchange.clone(), stop.clone()).await?;
        let router = router(&config, &shared, exchange);
        let http = start_http(&config, router, stop.clone()).await?;
        Ok(Self {
            shared,
            http,
            sip,
            audiosocket,
            recovered,
            stop,
            sip_server,
        })
    }

    /// Waits until calls need not wait for anything to be compiled. They are taken before, too.
    pub async fn ready(&self) {
        // The sender lives as long as the server.
        let _ = self.shared.warm.subscribe().wait_for(|warm| *warm).await;
    }

    /// What calls tell, as it happens.
    pub fn events(&self) -> broadcast::Receiver<(crate::base::CallId, Event)> {
        self.shared.events.subscribe()
    }

    /// Takes no more calls, lets the running ones end, and stops.
    #[expect(
        clippy::disallowed_methods,
        reason = "the shell waits here, not the core"
    )]
    pub async fn shut_down(self) {
        self.shared.draining.store(true, Ordering::Relaxed);
        if let Some(server) = &self.sip_server {
            server.drain();
        }
        let patience = tokio::time::Instant::now() + DRAIN;
        while self.shared.active.load(Ordering::Relaxed) > 0
            && tokio::time::Instant::now() < patience
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.stop.cancel();
        self.shared.ledger.close().await;
    }
}

/// Compiles every question and speaks every sentence of the script that is the same in all calls, so that the first
/// call waits for neither.
fn warm(shared: &Arc<Shared>) {
    let shared = shared.clone();
    // A voice and a compiler at work do not belong on the threads that carry calls.
    std::thread::spawn(move || {
        let kit = shared.kit.now();
        kit.warm();
        shared.warm.send_replace(true);
        let phrases = kit.own_phrases();
        for (done, clause) in phrases.iter().enumerate() {
            shared.voices.prepare(clause);
            crate::telemetry::PhrasesPrepared {
                done: done + 1,
                of: phrases.len(),
            }
            .emit();
        }
    });
}

/// Keeps the sources of this version beside the calls, so that they can be replayed when the script has changed.
pub(super) fn keep_sources(config: &Config, kit: &Kit) {
    let folder = config.data.join("scripts");
    let path = folder.join(format!("{}.json", kit.version));
    let kept = std::fs::create_dir_all(&folder)
        .and_then(|()| serde_json::to_vec(&kit.sources).map_err(std::io::Error::other))
        .and_then(|bytes| {
            if path.exists() {
                Ok(())
            } else {
                std::fs::write(&path, bytes)
            }
        });
    if let Err(error) = kept {
        crate::telemetry::FileFailed {
            what: "script version",
            reason: error.to_string(),
        }
        .emit();
    }
}

fn start_outbox(shared: &Arc<Shared>, stop: CancellationToken) -> Result<(), ServerError> {
    let config = &shared.config;
    let sender: Arc<dyn channels::Sender> = match config.sms.sender {
        Sender::Local => Arc::new(LocalSender),
        Sender::Twilio => Arc::new(TwilioSender::new(provider(config))?),
    };
    let live = shared.live.clone();
    let told = move |settled: &Settled| {
        let state = match settled.outcome {
            Outcome::Sent { .. } => MessageState::Sent,
            Outcome::Failed { .. } => MessageState::Failed,
            Outcome::Again { .. } => MessageState::Queued,
            Outcome::Unknown { .. } => MessageState::Sending,
        };
        crate::telemetry::MessageSettled {
            sent: state == MessageState::Sent,
        }
        .emit();
        if let Some(call) = settled.call {
            // Nobody may be watching.
            let _ = live.send(LiveEvent::Message { call, state });
        }
    };
    let outbox = Outbox::new(shared.ledger.clone(), sender, Pace::default()).telling(told);
    tokio::spawn(outbox.run(stop));
    Ok(())
}

fn provider(config: &Config) -> TwilioConfig {
    let twilio = &config.twilio;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let from = text(&twilio.from);
    let from = if from.starts_with("MG") {
        From::Service(from)
    } else {
        From::Number(from)
    };
    let mut provider =
        TwilioConfig::new(&text(&twilio.account_sid), &text(&twilio.auth_token), from);
    provider.status_callback = config
        .public_url
        .as_ref()
        .map(|url| format!("{url}/twilio/status"));
    if let Some(base) = &twilio.api_base {
        provider.base_url.clone_from(base);
    }
    provider
}

async fn start_sip(
    config: &Config,
    exchange: Arc<dyn Switchboard>,
) -> Result<(Option<sip::Server>, Option<SocketAddr>), ServerError> {
    let Some(settings) = &config.sip else {
        return Ok((None, None));
    };
    let wire = sip::SipSettings {
        rtp_ports: settings.rtp_ports.clone(),
        external_ip: settings.external_ip,
        jitter_ms: settings.jitter_ms,
        ring: RING,
        ..sip::SipSettings::default()
    };
    let server = sip::Server::bind(settings.bind, wire, exchange)
        .await
        .map_err(|source| ServerError::Sip {
            address: settings.bind,
            source,
        })?;
    let address = server.local_addr();
    Ok((Some(server), Some(address)))
}

async fn start_audiosocket(
    config: &Config,
    exchange: Arc<dyn Switchboard>,
    stop: CancellationToken,
) -> Result<Option<SocketAddr>, ServerError> {
    let Some(bind) = config.audiosocket else {
        return Ok(None);
    };
    let listener = listen("AudioSocket", bind).await?;
    let address = listener.local_addr().unwrap_or(bind);
    tokio::spawn(async move {
        tokio::select! {
            () = audiosocket::serve(listener, audiosocket::AudioSocketSettings::default(), exchange) => {}
            () = stop.cancelled() => {}
        }
    });
    Ok(Some(address))
}

fn router(config: &Config, shared: &Arc<Shared>, exchange: Arc<dyn Switchboard>) -> Router {
    let settings = twilio::TwilioSettings {
        auth_token: config.twilio.auth_token.clone(),
        public_url: config.public_url.clone(),
        ..twilio::TwilioSettings::default()
    };
    let access = config
        .desk_password
        .clone()
        .map_or(Access::Open, Access::Password);
    let desk = desk::router(Desk {
        live: shared.live.clone(),
        zone: config.agent.time_zone.clone(),
        access,
        more_metrics: Some(Arc::new(crate::telemetry::exposition)),
        draining: shared.draining.clone(),
        warm: shared.warm.subscribe(),
        ..Desk::new(shared.ledger.clone(), config.data.join("calls"))
    });
    twilio::router(settings, exchange).merge(desk)
}

async fn start_http(
    config: &Config,
    router: Router,
    stop: CancellationToken,
) -> Result<SocketAddr, ServerError> {
    let listener = listen("HTTP", config.http).await?;
    let address = listener.local_addr().unwrap_or(config.http);
    // Twenty milliseconds of sound are a small packet: it must not wait for the next one.
    let listener = listener.tap_io(|stream| {
        // A connection that is already gone fails later, and is told then.
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            crate::telemetry::FileFailed {
                what: "HTTP",
                reason: error.to_string(),
            }
            .emit();
        }
    });
    Ok(address)
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServerError::Bind {
            what,
            address,
            source,
        })
}
