//! The life of one call, for whichever side began it: what the peer asks within it, and its end.

use std::sync::Arc;

use rsipstack::dialog::dialog::{
    DialogState, DialogStateReceiver, TerminatedReason, TransactionHandle,
};
use rsipstack::dialog::invite_dialog::InviteDialog;
use rsipstack::sip::{Header, Method, Request, StatusCode};

use super::Stack;
use super::leg::{Link, Session};
use super::sdp::{Description, Local, SdpError};
use crate::media::g711::Law;
use crate::wire::Cause;

/// One call's task.
pub(super) struct Call {
    pub stack: Arc<Stack>,
    pub dialog: InviteDialog,
    pub states: DialogStateReceiver,
    pub link: Arc<Link>,
    pub local: Local,
    pub laws: Vec<Law>,
    /// We made the offer, and the answer comes in the ACK (RFC 3261 §13.2.1).
    pub answer_awaited: bool,
}

/// What ended the waiting.
enum Woken {
    State(Option<Box<DialogState>>),
    HangUp,
}

impl Call {
    /// Lives through the call and tells the leg of its end.
    pub async fn run(mut self) {
        let mut leaving = false;
        let mut said_bye = false;
        let cause = loop {
            match self.wait(leaving).await {
                Woken::HangUp => leaving = true,
                Woken::State(Some(state)) => {
                    if let DialogState::Terminated(_, reason) = &*state {
                        break cause(reason, leaving);
                    }
                    self.react(*state).await;
                }
                Woken::State(None) => break Cause::Failure,
            }
            // Before the ACK of our 200 there may be no BYE (RFC 3261 §15); the state that follows tries again.
            if leaving && !said_bye && self.dialog.state().is_confirmed() {
                said_bye = true;
                self.say_bye();
            }
        };
        self.link.end(cause);
        self.stack.dialogs.remove_dialog(&self.dialog.id());
    }

    async fn wait(&mut self, leaving: bool) -> Woken {
        tokio::select! {
            state = self.states.recv() => Woken::State(state.map(Box::new)),
            () = self.link.hang_up.notified(), if !leaving => Woken::HangUp,
        }
    }

    /// Sends BYE and lets its answer come in the background.
    fn say_bye(&self) {
        let dialog = self.dialog.clone();
        tokio::spawn(async move {
            if let Err(error) = dialog.bye().await {
                tracing::debug!(%error, "BYE was not answered");
            }
        });
    }

    async fn react(&mut self, state: DialogState) {
        match state {
            DialogState::Confirmed(..) if self.answer_awaited => self.take_answer(),
            DialogState::Updated(_, request, handle) => self.renegotiate(&request, &handle).await,
            DialogState::Info(_, request, handle) => {
                self.take_info(&request);
                reply(&handle, StatusCode::OK, None).await;
            }
            DialogState::Options(_, _, handle) | DialogState::Notify(_, _, handle) => {
                reply(&handle, StatusCode::OK, None).await
            }
            DialogState::Message(_, _, handle)
            | DialogState::Refer(_, _, handle)
            | DialogState::Publish(_, _, handle) => {
                reply(&handle, StatusCode::MethodNotAllowed, None).await;
            }
            _ => {}
        }
    }

    /// The answer to our offer, in the ACK. Without one there is no session.
    fn take_answer(&mut self) {
        self.answer_awaited = false;
        let ack = self.dialog.last_remote_ack();
        let agreed = ack.map_or(Err(SdpError::Malformed), |ack| {
            Description::parse(&ack.body)?.agree(&self.laws)
        });
        match agreed {
            Ok(agreed) => self.link.change(Session::from(&agreed)),
            Err(error) => {
                tracing::warn!(%error, "our offer was not answered");
                self.link.end(Cause::Failure);
                self.link.hang_up.notify_one();
            }
        }
    }

    /// A re-INVITE or UPDATE: hold, resume, another address, or only a refresh.
    async fn renegotiate(&mut self, request: &Request, handle: &TransactionHandle) {
        if request.body.is_empty() {
            return self.renegotiate_late(request, handle).await;
        }
        let offer = Description::parse(&request.body);
        let agreed = offer.and_then(|offer| Ok((offer.agree(&self.laws)?, offer)));
        match agreed {
            Ok((agreed, offer)) => {
                self.local.version += 1;
                self.link.change(Session::from(&agreed));
                reply(
                    handle,
                    StatusCode::OK,
                    Some(self.local.answer(&offer, &agreed)),
                )
                .await;
            }
            // The session stays as it was (RFC 3261 §14.2).
            Err(_) => reply(handle, StatusCode::NotAcceptableHere, None).await,
        }
    }

    async fn renegotiate_late(&mut self, request: &Request, handle: &TransactionHandle) {
        if request.method == Method::Invite {
            self.local.version += 1;
            self.answer_awaited = true;
            reply(handle, StatusCode::OK, Some(self.local.offer(&self.laws))).await;
        } else {
            reply(handle, StatusCode::OK, None).await;
        }
    }

    fn take_info(&self, request: &Request) {
        let kind = super::header(request, "Content-Type").unwrap_or_default();
        if let Some(key) = read_key(&kind, &request.body) {
            self.link.press(key);
        }
    }
}

fn cause(reason: &TerminatedReason, leaving: bool) -> Cause {
    match reason {
        _ if leaving => Cause::Local,
        TerminatedReason::UacBye | TerminatedReason::UasBye | TerminatedReason::UacCancel => {
            Cause::Remote
        }
        TerminatedReason::Timeout => Cause::Timeout,
        _ => Cause::Failure,
    }
}

async fn reply(handle: &TransactionHandle, status: StatusCode, description: Option<String>) {
    let headers = description.is_some().then(super::description_headers);
    let body = description.map(String::into_bytes);
    // When nobody takes the reply, the request's transaction is over, and so is the need for it.
    let _ = handle.respond(status, headers, body).await;
}

/// The headers of a response with a description.
pub(super) fn description_headers() -> Vec<Header> {
    vec![
        Header::ContentType("application/sdp".into()),
        Header::Allow(super::gate::ALLOW.into()),
    ]
}

/// The key in an INFO: `Signal=5` in `application/dtmf-relay`, or the bare digit in `application/dtmf`.
fn read_key(kind: &str, body: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(body).ok()?;
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let signal = match kind.as_str() {
        "application/dtmf-relay" => text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("signal")
                .then(|| value.trim())
        })?,
        "application/dtmf" => text.trim(),
        _ => return None,
    };
    match signal {
        "10" => Some('*'),
        "11" => Some('#'),
        _ => signal
            .chars()
            .next()
            .filter(|key| matches!(key, '0'..='9' | '*' | '#' | 'A'..='D'))
            .filter(|_| signal.len() == 1),
    }
}

#[cfg(test)]
mod tests {
    use super::read_key;

    #[test]
    fn keys_by_signalling() {
        assert_eq!(
            read_key("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n"),
            Some('5')
        );
        assert_eq!(
            read_key("application/dtmf-relay;x=y", b"signal = #\r\n"),
            Some('#')
        );
        assert_eq!(read_key("application/dtmf", b"11\r\n"), Some('#'));
        assert_eq!(read_key("application/dtmf", b"7"), Some('7'));
        assert_eq!(read_key("application/dtmf", b"hello"), None);
        assert_eq!(read_key("text/plain", b"1"), None);
    }
}
