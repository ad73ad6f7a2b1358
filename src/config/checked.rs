//! The configuration after the check: every value usable as it is.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::Invalid;
use super::raw::Raw;
use crate::mouth::tts;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where pages, API, Twilio and the portal are served. Default `127.0.0.1:8080`.
    pub http: SocketAddr,
    /// Recordings, logs and the SQLite file. Default `.local` in the working directory.
    pub data: PathBuf,
    /// How others reach the HTTP port, when a proxy stands before it.
    pub public_url: Option<String>,
    /// `sqlite://…` or `postgres://…`. Default: a file in `data`.
    pub database: String,
    pub sip: Option<Sip>,
    /// Where Asterisk connects. Default `127.0.0.1:9092`; `None` when switched off.
    pub audiosocket: Option<SocketAddr>,
    pub twilio: Twilio,
    pub sms: Sms,
    pub agent: Agent,
    pub issuer: Issuer,
    pub voice: tts::Settings,
    pub speech: Speech,
    pub hearing: Hearing,
    pub limits: Limits,
    /// Opens the console. Without it the console is open, which only loopback allows.
    pub desk_password: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Raw::default()
            .check()
            .expect("nothing configured is a valid configuration: tests hold it to that")
    }
}

#[derive(Clone, Debug)]
pub struct Sip {
    /// Default `127.0.0.1:5060`, UDP.
    pub bind: SocketAddr,
    /// The address that peers see, where it is not the bound one.
    pub external_ip: Option<IpAddr>,
    /// UDP ports for sound, even ones for RTP. Default `20000-29999`.
    pub rtp_ports: RangeInclusive<u16>,
    /// What the jitter buffer holds back at first, 20 to 400 ms; it grows by itself. Default 40.
    pub jitter_ms: u32,
}

#[derive(Clone, Debug, Default)]
pub struct Twilio {
    pub account_sid: Option<String>,
    /// Signs webhooks, and opens the API. Without it webhooks are taken unsigned.
    pub auth_token: Option<String>,
    /// Sender of messages: a number in E.164, or a messaging service (`MG…`).
    pub from: Option<String>,
    /// Default `https://api.twilio.com`; tests name their own server.
    pub api_base: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Shown in the console and in the log; nothing leaves the machine.
    Local,
    /// Twilio's Messages API.
    Twilio,
}

#[derive(Clone, Copy, Debug)]
pub struct Sms {
    pub sender: Sender,
}

#[derive(Clone, Debug)]
pub struct Agent {
    /// Folder of the script. `None`: the built-in `cobranca`.
    pub script: Option<PathBuf>,
    pub grammars: Option<PathBuf>,
    pub policy: Option<PathBuf>,
    pub model: Option<PathBuf>,
    /// Whether a person can take calls over now.
    pub staffed: bool,
    /// Whom a caller with an unknown number is taken for: the CPF of a debtor. For trials; empty in production.
    pub unknown_callers: Option<String>,
    /// The debtors' time zone where their address does not tell. Default `America/Sao_Paulo`.
    pub time_zone: TimeZone,
}

/// The bank account that boletos and Pix are issued for.
#[derive(Clone, Debug)]
pub struct Issuer {
    pub bank: u16,
    pub agencia: u16,
    pub conta: u32,
    pub carteira: u16,
    pub pix_key: String,
    pub name: String,
    pub city: String,
}

/// Where the sound of a prompt comes from, besides the embedded voice.
#[derive(Clone, Debug)]
pub struct Speech {
    /// A voice of Piper (`.onnx`, with its `.onnx.json` beside it), spoken with before the embedded one.
    pub piper: Option<PathBuf>,
    /// The library of ONNX Runtime; `None`: where `ORT_DYLIB_PATH` or the system says.
    pub onnxruntime: Option<PathBuf>,
    /// How long a prompt waits for Piper before the embedded voice says it. Default 1,200 ms.
    pub patience: Duration,
    /// A folder with `index.toml` and recorded prompts. Default `audio` in the working directory, where there is one.
    pub recordings: PathBuf,
    /// Bytes of the script's own phrases kept in `data/phrases`; 0 keeps none. Default 256 MiB.
    pub cache: u64,
}

/// Who is asked about what the recogniser could not make out.
#[derive(Clone, Debug)]
pub struct Hearing {
    /// A ggml model of whisper.cpp. `None`: nobody is asked.
    pub whisper: Option<PathBuf>,
    /// Turns that are written down at a time, each on a core of its own. Default 1.
    pub workers: usize,
    /// Turns that may wait for that; one more is asked again at once. Default 4.
    pub waiting: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls at a time; one more is refused. Default 400.
    pub calls: usize,
}

impl Raw {
    /// # Errors
    /// All mistakes at once.
    pub fn check(self) -> Result<Config, Vec<Invalid>> {
        let mut wrong = Vec::new();
        let http = address(
            "server.http",
            self.server.http.as_deref(),
            "127.0.0.1:8080",
            &mut wrong,
        );
        let sip_bind = address(
            "sip.bind",
            self.sip.bind.as_deref(),
            "127.0.0.1:5060",
            &mut wrong,
        );
        let audiosocket = address(
            "audiosocket.bind",
            self.audiosocket.bind.as_deref(),
            "127.0.0.1:9092",
            &mut wrong,
        );
        let external_ip = self.sip.external_ip.as_deref().and_then(|text| {
            value(
                "sip.external_ip",
                text,
                "an IP address, such as 203.0.113.7",
                &mut wrong,
            )
        });
        let rtp_ports = ports(
            self.sip.rtp_ports.as_deref().unwrap_or("20000-29999"),
            &mut wrong,
        );
        let jitter_ms = self.sip.jitter_ms.unwrap_or(40);
        if !(20..=400).contains(&jitter_ms) {
            wrong.push(Invalid::new(
                "sip.jitter_ms",
                format!("{jitter_ms} ms is no delay of a jitter buffer"),
                "write 20 to 400",
            ));
        }
        let workers = self.hearing.workers.unwrap_or(1);
        if !(1..=64).contains(&workers) {
            wrong.push(Invalid::new(
                "hearing.workers",
                format!("{workers} is no number of workers"),
                "write 1 to 64, no more than there are cores to spare",
            ));
        }
        let sender = match self.sms.sender.as_deref() {
            None | Some("local") => Sender::Local,
            Some("twilio") => Sender::Twilio,
            Some(other) => {
                wrong.push(Invalid::new(
                    "sms.sender",
                    format!("`{other}` is no sender"),
                    "write local or twilio",
                ));
                Sender::Local
            }
        };
        let auth_token = secret(
            "twilio.auth_token",
            self.twilio.auth_token,
            self.twilio.auth_token_file,
            &mut wrong,
        );
        let twilio = Twilio {
            account_sid: self.twilio.account_sid,
            auth_token,
            from: self.twilio.from,
            api_base: self.twilio.api_base,
        };
        if sender == Sender::Twilio {
            for (key, given) in [
                ("twilio.account_sid", twilio.account_sid.is_some()),
                ("twilio.auth_token", twilio.auth_token.is_some()),
                ("twilio.from", twilio.from.is_some()),
            ] {
                if !given {
                    wrong.push(Invalid::new(
                        key,
                        "is missing, and sms.sender = \"twilio\" needs it",
                        "add it, or use the local sender",
                    ));
                }
            }
        }
        let zone = self
            .agent
            .time_zone
            .as_deref()
            .unwrap_or("America/Sao_Paulo");
        let time_zone = TimeZone::get(zone).unwrap_or_else(|_| {
            wrong.push(Invalid::new(
                "agent.time_zone",
                format!("`{zone}` is no time zone"),
                "write an IANA name, such as America/Manaus",
            ));
            TimeZone::UTC
        });
        let desk_password = secret(
            "desk.password",
            self.desk.password,
            self.desk.password_file,
            &mut wrong,
        );
        if desk_password.is_none() && !http.ip().is_loopback() {
            let message = "is missing, and the console would be open to the network";
            wrong.push(Invalid::new(
                "desk.password",
                message,
                "set desk.password_file, or bind server.http to 127.0.0.1",
            ));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let data = PathBuf::from(self.server.data.unwrap_or_else(|| ".local".into()));
        let settings = tts::Settings::default();
        Ok(Config {
            http,
            database: self
                .database
                .url
                .unwrap_or_else(|| format!("sqlite://{}", data.join("combinado.db").display())),
            data,
            public_url: self.server.public_url,
            sip: self.sip.enabled.unwrap_or(true).then_some(Sip {
                bind: sip_bind,
                external_ip,
                rtp_ports,
                jitter_ms,
            }),
            audiosocket: self
                .audiosocket
                .enabled
                .unwrap_or(true)
                .then_some(audiosocket),
            twilio,
            sms: Sms { sender },
            agent: Agent {
                script: self.agent.script.map(PathBuf::from),
                grammars: self.agent.grammars.map(PathBuf::from),
                policy: self.agent.policy.map(PathBuf::from),
                model: self.agent.model.map(PathBuf::from),
                staffed: self.agent.staffed.unwrap_or(false),
                unknown_callers: self.agent.unknown_callers,
                time_zone,
            },
            issuer: Issuer {
                bank: self.issuer.bank.unwrap_or(341),
                agencia: self.issuer.agencia.unwrap_or(57),
                conta: self.issuer.conta.unwrap_or(12_345),
                carteira: self.issuer.carteira.unwrap_or(109),
                pix_key: self
                    .issuer
                    .pix_key
                    .unwrap_or_else(|| "11222333000181".into()),
                name: self
                    .issuer
                    .name
                    .unwrap_or_else(|| "Credora Exemplo SA".into()),
                city: self.issuer.city.unwrap_or_else(|| "SAO PAULO".into()),
            },
            voice: tts::Settings {
                voice: self.voice.name.unwrap_or(settings.voice),
                rate: self.voice.rate.unwrap_or(settings.rate),
                pitch: self.voice.pitch.unwrap_or(settings.pitch),
            },
            speech: Speech {
                piper: self.voice.piper.map(PathBuf::from),
                onnxruntime: self.voice.onnxruntime.map(PathBuf::from),
                patience: Duration::from_millis(self.voice.patience_ms.unwrap_or(1_200)),
                recordings: PathBuf::from(self.voice.recordings.unwrap_or_else(|| "audio".into())),
                cache: self.voice.cache_mb.unwrap_or(256) * 1024 * 1024,
            },
            hearing: Hearing {
                whisper: self.hearing.whisper.map(PathBuf::from),
                workers,
                waiting: self.hearing.waiting.unwrap_or(4),
            },
            desk_password,
            limits: Limits {
                calls: self.limits.calls.unwrap_or(400),
            },
        })
    }
}

fn address(key: &str, text: Option<&str>, default: &str, wrong: &mut Vec<Invalid>) -> SocketAddr {
    value(
        key,
        text.unwrap_or(default),
        "an address and a port, such as 0.0.0.0:5060",
        wrong,
    )
    .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn value<T: FromStr>(key: &str, text: &str, wanted: &str, wrong: &mut Vec<Invalid>) -> Option<T> {
    let parsed = text.parse().ok();
    if parsed.is_none() {
        wrong.push(Invalid::new(
            key,
            format!("`{text}` cannot be read"),
            &format!("write {wanted}"),
        ));
    }
    parsed
}

fn ports(text: &str, wrong: &mut Vec<Invalid>) -> RangeInclusive<u16> {
    let parsed = text
        .split_once('-')
        .and_then(|(low, high)| Some(low.trim().parse().ok()?..=high.trim().parse().ok()?));
    match parsed {
        Some(range) if *range.start() >= 1024 && range.end() > range.start() => range,
        _ => {
            wrong.push(Invalid::new(
                "sip.rtp_ports",
                format!("`{text}` is no range of ports"),
                "write 20000-29999",
            ));
            20_000..=29_999
        }
    }
}

fn secret(
    key: &str,
    given: Option<String>,
    file: Option<String>,
    wrong: &mut Vec<Invalid>,
) -> Option<String> {
    match (given, file) {
        (Some(_), Some(_)) => {
            wrong.push(Invalid::new(
                key,
                format!("both {key} and {key}_file are given"),
                "keep one",
            ));
            None
        }
        (Some(text), None) => Some(text),
        (None, Some(path)) => match std::fs::read_to_string(&path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                wrong.push(Invalid::new(
                    &format!("{key}_file"),
                    format!("{path} cannot be read: {error}"),
                    "name a readable file",
                ));
                None
            }
        },
        (None, None) => None,
    }
}
