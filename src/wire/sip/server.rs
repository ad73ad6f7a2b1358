//! The called side: what comes in is matched to its dialog, or begins a call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rsipstack::dialog::DialogId;
use rsipstack::dialog::dialog::{Dialog, DialogStateReceiver};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::prelude::{HeadersExt, ToTypedHeader};
use rsipstack::sip::{Header, Method, Request, StatusCode};
use rsipstack::transaction::TransactionReceiver;
use rsipstack::transaction::transaction::Transaction;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::leg::{Link, Session, SipLeg};
use super::message::Message;
use super::ports::Pair;
use super::sdp::{Agreed, Description, Local};
use super::{Stack, description_headers};
use crate::wire::{Incoming, Switchboard, Wire};

/// Seconds after which a refused caller may try again.
const RETRY_AFTER: &str = "5";

/// Takes requests until the endpoint stops.
pub(super) async fn serve(
    stack: Arc<Stack>,
    mut incoming: TransactionReceiver,
    stopped: CancellationToken,
) {
    let requests = async {
        while let Some(transaction) = incoming.recv().await {
            tokio::spawn(dispatch(stack.clone(), transaction));
        }
    };
    tokio::select! {
        () = stack.endpoint.serve() => {}
        () = requests => {}
        () = stopped.cancelled() => {}
    }
}

async fn dispatch(stack: Arc<Stack>, mut transaction: Transaction) {
    let begins = DialogId::try_from(&transaction).is_ok_and(|id| id.local_tag.is_empty());
    let dialog = match stack.dialogs.match_dialog(&transaction) {
        Some(Dialog::Invite(dialog)) if !dialog.state().is_terminated() => Some(dialog),
        _ => None,
    };
    let result = match (dialog, transaction.original.method) {
        // The INVITE before is not through yet (RFC 3261 §14.2).
        (Some(dialog), Method::Invite) if !dialog.state().is_confirmed() => {
            transaction.reply(StatusCode::RequestPending).await
        }
        (Some(mut dialog), _) => dialog.handle(&mut transaction).await,
        (None, Method::Invite) if begins => {
            take_invite(stack, transaction).await;
            Ok(())
        }
        _ => {
            transaction
                .reply(StatusCode::CallTransactionDoesNotExist)
                .await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a request was not handled");
    }
}

/// What a new call needs before it can ring.
struct Prepared {
    incoming: Incoming,
    switchboard: Arc<dyn Switchboard>,
    offer: Option<(Description, Agreed)>,
    local: Local,
    pair: Pair,
}

/// Why a call is not taken.
struct Refusal(StatusCode, Vec<Header>);

async fn take_invite(stack: Arc<Stack>, mut transaction: Transaction) {
    // The caller stops repeating at once, whatever becomes of its call.
    let trying = transaction.send_trying().await;
    let prepared = match prepare(&stack, &transaction) {
        Ok(prepared) if trying.is_ok() => prepared,
        Ok(_) => return,
        Err(Refusal(status, headers)) => return refuse(&mut transaction, status, headers).await,
    };
    let (sender, states) = stack.dialogs.new_dialog_state_channel();
    let contact = stack.contact(prepared.local.address.ip(), &prepared.incoming.to);
    match stack
        .dialogs
        .get_or_create_server_invite(&transaction, sender, None, Some(contact))
    {
        Ok(dialog) => {
            tokio::spawn(follow_invite(dialog.clone(), transaction));
            ring(stack, dialog, states, prepared).await;
        }
        Err(error) => {
            tracing::debug!(%error, "an INVITE makes no dialog");
            refuse(&mut transaction, StatusCode::BadRequest, Vec::new()).await;
        }
    }
}

async fn refuse(transaction: &mut Transaction, status: StatusCode, headers: Vec<Header>) {
    if transaction.reply_with(status, headers, None).await.is_ok() {
        // The refusal is repeated until its ACK comes.
        while transaction.receive().await.is_some() {}
    }
}

/// Drives the INVITE's transaction: responses, their repeats, CANCEL, ACK.
async fn follow_invite(mut dialog: InviteDialog, mut transaction: Transaction) {
    if let Err(error) = dialog.handle(&mut transaction).await {
        tracing::debug!(%error, "an INVITE ended early");
    }
}

fn prepare(stack: &Stack, transaction: &Transaction) -> Result<Prepared, Refusal> {
    let request = &transaction.original;
    let incoming = describe(request);
    let busy = || {
        Refusal(
            StatusCode::ServiceUnavailable,
            vec![Header::RetryAfter(RETRY_AFTER.into())],
        )
    };
    let draining = stack.draining.load(std::sync::atomic::Ordering::Relaxed);
    let switchboard = stack
        .switchboard
        .clone()
        .filter(|board| !draining && board.admits(&incoming))
        .ok_or_else(busy)?;
    let offer = read_offer(stack, &request.body)?;
    let peer = transaction
        .connection
        .as_ref()
        .and_then(|connection| connection.get_remote_addr()?.get_socketaddr().ok());
    let (local, pair) = open_media(stack, peer.unwrap_or(stack.address)).map_err(|error| {
        tracing::warn!(%error, "no ports for a call");
        busy()
    })?;
    Ok(Prepared {
        incoming,
        switchboard,
        offer,
        local,
        pair,
    })
}

/// Ports of a new session, and how we describe them to `peer`.
pub(super) fn open_media(stack: &Stack, peer: SocketAddr) -> std::io::Result<(Local, Pair)> {
    let pair = Pair::open(stack.address.ip(), &stack.settings.rtp_ports)?;
    let address = SocketAddr::new(stack.address_for(peer)?, pair.rtp.local_addr()?.port());
    // The session id must fit a signed 64-bit number in some peers.
    Ok((
        Local {
            address,
            id: rand::random::<u64>() >> 2,
            version: 1,
        },
        pair,
    ))
}

fn read_offer(stack: &Stack, body: &[u8]) -> Result<Option<(Description, Agreed)>, Refusal> {
    if body.is_empty() {
        return Ok(None);
    }
    let offer =
        Description::parse(body).map_err(|_| Refusal(StatusCode::BadRequest, Vec::new()))?;
    let agreed = offer
        .agree(&stack.settings.laws)
        .map_err(|_| Refusal(StatusCode::NotAcceptableHere, Vec::new()))?;
    Ok(Some((offer, agreed)))
}

/// Who calls whom. A withheld number is empty.
fn describe(request: &Request) -> Incoming {
    let from = request
        .from_header()
        .ok()
        .and_then(|from| from.typed().ok())
        .and_then(|from| from.uri.user().map(plain_user));
    let to = request.uri.user().map(plain_user);
    Incoming {
        wire: Wire::Sip,
        from: from
            .filter(|user| !user.eq_ignore_ascii_case("anonymous"))
            .unwrap_or_default(),
        to: to.unwrap_or_default(),
        reference: super::header(request, "Call-ID").unwrap_or_default(),
        parameters: super::private_headers(request),
    }
}

/// The user part without its parameters and with an escaped plus sign in clear.
fn plain_user(user: &str) -> String {
    user.split(';')
        .next()
        .unwrap_or_default()
        .replace("%2B", "+")
        .replace("%2b", "+")
}

async fn ring(
    stack: Arc<Stack>,
    dialog: InviteDialog,
    mut states: DialogStateReceiver,
    prepared: Prepared,
) {
    let octets = dialog.initial_request().to_bytes();
    let rings = Message::read(&octets).and_then(|invite| stack.ringing.note(&invite));
    let cancelled = rings
        .as_ref()
        .map(|rings| rings.cancelled.clone())
        .unwrap_or_default();
    let rung = dialog.ringing(None, None).is_ok()
        && !gives_up(&dialog, &mut states, &cancelled, stack.settings.ring).await;
    drop(rings);
    if rung && answer(&stack, &dialog, &prepared) {
        connect(stack, dialog, states, prepared);
    } else {
        stack.dialogs.remove_dialog(&dialog.id());
    }
}

/// Whether the caller gives up while it rings.
#[expect(clippy::disallowed_methods, reason = "ringing is nothing but time")]
async fn gives_up(
    dialog: &InviteDialog,
    states: &mut DialogStateReceiver,
    cancelled: &Notify,
    ring: Duration,
) -> bool {
    let ended = async {
        while let Some(state) = states.recv().await {
            if state.is_terminated() {
                break;
            }
        }
    };
    tokio::select! {
        () = tokio::time::sleep(ring) => false,
        () = ended => true,
        () = cancelled.notified() => dialog.reject(Some(StatusCode::RequestTerminated), None).is_ok(),
    }
}

/// Sends 200 with our description. Fails only when the caller has just gone.
fn answer(stack: &Stack, dialog: &InviteDialog, prepared: &Prepared) -> bool {
    let description = match &prepared.offer {
        Some((offer, agreed)) => prepared.local.answer(offer, agreed),
        None => prepared.local.offer(&stack.settings.laws),
    };
    dialog
        .accept(Some(description_headers()), Some(description.into_bytes()))
        .is_ok()
}

fn connect(
    stack: Arc<Stack>,
    dialog: InviteDialog,
    states: DialogStateReceiver,
    prepared: Prepared,
) {
    let Prepared {
        incoming,
        switchboard,
        offer,
        local,
        pair,
    } = prepared;
    let laws = stack.settings.laws.clone();
    let session = match &offer {
        Some((_, agreed)) => Session::from(agreed),
        None => Session::offered(laws.first().copied().unwrap_or(crate::media::g711::Law::A)),
    };
    let link = Link::new(session);
    let leg = SipLeg::new(link.clone(), pair, stack.behaviour());
    tokio::spawn(
        Call {
            stack,
            dialog,
            states,
            link,
            local,
            laws,
            answer_awaited: offer.is_none(),
        }
        .run(),
    );
    switchboard.connect(incoming, Box::new(leg));
}
