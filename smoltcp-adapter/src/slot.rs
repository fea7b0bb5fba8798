//! One socket of a server, from one connection to the next.
//!
//! ```text
//!            SYN            ACK              Want::Close             both FINs, or 2 s
//! Listening ─────► Opening ─────► Serving ───────────────► Closing ────────────────────► Listening
//!                     │              │                        │
//!                     └──────────────┴──── reset, either's ───┴────────────────────────► Listening
//! ```

use core::time::Duration;

use linecard_core::{Code, Instant, Limits, OutBuf, Service, Session, Want, pump, refuse};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::wire::IpEndpoint;

use crate::flow::Flow;
use crate::setup::{Scratch, Timeouts};
use crate::view::{drain, gathered, in_place};

/// Both ends of a connection, ours first.
pub(crate) type Pair = (IpEndpoint, IpEndpoint);

/// What a slot works with, and does not own.
pub(crate) struct SlotContext<'r, 'a> {
    pub(crate) now: Instant,
    pub(crate) service: &'r mut dyn Service,
    pub(crate) scratch: &'r mut Scratch<'a>,
    pub(crate) timeouts: &'r Timeouts,
    /// Nobody else could connect.
    pub(crate) crowded: bool,
    pub(crate) listen: ListenState,
}

/// Where a server listens, and whether it still does.
#[derive(Clone, Copy)]
pub(crate) struct ListenState {
    pub(crate) port: u16,
    /// It does not; connections may go on until then.
    pub(crate) stopping: Option<Instant>,
}

impl ListenState {
    /// Forgets the connection, without a word to the peer, and listens again.
    pub(crate) fn reopen(self, socket: &mut Socket<'_>) {
        socket.abort();
        // It is closed, and the port is not 0. This forgets the reset that `abort` would send.
        let _ = socket.listen(self.port);
        if self.stopping.is_some() {
            socket.close();
        }
    }
}

pub(crate) struct Slot<'l> {
    pub(crate) handle: SocketHandle,
    stage: Stage<'l>,
}

enum Stage<'l> {
    /// No connection; the socket listens, unless the server is stopping.
    Listening,
    /// A SYN came, and no ACK to ours yet.
    Opening {
        since: Instant,
    },
    Serving(Connection<'l>),
    /// Our FIN is behind our last byte. What the peer still sends is dropped, lest a reset destroy
    /// our last reply.
    Closing {
        flow: Flow,
        lingers: Option<Instant>,
    },
}

struct Connection<'l> {
    session: Session<'l>,
    flow: Flow,
    want: Want,
    /// Bytes in the receive ring that the session has seen and wants more behind.
    seen: usize,
    ended: bool,
}

impl<'l> Slot<'l> {
    pub(crate) const fn new(handle: SocketHandle) -> Self {
        Self { handle, stage: Stage::Listening }
    }

    pub(crate) const fn is_free(&self) -> bool {
        matches!(self.stage, Stage::Listening)
    }

    /// The connection whose SYN came since the last look, if one did.
    pub(crate) fn new_connection(&self, socket: &Socket<'_>) -> Option<Pair> {
        if self.is_free() { pair(socket) } else { None }
    }

    /// A connection began.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.stage = Stage::Opening { since: now };
    }

    /// Whether this slot has that connection.
    pub(crate) fn has(&self, connection: Pair, socket: &Socket<'_>) -> bool {
        !self.is_free() && pair(socket) == Some(connection)
    }

    /// Looks after the connection. `limits` are of the session to begin; none makes this the spare.
    pub(crate) fn serve(
        &mut self,
        socket: &mut Socket<'_>,
        limits: Option<&'l Limits>,
        cx: &mut SlotContext<'_, '_>,
    ) {
        if self.is_free() && socket.is_active() {
            self.begin(cx.now);
        }
        if let Stage::Opening { since } = self.stage {
            self.open(socket, since, limits, cx);
        }
        if let Stage::Serving(connection) = &mut self.stage {
            if let Some(by) = cx.listen.stopping {
                connection.stop(by);
            }
            if connection.serve(socket, cx) == NextStep::Close {
                self.close(socket, cx.now);
            }
        }
        if let Stage::Closing { flow, lingers } = &mut self.stage
            && finish(socket, flow, lingers, cx) == NextStep::Close
        {
            self.stage = Stage::Listening;
            cx.listen.reopen(socket);
        }
    }

    /// Whether the socket's connection is over, and it does not listen.
    pub(crate) fn is_over(&self, socket: &Socket<'_>, listen: ListenState) -> bool {
        match socket.state() {
            // TIME-WAIT keeps segments of this connection out of the peer's next; its sequence
            // numbers do as well.
            State::Closed | State::TimeWait => listen.stopping.is_none() || !self.is_free(),
            // A half-open connection that was reset left its options behind: listen afresh.
            State::Listen => listen.stopping.is_some() || !self.is_free(),
            _ => false,
        }
    }

    /// Lets the socket listen again where its connection is over. To be called when all that could
    /// be sent is sent: what is not is lost, of which a reset is the worst.
    pub(crate) fn reopen(&mut self, socket: &mut Socket<'_>, listen: ListenState) {
        if self.is_over(socket, listen) {
            self.stage = Stage::Listening;
            listen.reopen(socket);
        }
    }

    /// When to look again, if nothing happens before.
    pub(crate) fn deadline(&self, timeouts: &Timeouts, crowded: bool) -> Option<Instant> {
        match &self.stage {
            Stage::Listening => None,
            Stage::Opening { since } => Some(since.saturating_add(handshake(timeouts, crowded))),
            Stage::Serving(connection) => {
                let flow = connection.flow.deadline(timeouts.write);
                flow.into_iter().chain(connection.session.deadline()).min()
            }
            Stage::Closing { lingers: Some(until), .. } => Some(*until),
            Stage::Closing { flow, .. } => flow.deadline(timeouts.write),
        }
    }

    fn open(
        &mut self,
        socket: &mut Socket<'_>,
        since: Instant,
        limits: Option<&'l Limits>,
        cx: &mut SlotContext<'_, '_>,
    ) {
        match (socket.state(), limits) {
            (State::SynReceived, _)
                if cx.now >= since.saturating_add(handshake(cx.timeouts, cx.crowded)) =>
            {
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
        self.stage = Stage::Closing { flow: Flow::new(now), lingers: None };
    }
}

fn handshake(timeouts: &Timeouts, crowded: bool) -> Duration {
    if crowded { timeouts.handshake / 4 } else { timeouts.handshake }
}

/// The rest of a connection after our FIN: reset where the peer does not take our last bytes; to
/// be forgotten where it took them and does not close in time. (What it still sends then, it gets a
/// reset for.)
fn finish(
    socket: &mut Socket<'_>,
    flow: &mut Flow,
    lingers: &mut Option<Instant>,
    cx: &SlotContext<'_, '_>,
) -> NextStep {
    drain(socket);
    match socket.state() {
        State::FinWait1 | State::Closing | State::LastAck => {
            flow.view(socket.send_queue() + 1, cx.now);
            if flow.deadline(cx.timeouts.write).is_some_and(|due| cx.now >= due) {
                socket.abort();
            }
        }
        State::FinWait2 => {
            let until = *lingers.get_or_insert(cx.now.saturating_add(cx.timeouts.linger));
            if cx.now >= until {
                return NextStep::Close;
            }
        }
        _ => {}
    }
    NextStep::Stay
}

#[derive(PartialEq, Eq)]
enum NextStep {
    Stay,
    Close,
}

impl<'l> Connection<'l> {
    fn new(limits: &'l Limits, now: Instant) -> Self {
        Self {
            session: Session::new(limits, now),
            flow: Flow::new(now),
            want: Want::Input { frame_len: None },
            seen: 0,
            ended: false,
        }
    }

    fn stop(&mut self, by: Instant) {
        self.session.stop(by);
        // The session has something to say, input or not.
        self.seen = usize::MAX;
    }

    fn serve(&mut self, socket: &mut Socket<'_>, cx: &mut SlotContext<'_, '_>) -> NextStep {
        let ended = match socket.state() {
            State::Established => false,
            State::CloseWait => true,
            // Reset by either side.
            _ => return NextStep::Stay,
        };
        self.flow.view(socket.send_queue(), cx.now);
        if self.flow.deadline(cx.timeouts.write).is_some_and(|due| cx.now >= due) {
            socket.abort();
            return NextStep::Stay;
        }
        let news = socket.recv_queue() != self.seen || ended != self.ended;
        let due = self.session.deadline().is_some_and(|due| cx.now >= due);
        let runnable = match self.want {
            Want::Output { free } => free_len(socket) >= free,
            _ => news || due,
        };
        if runnable { self.run(socket, ended, due, cx) } else { NextStep::Stay }
    }

    /// Carries out all that was received, until the session wants what is not there.
    fn run(
        &mut self,
        socket: &mut Socket<'_>,
        ended: bool,
        due: bool,
        cx: &mut SlotContext<'_, '_>,
    ) -> NextStep {
        // A deadline is judged over all that was received, not over what lies in one piece of it.
        let mut gather = due;
        loop {
            let free = free_len(socket).min(cx.scratch.reply.len());
            let mut out = OutBuf::new(cx.scratch.reply.get_mut(..free).unwrap_or_default());
            let (session, service, now) = (&mut self.session, &mut *cx.service, cx.now);
            let show = |bytes: &[u8], end| pump(session, service, now, bytes, end, &mut out);
            let view = if gather {
                gathered(socket, cx.scratch.frame, ended, show)
            } else {
                in_place(socket, ended, show)
            };
            let Some(view) = view else { return NextStep::Close };
            let _ = socket.send_slice(out.written()); // no longer than what is free
            let idle = view.consumed == 0 && out.is_empty();
            self.flow.queue(socket.send_queue(), cx.now);
            match view.want {
                Want::Close => return NextStep::Close,
                Want::Output { .. } if idle => break self.rest(socket, ended, view.want),
                Want::Output { .. } => gather = false,
                Want::Input { .. } if view.all || (gather && idle) => {
                    break self.rest(socket, ended, view.want);
                }
                // A frame that wraps is put together once all of it is there.
                Want::Input { frame_len: Some(len) }
                    if socket.recv_queue() < len as usize && !ended =>
                {
                    break self.rest(socket, ended, view.want);
                }
                Want::Input { .. } => gather = !gather,
            }
        }
    }

    fn rest(&mut self, socket: &Socket<'_>, ended: bool, want: Want) -> NextStep {
        self.want = want;
        self.seen = socket.recv_queue();
        self.ended = ended;
        NextStep::Stay
    }
}

fn pair(socket: &Socket<'_>) -> Option<Pair> {
    socket.local_endpoint().zip(socket.remote_endpoint())
}

/// Bytes that the transmit ring takes now.
fn free_len(socket: &Socket<'_>) -> usize {
    socket.send_capacity().saturating_sub(socket.send_queue())
}
