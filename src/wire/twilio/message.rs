//! The messages of Twilio Media Streams, one JSON object a text frame
//! (twilio.com, "Media Streams - WebSocket Messages"). All numbers are strings there.
//!
//! Reading borrows from the frame: 50 of these arrive a second on every call.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, IgnoredAny};
use serde::{Deserialize, Deserializer};

/// What Twilio tells us.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    Connected,
    Start {
        stream: Cow<'a, str>,
        start: Start,
    },
    Media {
        stream: Cow<'a, str>,
        media: Media<'a>,
    },
    Dtmf {
        stream: Cow<'a, str>,
        digit: Cow<'a, str>,
    },
    Mark {
        stream: Cow<'a, str>,
        name: Cow<'a, str>,
    },
    Stop {
        stream: Cow<'a, str>,
    },
    Clear,
    /// An event of a later version of the protocol.
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Start {
    #[serde(default)]
    pub stream_sid: String,
    #[serde(default)]
    pub call_sid: String,
    #[serde(default)]
    pub media_format: Option<MediaFormat>,
    #[serde(default)]
    pub custom_parameters: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MediaFormat {
    #[serde(default)]
    pub encoding: String,
    #[serde(default)]
    pub sample_rate: Number,
    #[serde(default)]
    pub channels: Number,
}

impl MediaFormat {
    /// The only format there is: µ-law, 8 kHz, one channel.
    pub fn is_telephone(&self) -> bool {
        self.encoding == "audio/x-mulaw"
            && self.sample_rate.0 == Some(8_000)
            && self.channels.0.unwrap_or(1) == 1
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Media<'a> {
    #[serde(borrow, default)]
    pub track: Cow<'a, str>,
    #[serde(borrow)]
    pub payload: Cow<'a, str>,
}

/// Why a frame is no message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("not the JSON of a message")]
    Json(#[from] serde_json::Error),
    #[error("event without its object")]
    Incomplete,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    stream_sid: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    start: Option<Start>,
    #[serde(borrow)]
    dtmf: Option<Dtmf<'a>>,
    #[serde(borrow)]
    mark: Option<Mark<'a>>,
}

#[derive(Deserialize)]
struct Dtmf<'a> {
    #[serde(borrow)]
    digit: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl<'a> Message<'a> {
    pub fn parse(text: &'a str) -> Result<Self, MessageError> {
        let raw: Raw<'a> = serde_json::from_str(text)?;
        let stream = raw.stream_sid;
        let message = match &*raw.event {
            "media" => raw.media.map(|media| Self::Media { stream, media }),
            "start" => raw.start.map(|start| Self::Start { stream, start }),
            "dtmf" => raw.dtmf.map(|dtmf| Self::Dtmf {
                stream,
                digit: dtmf.digit,
            }),
            "mark" => raw.mark.map(|mark| Self::Mark {
                stream,
                name: mark.name,
            }),
            "stop" => Some(Self::Stop { stream }),
            "connected" => Some(Self::Connected),
            "clear" => Some(Self::Clear),
            _ => Some(Self::Unknown),
        };
        message.ok_or(MessageError::Incomplete)
    }
}

/// A number that Twilio writes as a string and others as a number. What is neither is no number, not a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(pub Option<u64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl<'de> de::Visitor<'de> for Lenient {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, as a number or a string")
            }
            fn visit_str<E>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.parse().ok()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number)))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number.try_into().ok()))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Number, E> {
                Ok(Number(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
                Ok(Number(None))
            }
            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number(None))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Number, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

/// Writes the messages of one stream.
#[derive(Debug)]
pub(crate) struct Writer {
    /// `{"event":"media","streamSid":"…","media":{"payload":"`
    media: String,
    /// The stream's name as a JSON string, quotes included.
    stream: String,
}

impl Writer {
    pub fn new(stream_sid: &str) -> Self {
        let stream = json_string(stream_sid);
        Self {
            media: format!(r#"{{"event":"media","streamSid":{stream},"media":{{"payload":""#),
            stream,
        }
    }

    /// A media message; `mulaw` is raw G.711, no header.
    pub fn media(&self, mulaw: &[u8]) -> String {
        let mut text = String::with_capacity(self.media.len() + mulaw.len().div_ceil(3) * 4 + 3);
        text.push_str(&self.media);
        STANDARD.encode_string(mulaw, &mut text);
        text.push_str("\"}}");
        text
    }

    pub fn mark(&self, name: &str) -> String {
        format!(
            r#"{{"event":"mark","streamSid":{},"mark":{{"name":{}}}}}"#,
            self.stream,
            json_string(name)
        )
    }

    pub fn clear(&self) -> String {
        format!(r#"{{"event":"clear","streamSid":{}}}"#, self.stream)
    }
}

pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_borrows_from_the_frame() {
        let text = r#"{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"5","payload":"/w=="},"streamSid":"MZ1"}"#;
        let Ok(Message::Media { stream, media }) = Message::parse(text) else {
            panic!("media")
        };
        assert!(matches!(stream, Cow::Borrowed("MZ1")));
        assert!(matches!(media.payload, Cow::Borrowed("/w==")));
    }

    /// Some JSON writers escape the slash, which base64 uses.
    #[test]
    fn escaped_slash_is_read() {
        let Ok(Message::Media { media, .. }) =
            Message::parse(r#"{"event":"media","media":{"payload":"\/w=="}}"#)
        else {
            panic!("media")
        };
        assert_eq!(media.payload, "/w==");
    }

    #[test]
    fn numbers_are_strings_or_numbers() {
        let format = |text: &str| {
            serde_json::from_str::<MediaFormat>(text)
                .map(|format| format.is_telephone())
                .ok()
        };
        assert_eq!(
            format(r#"{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}"#),
            Some(true)
        );
        assert_eq!(
            format(r#"{"encoding":"audio/x-mulaw","sampleRate":"8000","channels":"1"}"#),
            Some(true)
        );
        assert_eq!(
            format(r#"{"encoding":"audio/x-mulaw","sampleRate":[8000]}"#),
            Some(false)
        );
        assert_eq!(
            format(r#"{"encoding":"audio/l16","sampleRate":16000,"channels":1}"#),
            Some(false)
        );
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let deep = "[".repeat(20_000);
        for text in [
            r#"{"event":"start","event":"stop"}"#,
            r#"{"event":"\ud800"}"#,
            "[1,2,3]",
            &deep,
            r#"{"x":1}"#,
        ] {
            assert!(
                matches!(Message::parse(text), Err(MessageError::Json(_))),
                "{text:.40}"
            );
        }
        assert!(matches!(
            Message::parse(r#"{"event":"start"}"#),
            Err(MessageError::Incomplete)
        ));
        assert!(matches!(
            Message::parse(r#"{"event":"novo","x":1}"#),
            Ok(Message::Unknown)
        ));
        assert!(matches!(
            Message::parse("{\"event\":\"me\\u0000dia\"}"),
            Ok(Message::Unknown)
        ));
    }

    #[test]
    fn what_we_write_is_json() {
        let writer = Writer::new("M\"Z");
        for text in [
            writer.media(&[0xff; 160]),
            writer.mark("g0:1"),
            writer.clear(),
        ] {
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(value["streamSid"], "M\"Z");
        }
        assert_eq!(
            Writer::new("MZ").media(b"\xff"),
            r#"{"event":"media","streamSid":"MZ","media":{"payload":"/w=="}}"#
        );
    }
}
