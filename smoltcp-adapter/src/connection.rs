//! One established connection of a server: reads requests, has them answered, queues the replies.

use core::time::Duration;

use linecard_core::{Instant, Limits, OutBuf, Service, Session, Want, pump};
use smoltcp::socket::tcp::{Socket, State};

use crate::receive::{Parser, ReadPosition};
use crate::setup::{Scratch, Timeouts};
use crate::write_timer::WriteTimer;

/// What the server lends to each of its connections in turn.
pub(crate) struct ServerContext<'r, 'a> {
    pub(crate) now: Instant,
    pub(crate) service: &'r mut dyn Service,
    pub(crate) scratch: &'r mut Scratch<'a>,
    pub(crate) timeouts: &'r Timeouts,
    /// How long a handshake may take.
    pub(crate) handshake_timeout: Duration,
}

/// What becomes of a connection after a poll.
#[derive(PartialEq, Eq)]
pub(crate) enum NextStep {
    /// It goes on, or the socket's state tells how it ended.
    Stay,
    /// The server ends it.
    Close,
}

pub(crate) struct Connection<'l> {
    session: Session<'l>,
    write_timer: WriteTimer,
    position: ReadPosition,
    want: Want,
    /// The server stops: the session has something to send, whether or not anything was received.
    stopping: bool,
    /// Replies were written in the last poll, so handlers may have run.
    served: bool,
}

impl<'l> Connection<'l> {
    pub(crate) fn new(limits: &'l Limits, now: Instant) -> Self {
        Self {
            session: Session::new(limits, now),
            write_timer: WriteTimer::new(now),
            position: ReadPosition::default(),
            want: Want::Input { frame_len: None },
            stopping: false,
            served: false,
        }
    }

    /// The server stops; a frame that was begun may be finished until `by`.
    pub(crate) fn stop(&mut self, by: Instant) {
        self.session.stop(by);
        self.stopping = true;
    }

    /// When to serve again if nothing is received before.
    pub(crate) fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        let write = self.write_timer.deadline(timeouts.write);
        write.into_iter().chain(self.session.deadline()).min()
    }

    /// Answers what was received, and looks at the deadlines.
    pub(crate) fn serve(
        &mut self,
        socket: &mut Socket<'_>,
        cx: &mut ServerContext<'_, '_>,
    ) -> NextStep {
        // In any other state either side has reset it.
        if !matches!(socket.state(), State::Established | State::CloseWait) {
            return NextStep::Stay;
        }
        self.write_timer.check(socket.send_queue(), cx.now);
        if self.write_timer.deadline(cx.timeouts.write).is_some_and(|due| cx.now >= due) {
            socket.abort();
            return NextStep::Stay;
        }
        if core::mem::take(&mut self.served) {
            // `now` is taken once per poll, before the handlers run. This is the first poll with a
            // later one, so the time that they took is not counted as the peer's.
            self.session.restart_timeout(cx.now);
        }
        let due = self.session.deadline().is_some_and(|due| cx.now >= due);
        let runnable = match self.want {
            Want::Output { free } => free_len(socket) >= free,
            _ => due || self.stopping || self.position.has_news(socket),
        };
        if runnable { self.run(socket, due, cx) } else { NextStep::Stay }
    }

    fn run(
        &mut self,
        socket: &mut Socket<'_>,
        due: bool,
        cx: &mut ServerContext<'_, '_>,
    ) -> NextStep {
        let mut requests = Requests {
            session: &mut self.session,
            service: cx.service,
            served: &mut self.served,
            write_timer: &mut self.write_timer,
            now: cx.now,
            free: free_len(socket),
            buf: cx.scratch.reply,
            written: 0,
        };
        // Whether a deadline was met is decided over all that was received, not over the piece of
        // it that lies before the wrap.
        let want = self.position.run(socket, cx.scratch.frame, due, &mut requests);
        match want {
            None | Some(Want::Close) => NextStep::Close,
            Some(want) => {
                self.want = want;
                NextStep::Stay
            }
        }
    }
}

/// Bytes that the transmit ring takes now.
fn free_len(socket: &Socket<'_>) -> usize {
    socket.send_capacity().saturating_sub(socket.send_queue())
}

/// The parser of a connection's requests.
struct Requests<'r, 'l> {
    session: &'r mut Session<'l>,
    service: &'r mut dyn Service,
    served: &'r mut bool,
    write_timer: &'r mut WriteTimer,
    now: Instant,
    /// Bytes that the transmit ring takes.
    free: usize,
    /// Where replies are encoded.
    buf: &'r mut [u8],
    /// Bytes of replies in `buf`.
    written: usize,
}

impl Parser for Requests<'_, '_> {
    fn parse(&mut self, input: &[u8], end: bool) -> (usize, Want) {
        let free = self.free.min(self.buf.len());
        let mut out = OutBuf::new(self.buf.get_mut(..free).unwrap_or_default());
        let result = pump(self.session, self.service, self.now, input, end, &mut out);
        self.written = out.written().len();
        result
    }

    fn send(&mut self, socket: &mut Socket<'_>) -> bool {
        let replies = self.buf.get(..self.written).unwrap_or_default();
        let _ = socket.send_slice(replies); // no longer than what is free
        self.write_timer.queued(socket.send_queue(), self.now);
        self.free = free_len(socket);
        let any = !replies.is_empty();
        *self.served |= any;
        any
    }
}
