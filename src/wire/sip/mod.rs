//! SIP (RFC 3261) over UDP with G.711 over RTP: calls that come in, and calls that we make.
//!
//! Transactions and dialogs are `rsipstack`'s, which stays hidden behind this module; the datagrams before it, the
//! descriptions and the sound are ours. That library logs whole messages, with numbers in them, at level `info`, so
//! the log must be filtered by [`LOG_FILTER`].

mod call;
mod dial;
mod gate;
mod leg;
mod message;
mod ports;
mod sdp;
mod server;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rsipstack::EndpointBuilder;
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::{Header, HostWithPort, Request, Uri};
use rsipstack::transaction::endpoint::{Endpoint, EndpointOption};
use rsipstack::transport::TransportLayer;
use rsipstack::transport::udp::UdpConnection;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::call::description_headers;
use self::leg::Behaviour;
use crate::media::g711::Law;
use crate::wire::Switchboard;

pub use self::dial::{Answered, Dial, DialError, dial};
pub use self::leg::SipLeg;

/// The directive that keeps personal data out of the log: the library below writes messages out whole.
pub const LOG_FILTER: &str = "rsipstack=error";

/// What the administrator decides about SIP.
#[derive(Clone, Debug)]
pub struct SipSettings {
    /// Ports for sound; a call takes an even one and the next. Default 10000–19999.
    pub rtp_ports: RangeInclusive<u16>,
    /// Our address as peers see it, where it is translated on the way. Default: the local one.
    pub external_ip: Option<IpAddr>,
    /// What we call ourselves in messages. Default `combinado`.
    pub user_agent: String,
    /// Addresses that may speak to us: the trunks. Default: everybody.
    pub allowed: Vec<IpAddr>,
    /// Codecs, the preferred first. Default A-law, µ-law.
    pub laws: Vec<Law>,
    /// How long a call rings before it is answered. Default zero.
    pub ring: Duration,
    /// Delay of the jitter buffer. Default 40 ms.
    pub jitter_ms: u32,
    /// Without an RTP packet for so long, the peer is gone. Default 30 s.
    pub silence_limit: Duration,
}

impl Default for SipSettings {
    fn default() -> Self {
        Self {
            rtp_ports: 10_000..=19_999,
            external_ip: None,
            user_agent: "combinado".into(),
            allowed: Vec::new(),
            laws: vec![Law::A, Law::Mu],
            ring: Duration::ZERO,
            jitter_ms: 40,
            silence_limit: Duration::from_secs(30),
        }
    }
}

/// Why SIP does not work here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SipError {
    #[error("opening SIP on {address}")]
    Bind {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("starting the SIP stack on {address}")]
    Stack {
        address: SocketAddr,
        #[source]
        source: Box<rsipstack::Error>,
    },
}

/// A SIP endpoint. It works until the last clone is dropped.
#[derive(Clone)]
pub struct Server {
    stack: Arc<Stack>,
    _running: Arc<DropGuard>,
}

/// What all calls of an endpoint share.
struct Stack {
    endpoint: Endpoint,
    dialogs: DialogLayer,
    settings: SipSettings,
    address: SocketAddr,
    switchboard: Option<Arc<dyn Switchboard>>,
    draining: AtomicBool,
    ringing: Arc<gate::Ringing>,
}

impl Server {
    /// Opens the UDP port and takes calls for the switchboard.
    pub async fn bind(
        address: SocketAddr,
        settings: SipSettings,
        switchboard: Arc<dyn Switchboard>,
    ) -> Result<Self, SipError> {
        Self::open(address, settings, Some(switchboard)).await
    }

    /// An endpoint that only makes calls; those that come are refused.
    pub async fn outgoing(address: SocketAddr, settings: SipSettings) -> Result<Self, SipError> {
        Self::open(address, settings, None).await
    }

    /// Where it listens, with the port that was drawn when none was given.
    pub fn local_addr(&self) -> SocketAddr {
        self.stack.address
    }

    /// Calls that are ringing or up.
    pub fn calls(&self) -> usize {
        self.stack.dialogs.len()
    }

    /// Refuses new calls from now on (503); those that are up go on.
    pub fn drain(&self) {
        self.stack.draining.store(true, Ordering::Relaxed);
    }

    async fn open(
        address: SocketAddr,
        settings: SipSettings,
        switchboard: Option<Arc<dyn Switchboard>>,
    ) -> Result<Self, SipError> {
        let stopped = CancellationToken::new();
        let ringing = Arc::default();
        let (endpoint, address) = build_endpoint(address, &settings, &stopped, &ringing).await?;
        let incoming = endpoint
            .incoming_transactions()
            .map_err(|source| SipError::Stack {
                address,
                source: Box::new(source),
            })?;
        let dialogs = DialogLayer::new(endpoint.inner.clone());
        let stack = Arc::new(Stack {
            endpoint,
            dialogs,
            settings,
            address,
            switchboard,
            draining: AtomicBool::new(false),
            ringing,
        });
        tokio::spawn(server::serve(stack.clone(), incoming, stopped.clone()));
        Ok(Self {
            stack,
            _running: Arc::new(stopped.drop_guard()),
        })
    }
}

async fn build_endpoint(
    address: SocketAddr,
    settings: &SipSettings,
    stopped: &CancellationToken,
    ringing: &Arc<gate::Ringing>,
) -> Result<(Endpoint, SocketAddr), SipError> {
    let socket = tokio::net::UdpSocket::bind(address)
        .await
        .map_err(|source| SipError::Bind { address, source })?;
    let address = socket
        .local_addr()
        .map_err(|source| SipError::Bind { address, source })?;
    let gate = Arc::new(gate::Gate::new(
        socket,
        settings.allowed.clone(),
        ringing.clone(),
    ));
    let external = settings
        .external_ip
        .map(|ip| SocketAddr::new(ip, address.port()));
    let connection = UdpConnection::from_socket(gate, external, Some(stopped.child_token()))
        .await
        .map_err(|source| SipError::Stack {
            address,
            source: Box::new(source),
        })?;
    let transport = TransportLayer::new(stopped.clone());
    transport.add_transport(connection.into());
    // The library's own default suffix names its maker.
    let option = EndpointOption {
        callid_suffix: Some(settings.user_agent.clone()),
        ..EndpointOption::default()
    };
    let endpoint = EndpointBuilder::new()
        .with_user_agent(&settings.user_agent)
        .with_transport_layer(transport)
        .with_cancel_token(stopped.clone())
        .with_option(option)
        .build();
    Ok((endpoint, address))
}

impl Stack {
    /// The address that a peer is told: never an unspecified one, which no packet finds.
    fn address_for(&self, peer: SocketAddr) -> std::io::Result<IpAddr> {
        match self.settings.external_ip {
            Some(ip) => Ok(ip),
            None => ports::address_towards(self.address.ip(), peer),
        }
    }

    fn contact(&self, ip: IpAddr, user: &str) -> Uri {
        let mut uri = Uri::from(HostWithPort::from(SocketAddr::new(ip, self.address.port())));
        uri.auth = (!user.is_empty()).then(|| rsipstack::sip::Auth {
            user: user.to_owned(),
            password: None,
        });
        uri
    }

    fn behaviour(&self) -> Behaviour {
        Behaviour {
            jitter_ms: self.settings.jitter_ms,
            silence_limit: self.settings.silence_limit,
        }
    }
}

/// The value of a header, by its full name.
fn header(request: &Request, name: &str) -> Option<String> {
    request
        .headers
        .iter()
        .find(|header| header.name().eq_ignore_ascii_case(name))
        .map(|header| header.value().to_owned())
}

/// Headers that a private network adds, by their names in lower case.
fn private_headers(request: &Request) -> BTreeMap<String, String> {
    let headers = request.headers.iter().filter_map(|header| match header {
        Header::Other(name, value) => Some((name.to_ascii_lowercase(), value.clone())),
        _ => None,
    });
    headers.filter(|(name, _)| name.starts_with("x-")).collect()
}
