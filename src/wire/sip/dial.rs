//! The calling side: one call to a SIP address, answered or not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rsipstack::dialog::dialog::DialogStateReceiver;
use rsipstack::dialog::invitation::InviteOption;
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Header, Response, StatusCodeKind, Uri};
use rsipstack::transport::SipAddr;

use super::Server;
use super::call::Call;
use super::leg::{Link, Session, SipLeg};
use super::ports::Pair;
use super::sdp::{Description, Local, SdpError};
use super::server::open_media;
use crate::media::g711::Law;

/// Whom to call, and how.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The called address: `sip:5511999990000@203.0.113.5:5060`.
    pub to: String,
    /// The number or user we call as.
    pub from: String,
    /// Codecs to offer, the preferred first.
    pub laws: Vec<Law>,
    /// How long to let it ring before the call is given up.
    pub ring_limit: Duration,
    /// More headers, such as `X-` ones that the other side understands.
    pub headers: BTreeMap<String, String>,
}

impl Dial {
    pub fn new(to: impl Into<String>, from: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            from: from.into(),
            laws: vec![Law::A, Law::Mu],
            ring_limit: Duration::from_secs(30),
            headers: BTreeMap::new(),
        }
    }
}

/// A call that was answered. Media flows from now on.
pub struct Answered {
    pub leg: SipLeg,
    /// The Call-ID.
    pub reference: String,
}

/// Why a call was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    #[error("{0:?} is no SIP address that can be called")]
    Address(String),
    #[error("no port for the sound")]
    Ports(#[source] std::io::Error),
    #[error("refused: {code} {reason}")]
    Refused { code: u16, reason: String },
    #[error("not answered in time")]
    NoAnswer,
    #[error("answered with a description we cannot use")]
    Description(#[source] SdpError),
    #[error("the call could not be made")]
    Stack(#[source] Box<rsipstack::Error>),
}

/// Makes a call and waits until it is answered. Dropping the future, or its limit, cancels the call.
pub async fn dial(server: &Server, dial: Dial) -> Result<Answered, DialError> {
    let stack = server.stack.clone();
    let target = parse_target(&dial.to).ok_or_else(|| DialError::Address(dial.to.clone()))?;
    let peer = peer_address(&target).unwrap_or(stack.address);
    let (local, pair) = open_media(&stack, peer).map_err(DialError::Ports)?;
    let (sender, states) = stack.dialogs.new_dialog_state_channel();
    let invite = stack.dialogs.do_invite(
        invitation(
            &dial,
            &stack.contact(local.address.ip(), &dial.from),
            target,
            &local,
        ),
        sender,
    );
    let (dialog, response) = tokio::time::timeout(dial.ring_limit, invite)
        .await
        .map_err(|_| DialError::NoAnswer)?
        .map_err(|source| DialError::Stack(Box::new(source)))?;
    let response = check_response(response)?;
    begin(
        server,
        &dial,
        Outgoing {
            dialog,
            states,
            local,
            pair,
        },
        &response,
    )
    .await
}

struct Outgoing {
    dialog: InviteDialog,
    states: DialogStateReceiver,
    local: Local,
    pair: Pair,
}

fn invitation(dial: &Dial, contact: &Uri, target: Uri, local: &Local) -> InviteOption {
    InviteOption {
        caller: contact.clone(),
        callee: target,
        contact: contact.clone(),
        offer: Some(local.offer(&dial.laws).into_bytes()),
        headers: Some(
            dial.headers
                .iter()
                .map(|(name, value)| Header::Other(name.clone(), value.clone()))
                .collect(),
        ),
        ..InviteOption::default()
    }
}

/// The library below takes nearly anything for an address.
fn parse_target(to: &str) -> Option<Uri> {
    let plain = to.get(..4)?.eq_ignore_ascii_case("sip:")
        && !to.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"?".contains(c));
    plain.then(|| Uri::try_from(to).ok()).flatten()
}

fn peer_address(target: &Uri) -> Option<SocketAddr> {
    let mut address = SipAddr::try_from(target).ok()?;
    address.addr.port.get_or_insert(5_060.into());
    address.get_socketaddr().ok()
}

fn check_response(response: Option<Response>) -> Result<Response, DialError> {
    let response = response.ok_or(DialError::NoAnswer)?;
    if response.status_code.kind() == StatusCodeKind::Successful {
        return Ok(response);
    }
    Err(DialError::Refused {
        code: response.status_code.code(),
        reason: response.status_code.text().to_owned(),
    })
}

/// Takes the answer's description and lets the call live. An answer that is of no use is ended with BYE.
async fn begin(
    server: &Server,
    dial: &Dial,
    outgoing: Outgoing,
    response: &Response,
) -> Result<Answered, DialError> {
    let Outgoing {
        dialog,
        states,
        local,
        pair,
    } = outgoing;
    let stack = server.stack.clone();
    let agreed =
        match Description::parse(&response.body).and_then(|answer| answer.agree(&dial.laws)) {
            Ok(agreed) => agreed,
            Err(source) => {
                if let Err(error) = dialog.bye().await {
                    tracing::debug!(%error, "BYE was not answered");
                }
                stack.dialogs.remove_dialog(&dialog.id());
                return Err(DialError::Description(source));
            }
        };
    let link = Link::new(Session::from(&agreed));
    let leg = SipLeg::new(link.clone(), pair, stack.behaviour());
    let reference = dialog.id().call_id;
    let laws = dial.laws.clone();
    tokio::spawn(
        Call {
            stack,
            dialog,
            states,
            link,
            local,
            laws,
            answer_awaited: false,
        }
        .run(),
    );
    Ok(Answered { leg, reference })
}
