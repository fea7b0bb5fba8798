//! One socket of a server, from one connection to the next.
//!
//! ```text
//!            SYN            ACK              Want::Close             both FINs, or 2 s
//! Listening ─────► Opening ─────► Serving ───────────────► Closing ────────────────────► Listening
//!                     │              │                        │
//!                     └──────────────┴──── reset, either's ───┴────────────────────────► Listening
//! ```

use core::time::Duration;

use linecard_core::{Code, Instant, Limits, OutBuf, refuse};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::wire::IpEndpoint;

use crate::connection::{Connection, NextStep, ServerContext};
use crate::listen::ListenState;
use crate::receive::discard_all;
use crate::setup::Timeouts;
use crate::write_timer::WriteTimer;

/// The local and the remote endpoint of a connection.
pub(crate) type Endpoints = (IpEndpoint, IpEndpoint);

pub(crate) struct Slot<'l> {
    pub(crate) handle: SocketHandle,
    stage: Stage<'l>,
}

enum Stage<'l> {
    /// No connection. The socket listens, unless the server is stopping.
    Listening,
    /// The handshake began.
    Opening {
        since: Instant,
    },
    Serving(Connection<'l>),
    /// Our FIN follows our last byte. What the peer still sends is discarded: left unread, it would
    /// be answered by a reset, which can destroy our last reply.
    Closing(Closing),
}

struct Closing {
    write_timer: WriteTimer,
    /// Until when the peer may send its FIN; set when ours was acknowledged.
    linger_until: Option<Instant>,
}

impl<'l> Slot<'l> {
    pub(crate) const fn new(handle: SocketHandle) -> Self {
        Self { handle, stage: Stage::Listening }
    }

    pub(crate) const fn is_free(&self) -> bool {
        matches!(self.stage, Stage::Listening)
    }

    /// The connection whose SYN came since the last poll, if one did.
    pub(crate) fn new_connection(&self, socket: &Socket<'_>) -> Option<Endpoints> {
        if self.is_free() { endpoints(socket) } else { None }
    }

    /// A connection began.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.stage = Stage::Opening { since: now };
    }

    /// Whether this slot has that connection.
    pub(crate) fn has(&self, connection: Endpoints, socket: &Socket<'_>) -> bool {
        !self.is_free() && endpoints(socket) == Some(connection)
    }

    /// Does all that can be done for the connection now. A connection without `limits` gets
    /// `ERR busy`: this is the spare.
    pub(crate) fn serve(
        &mut self,
        socket: &mut Socket<'_>,
        limits: Option<&'l Limits>,
        listen: ListenState,
        cx: &mut ServerContext<'_, '_>,
    ) {
        if self.is_free() && socket.is_active() {
            self.begin(cx.now);
        }
        if let Stage::Opening { since } = self.stage {
            self.open(socket, since, limits, cx);
        }
        if let Stage::Serving(connection) = &mut self.stage {
            if let Some(by) = listen.stop_by {
                connection.stop(by);
            }
            if connection.serve(socket, cx) == NextStep::Close {
                self.close(socket, cx.now);
            }
        }
        if let Stage::Closing(closing) = &mut self.stage
            && closing.poll(socket, cx) == NextStep::Close
        {
            self.stage = Stage::Listening;
            listen.reopen(socket);
        }
    }

    /// Whether the socket's connection is over, and it does not listen.
    pub(crate) fn is_over(&self, socket: &Socket<'_>, listen: ListenState) -> bool {
        match socket.state() {
            // TIME-WAIT protects the peer's next connection from late segments of this one. Its
            // sequence numbers do that as well.
            State::Closed | State::TimeWait => !listen.is_stopping() || !self.is_free(),
            // A half-open connection that was reset left its TCP options behind: listen anew.
            State::Listen => listen.is_stopping() || !self.is_free(),
            _ => false,
        }
    }

    /// Lets the socket listen again if its connection is over. Call it when everything that can be
    /// sent is sent: what is not, such as a reset, is lost.
    pub(crate) fn reopen(&mut self, socket: &mut Socket<'_>, listen: ListenState) {
        if self.is_over(socket, listen) {
            self.stage = Stage::Listening;
            listen.reopen(socket);
        }
    }

    /// When to serve again if nothing is received before.
    pub(crate) fn deadline(&self, timeouts: &Timeouts, handshake: Duration) -> Option<Instant> {
        match &self.stage {
            Stage::Listening => None,
            Stage::Opening { since } => Some(since.saturating_add(handshake)),
            Stage::Serving(connection) => connection.deadline(timeouts),
            Stage::Closing(closing) => closing.deadline(timeouts),
        }
    }

    fn open(
        &mut self,
        socket: &mut Socket<'_>,
        since: Instant,
        limits: Option<&'l Limits>,
        cx: &mut ServerContext<'_, '_>,
    ) {
        match (socket.state(), limits) {
            (State::SynReceived, _) if cx.now >= since.saturating_add(cx.handshake_timeout) => {
                socket.abort();
            }
            (State::Established | State::CloseWait, Some(limits)) => {
                self.stage = Stage::Serving(Connection::new(limits, cx.now));
            }
            (State::Established | State::CloseWait, None) => {
                let mut out = OutBuf::new(cx.scratch.reply);
                refuse(Code::Busy, &mut out);
                let _ = socket.send_slice(out.written());
                self.close(socket, cx.now);
            }
            _ => {}
        }
    }

    fn close(&mut self, socket: &mut Socket<'_>, now: Instant) {
        socket.close();
        self.stage =
            Stage::Closing(Closing { write_timer: WriteTimer::new(now), linger_until: None });
    }
}

impl Closing {
    /// Resets a peer that does not acknowledge our last bytes. Returns [`NextStep::Close`] for one
    /// that acknowledged them and did not close in time; what it sends after that is answered by a
    /// reset.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &ServerContext<'_, '_>) -> NextStep {
        discard_all(socket);
        match socket.state() {
            State::FinWait1 | State::Closing | State::LastAck => {
                self.write_timer.check(socket.send_queue() + 1, cx.now);
                if self.write_timer.deadline(cx.timeouts.write).is_some_and(|due| cx.now >= due) {
                    socket.abort();
                }
            }
            State::FinWait2 => {
                let linger = cx.now.saturating_add(cx.timeouts.linger);
                if cx.now >= *self.linger_until.get_or_insert(linger) {
                    return NextStep::Close;
                }
            }
            _ => {}
        }
        NextStep::Stay
    }

    fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        self.linger_until.or_else(|| self.write_timer.deadline(timeouts.write))
    }
}

fn endpoints(socket: &Socket<'_>) -> Option<Endpoints> {
    socket.local_endpoint().zip(socket.remote_endpoint())
}
