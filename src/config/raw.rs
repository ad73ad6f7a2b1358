//! The configuration as it stands in the file: everything optional, nothing checked.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Raw {
    pub server: Server,
    pub database: Database,
    pub sip: Sip,
    pub audiosocket: AudioSocket,
    pub twilio: Twilio,
    pub sms: Sms,
    pub agent: Agent,
    pub issuer: Issuer,
    pub voice: Voice,
    pub hearing: Hearing,
    pub limits: Limits,
    pub desk: Desk,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Desk {
    pub password: Option<String>,
    pub password_file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub http: Option<String>,
    pub data: Option<String>,
    pub public_url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    pub url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sip {
    pub enabled: Option<bool>,
    pub bind: Option<String>,
    pub external_ip: Option<String>,
    pub rtp_ports: Option<String>,
    pub jitter_ms: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AudioSocket {
    pub enabled: Option<bool>,
    pub bind: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Twilio {
    pub account_sid: Option<String>,
    pub auth_token: Option<String>,
    pub auth_token_file: Option<String>,
    pub from: Option<String>,
    pub api_base: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sms {
    pub sender: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agent {
    pub script: Option<String>,
    pub grammars: Option<String>,
    pub policy: Option<String>,
    pub model: Option<String>,
    pub staffed: Option<bool>,
    pub unknown_callers: Option<String>,
    pub time_zone: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Issuer {
    pub bank: Option<u16>,
    pub agencia: Option<u16>,
    pub conta: Option<u32>,
    pub carteira: Option<u16>,
    pub pix_key: Option<String>,
    pub name: Option<String>,
    pub city: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Voice {
    pub name: Option<String>,
    pub rate: Option<u32>,
    pub pitch: Option<u32>,
    pub piper: Option<String>,
    pub onnxruntime: Option<String>,
    pub patience_ms: Option<u64>,
    pub recordings: Option<String>,
    pub cache_mb: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hearing {
    pub whisper: Option<String>,
    pub workers: Option<usize>,
    pub waiting: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub calls: Option<usize>,
}

/// Lays `COMBINADO__SECTION__KEY=value` over the file. What reads as a number or a truth value is one.
pub fn overlay(table: &mut toml::Table, environment: &[(String, String)]) {
    for (name, value) in environment {
        let Some(path) = name.strip_prefix("COMBINADO__") else {
            continue;
        };
        let Some((section, key)) = path.split_once("__") else {
            continue;
        };
        let entry = table
            .entry(section.to_lowercase())
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let Some(section) = entry.as_table_mut() else {
            continue;
        };
        let value = match (value.parse::<i64>(), value.parse::<bool>()) {
            (Ok(number), _) if !value.starts_with(['+', '0']) || value == "0" => {
                toml::Value::Integer(number)
            }
            (_, Ok(truth)) => toml::Value::Boolean(truth),
            _ => toml::Value::String(value.clone()),
        };
        section.insert(key.to_lowercase(), value);
    }
}
