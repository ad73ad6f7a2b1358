//! Session descriptions (RFC 4566) and the offer/answer of one stream of sound (RFC 3264).

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use crate::media::g711::Law;
use crate::media::receiver::Payloads;
use crate::media::rtp;

/// Octets of a description that are read; the rest is somebody's joke.
const LONGEST: usize = 16_384;
/// Streams that one description may have.
const MOST_STREAMS: usize = 16;
/// The number we give telephone-event when we offer.
const EVENT_PAYLOAD: u8 = 101;

/// Why a description leads to no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpError {
    #[error("not a session description")]
    Malformed,
    #[error("no stream of sound over plain RTP with a codec of ours")]
    NothingInCommon,
}

/// Which ways sound flows, from the describing side's view (RFC 4566 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    #[default]
    Both,
    /// The describing side only sends: we are on hold.
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    /// The same from the other side.
    fn answered(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            same => same,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Both => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Both, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|direction| direction.name() == name)
    }
}

/// A description, as far as sound over RTP goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    streams: Vec<Stream>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stream {
    kind: String,
    port: u16,
    protocol: String,
    formats: Vec<String>,
    address: Option<IpAddr>,
    /// Payload number, encoding name in lower case, clock rate.
    names: Vec<(u8, String, u32)>,
    direction: Direction,
}

/// What both sides can do, seen from ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Where the peer wants its packets. `None` when it names no usable address; then the first source tells.
    pub remote: Option<SocketAddr>,
    /// What we send.
    pub law: Law,
    /// The payload numbers, the same both ways.
    pub payloads: Payloads,
    /// Whether the peer wants to hear us.
    pub sending: bool,
    /// Whether the peer means to send.
    pub receiving: bool,
    stream: usize,
    codecs: Vec<Codec>,
    direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Sound(Law, u8),
    Events(u8),
}

impl Agreed {
    /// The number of the payload we send.
    pub fn payload_type(&self) -> u8 {
        let number = match self.law {
            Law::A => self.payloads.a_law,
            Law::Mu => self.payloads.mu_law,
        };
        number.unwrap_or(rtp::PCMA)
    }
}

impl Description {
    /// Reads a description. Unknown lines are skipped, as the RFC asks.
    pub fn parse(body: &[u8]) -> Result<Self, SdpError> {
        let text = std::str::from_utf8(body.get(..body.len().min(LONGEST)).unwrap_or_default())
            .map_err(|_| SdpError::Malformed)?;
        if !text.starts_with("v=0") {
            return Err(SdpError::Malformed);
        }
        let (mut streams, mut session) = (Vec::new(), Stream::default());
        for line in text.lines() {
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            if key == "m" {
                if streams.len() == MOST_STREAMS {
                    return Err(SdpError::Malformed);
                }
                streams.push(Stream::parse(value, &session)?);
            } else {
                streams
                    .last_mut()
                    .unwrap_or(&mut session)
                    .read_line(key, value);
            }
        }
        Ok(Self { streams })
    }

    /// Finds what `laws` and the description have in common, in the description's order.
    pub fn agree(&self, laws: &[Law]) -> Result<Agreed, SdpError> {
        self.streams
            .iter()
            .enumerate()
            .find_map(|(index, stream)| stream.agree(index, laws))
            .ok_or(SdpError::NothingInCommon)
    }
}

impl Stream {
    fn parse(value: &str, session: &Self) -> Result<Self, SdpError> {
        let mut fields = value.split_ascii_whitespace();
        let mut next = || fields.next().ok_or(SdpError::Malformed);
        let (kind, port, protocol) = (next()?.to_owned(), next()?, next()?.to_owned());
        // "49170/2" offers two ports; the first is enough.
        let port = port
            .split('/')
            .next()
            .and_then(|port| port.parse().ok())
            .ok_or(SdpError::Malformed)?;
        let formats = fields.map(str::to_owned).collect();
        Ok(Self {
            kind,
            port,
            protocol,
            formats,
            names: Vec::new(),
            ..session.clone()
        })
    }

    fn read_line(&mut self, key: &str, value: &str) {
        match (key, value.split_once(':')) {
            ("c", _) => {
                self.address = value
                    .split_ascii_whitespace()
                    .nth(2)
                    .and_then(|host| host.split('/').next()?.parse().ok())
            }
            ("a", Some(("rtpmap", map))) => self.names.extend(parse_rtpmap(map)),
            ("a", None) => {
                self.direction = Direction::parse(value.trim()).unwrap_or(self.direction)
            }
            _ => {}
        }
    }

    fn agree(&self, index: usize, laws: &[Law]) -> Option<Agreed> {
        if self.kind != "audio"
            || self.port == 0
            || !matches!(self.protocol.as_str(), "RTP/AVP" | "RTP/AVPF")
        {
            return None;
        }
        let codecs: Vec<Codec> = self
            .formats
            .iter()
            .filter_map(|format| self.codec(format))
            .collect();
        let codecs: Vec<Codec> = codecs
            .into_iter()
            .filter(|codec| !matches!(codec, Codec::Sound(law, _) if !laws.contains(law)))
            .collect();
        let law = codecs.iter().find_map(|codec| {
            if let Codec::Sound(law, _) = codec {
                Some(*law)
            } else {
                None
            }
        })?;
        // An unspecified address is the old way to say "hold" (RFC 2543).
        let held = self.address.is_some_and(|address| address.is_unspecified());
        Some(Agreed {
            remote: self
                .address
                .filter(|_| !held)
                .map(|address| SocketAddr::new(address, self.port)),
            law,
            payloads: payloads(&codecs),
            sending: !held && matches!(self.direction, Direction::Both | Direction::RecvOnly),
            receiving: !held && matches!(self.direction, Direction::Both | Direction::SendOnly),
            stream: index,
            codecs,
            direction: if held && self.direction == Direction::Both {
                Direction::RecvOnly
            } else {
                self.direction.answered()
            },
        })
    }

    fn codec(&self, format: &str) -> Option<Codec> {
        let number: u8 = format.parse().ok().filter(|number| *number < 128)?;
        let named = self.names.iter().find(|(named, ..)| *named == number);
        match named.map(|(_, name, rate)| (name.as_str(), *rate)) {
            Some(("pcma", 8_000)) => Some(Codec::Sound(Law::A, number)),
            Some(("pcmu", 8_000)) => Some(Codec::Sound(Law::Mu, number)),
            Some(("telephone-event", 8_000)) => Some(Codec::Events(number)),
            None if number == rtp::PCMA => Some(Codec::Sound(Law::A, number)),
            None if number == rtp::PCMU => Some(Codec::Sound(Law::Mu, number)),
            _ => None,
        }
    }
}

fn parse_rtpmap(map: &str) -> Option<(u8, String, u32)> {
    let (number, encoding) = map.trim().split_once(' ')?;
    let mut parts = encoding.trim().split('/');
    Some((
        number.parse().ok()?,
        parts.next()?.to_ascii_lowercase(),
        parts.next()?.trim().parse().ok()?,
    ))
}

fn payloads(codecs: &[Codec]) -> Payloads {
    let sound = |wanted| {
        codecs.iter().find_map(|codec| {
            matches!(codec, Codec::Sound(law, _) if *law == wanted).then(|| codec.number())
        })
    };
    let events = codecs
        .iter()
        .find(|codec| matches!(codec, Codec::Events(_)))
        .map(|codec| codec.number());
    Payloads {
        a_law: sound(Law::A),
        mu_law: sound(Law::Mu),
        events,
    }
}

impl Codec {
    fn number(self) -> u8 {
        match self {
            Self::Sound(_, number) | Self::Events(number) => number,
        }
    }

    fn write(self, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Sound(Law::A, number) => write!(text, "a=rtpmap:{number} PCMA/8000\r\n"),
            Self::Sound(Law::Mu, number) => write!(text, "a=rtpmap:{number} PCMU/8000\r\n"),
            Self::Events(number) => write!(
                text,
                "a=rtpmap:{number} telephone-event/8000\r\na=fmtp:{number} 0-15\r\n"
            ),
        };
    }
}

/// Our side of the session: where we listen, and the version of what we said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub address: SocketAddr,
    /// Session id, random.
    pub id: u64,
    /// Grows with every new description (RFC 3264 §8).
    pub version: u64,
}

impl Local {
    /// An offer of the given codecs, and keys.
    pub fn offer(&self, laws: &[Law]) -> String {
        let mut codecs: Vec<Codec> = laws
            .iter()
            .map(|law| Codec::Sound(*law, if *law == Law::A { rtp::PCMA } else { rtp::PCMU }))
            .collect();
        codecs.push(Codec::Events(EVENT_PAYLOAD));
        let mut text = self.session();
        self.write_stream(&mut text, "RTP/AVP", &codecs, Direction::Both);
        text
    }

    /// The answer: one stream taken, with the offer's own numbers, every other refused with port zero.
    pub fn answer(&self, offer: &Description, agreed: &Agreed) -> String {
        let mut text = self.session();
        for (index, stream) in offer.streams.iter().enumerate() {
            if index == agreed.stream {
                self.write_stream(
                    &mut text,
                    &stream.protocol,
                    &agreed.codecs,
                    agreed.direction,
                );
            } else {
                let format = stream.formats.first().map_or("0", String::as_str);
                let _ = write!(text, "m={} 0 {} {format}\r\n", stream.kind, stream.protocol);
            }
        }
        text
    }

    fn session(&self) -> String {
        let Self {
            address,
            id,
            version,
        } = self;
        let family = if address.is_ipv6() { "IP6" } else { "IP4" };
        let ip = address.ip();
        format!(
            "v=0\r\no=- {id} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n"
        )
    }

    fn write_stream(
        &self,
        text: &mut String,
        protocol: &str,
        codecs: &[Codec],
        direction: Direction,
    ) {
        let _ = write!(text, "m=audio {} {protocol}", self.address.port());
        for codec in codecs {
            let _ = write!(text, " {}", codec.number());
        }
        text.push_str("\r\n");
        for codec in codecs {
            codec.write(text);
        }
        let _ = write!(text, "a=ptime:20\r\na={}\r\n", direction.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Law; 2] = [Law::A, Law::Mu];
    const LOCAL: Local = Local {
        address: SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9)), 20_000),
        id: 7,
        version: 1,
    };

    fn offer(media: &str) -> Description {
        Description::parse(
            format!(
                "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{media}"
            )
            .as_bytes(),
        )
        .unwrap()
    }

    #[test]
    fn order_and_numbers_are_the_offerers() {
        let offer = offer(
            "m=audio 4000 RTP/AVP 18 0 97 8\r\na=rtpmap:18 G729/8000\r\na=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\na=ptime:30\r\n",
        );
        let agreed = offer.agree(&BOTH).unwrap();
        assert_eq!((agreed.law, agreed.payload_type()), (Law::Mu, 0));
        assert_eq!(
            agreed.payloads,
            Payloads {
                a_law: Some(8),
                mu_law: Some(0),
                events: Some(97)
            }
        );
        assert_eq!(agreed.remote, Some("192.0.2.1:4000".parse().unwrap()));
        assert!(
            LOCAL
                .answer(&offer, &agreed)
                .contains("m=audio 20000 RTP/AVP 0 97 8\r\n")
        );
    }

    /// A dynamic number may stand for a static codec; a wide-band key event is not for us.
    #[test]
    fn numbers_mean_what_the_map_says() {
        let agreed = offer("m=audio 4000 RTP/AVP 0 100 101\r\na=rtpmap:0 X/8000\r\na=rtpmap:100 pcma/8000/1\r\na=rtpmap:101 telephone-event/16000\r\n")
            .agree(&BOTH)
            .unwrap();
        assert_eq!(
            agreed.payloads,
            Payloads {
                a_law: Some(100),
                mu_law: None,
                events: None
            }
        );
        assert_eq!(agreed.payload_type(), 100);
    }

    #[test]
    fn hold_is_answered() {
        for (line, answer, sending, receiving) in [
            ("a=sendonly\r\n", "a=recvonly", false, true),
            ("a=inactive\r\n", "a=inactive", false, false),
            ("a=recvonly\r\n", "a=sendonly", true, false),
            ("a=sendrecv\r\n", "a=sendrecv", true, true),
            ("c=IN IP4 0.0.0.0\r\n", "a=recvonly", false, false),
        ] {
            let offer = offer(&format!("m=audio 4000 RTP/AVP 8\r\n{line}"));
            let agreed = offer.agree(&BOTH).unwrap();
            assert_eq!(
                (agreed.sending, agreed.receiving),
                (sending, receiving),
                "{line}"
            );
            assert!(
                LOCAL
                    .answer(&offer, &agreed)
                    .ends_with(&format!("{answer}\r\n")),
                "{line}"
            );
        }
    }

    #[test]
    fn one_stream_is_taken_the_others_refused() {
        let offer = offer(
            "m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/SAVP 8\r\nm=audio 4002 RTP/AVP 8\r\nc=IN IP4 192.0.2.2\r\nm=audio 4004 RTP/AVP 0\r\n",
        );
        let agreed = offer.agree(&BOTH).unwrap();
        assert_eq!(agreed.remote, Some("192.0.2.2:4002".parse().unwrap()));
        let answer = LOCAL.answer(&offer, &agreed);
        let streams: Vec<&str> = answer
            .lines()
            .filter(|line| line.starts_with("m="))
            .collect();
        assert_eq!(
            streams,
            [
                "m=video 0 RTP/AVP 31",
                "m=audio 0 RTP/SAVP 8",
                "m=audio 20000 RTP/AVP 8",
                "m=audio 0 RTP/AVP 0"
            ]
        );
    }

    #[test]
    fn nothing_in_common_is_told() {
        for media in [
            "",
            "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 X-NOBODY/8000\r\n",
            "m=audio 0 RTP/AVP 8\r\n",
            "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        ] {
            assert_eq!(
                offer(media).agree(&BOTH),
                Err(SdpError::NothingInCommon),
                "{media}"
            );
        }
        assert_eq!(
            offer("m=audio 4000 RTP/AVP 8\r\n").agree(&[Law::Mu]),
            Err(SdpError::NothingInCommon)
        );
        assert_eq!(Description::parse(b"hello"), Err(SdpError::Malformed));
    }

    #[test]
    fn our_offer_is_one_we_would_take() {
        let agreed = Description::parse(LOCAL.offer(&BOTH).as_bytes())
            .unwrap()
            .agree(&BOTH)
            .unwrap();
        assert_eq!(
            agreed.payloads,
            Payloads {
                a_law: Some(8),
                mu_law: Some(0),
                events: Some(101)
            }
        );
        assert_eq!(agreed.remote, Some(LOCAL.address));
    }

    proptest::proptest! {
        #[test]
        fn any_description_is_survived(body in "v=0\r\n(([mca]=)?[a-z0-9 /.:=-]{0,40}\r\n){0,30}") {
            if let Ok(description) = Description::parse(body.as_bytes())
                && let Ok(agreed) = description.agree(&BOTH) {
                LOCAL.answer(&description, &agreed);
            }
        }
    }
}
