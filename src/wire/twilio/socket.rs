//! The task that owns the WebSocket of one stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::message::Writer;
use super::session::{Beginning, Control, Ending, Reaction, Session, Stream};
use super::{Limits, TwilioLeg};
use crate::media::g711::Law;
use crate::wire::Switchboard;
use crate::wire::link::Order;

/// How often the socket looks whether anything came at all.
const LOOK: Duration = Duration::from_millis(500);

/// Carries one stream from its handshake to its end.
pub(super) async fn carry(socket: WebSocket, limits: Limits, switchboard: Arc<dyn Switchboard>) {
    let stream = Arc::new(Stream::default());
    let mut line = Line {
        socket,
        session: Session::new(stream.clone()),
        stream,
        born: Instant::now(),
        limits,
    };
    let ending = match line.start().await {
        Ok(beginning) if !switchboard.admits(&beginning.incoming) => Ending::Refused,
        Ok(beginning) => {
            let leg = TwilioLeg::new(line.stream.clone());
            switchboard.connect(beginning.incoming, Box::new(leg));
            line.talk(Writer::new(&beginning.stream_sid)).await
        }
        Err(ending) => ending,
    };
    tracing::debug!(?ending, "media stream: over");
    line.stream.link.inbox.end(ending.cause());
    line.stream.link.outbox.close();
    line.close(ending).await;
}

struct Line {
    socket: WebSocket,
    session: Session,
    stream: Arc<Stream>,
    born: Instant,
    limits: Limits,
}

impl Line {
    /// Reads until the stream has begun.
    async fn start(&mut self) -> Result<Box<Beginning>, Ending> {
        let limit = self.limits.start;
        let begun = async {
            loop {
                match self.read().await? {
                    Reaction::Carry => {}
                    Reaction::Begin(beginning) => return Ok(beginning),
                    Reaction::End(ending) => return Err(ending),
                }
            }
        };
        timeout(limit, begun).await.unwrap_or(Err(Ending::Silent))
    }

    /// Carries sound both ways until one side ends.
    async fn talk(&mut self, writer: Writer) -> Ending {
        let stream = self.stream.clone();
        let mut orders = VecDeque::new();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_heard = Instant::now();
        loop {
            let done = tokio::select! {
                reaction = self.read() => {
                    last_heard = Instant::now();
                    match reaction {
                        Ok(Reaction::End(ending)) => Err(ending),
                        other => other.map(drop),
                    }
                }
                () = stream.link.outbox.ready() => {
                    stream.link.outbox.take(&mut orders);
                    self.perform(&writer, &mut orders).await
                }
                _ = look.tick() => if last_heard.elapsed() < self.limits.idle { Ok(()) } else { Err(Ending::Silent) },
            };
            if let Err(ending) = done {
                return ending;
            }
        }
    }

    async fn read(&mut self) -> Result<Reaction, Ending> {
        match self.socket.recv().await {
            Some(Ok(Frame::Text(text))) => {
                Ok(self.session.handle(text.as_str(), self.born.elapsed()))
            }
            Some(Ok(Frame::Binary(_))) => Err(Ending::Unusable),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Ok(Reaction::Carry),
            Some(Ok(Frame::Close(_))) => Err(Ending::Stopped),
            Some(Err(error)) => {
                tracing::debug!(%error, "media stream: reading failed");
                Err(Ending::Broken)
            }
            None => Err(Ending::Broken),
        }
    }

    async fn perform(
        &mut self,
        writer: &Writer,
        orders: &mut VecDeque<Order<Control>>,
    ) -> Result<(), Ending> {
        for order in orders.drain(..) {
            let text = match order {
                Order::Sound(frame) => writer.media(&Law::Mu.encode_frame(&frame)),
                Order::Control(Control::Mark(mark)) => writer.mark(&mark.name()),
                Order::Control(Control::Clear) => writer.clear(),
                Order::Close => return Err(Ending::HungUp),
            };
            self.send(Frame::text(text)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, frame: Frame) -> Result<(), Ending> {
        match timeout(self.limits.write, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::debug!(%error, "media stream: writing failed");
                Err(Ending::Broken)
            }
            Err(_) => Err(Ending::Broken),
        }
    }

    /// Says why and waits for the peer's close, both together for a bounded time: half-closed sockets stay for hours.
    async fn close(mut self, ending: Ending) {
        let farewell = async {
            let frame = CloseFrame {
                code: ending.close_code(),
                reason: "".into(),
            };
            if self.socket.send(Frame::Close(Some(frame))).await.is_err() {
                return;
            }
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        let _ = timeout(self.limits.close, farewell).await;
    }
}
