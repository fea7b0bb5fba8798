//! Calls over a connection of our own, without blocking: for a program that polls other things as
//! well.
//!
//! ```text
//! open ─► (Opened) ─► call ─► … poll … ─► (Reply, by the tag that call returned)
//!   └──────────────────────────► (Closed)
//! ```

use core::time::Duration;

use linecard_core::wire::MAX_HEAD_LINE_LEN;
use linecard_core::{
    Body, ClientSession, Command, Fault, Frame, Incoming, Instant, OutBuf, Refusal, RequestError,
    Want,
};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{ConnectError, Socket, State};
use smoltcp::time;
use smoltcp::wire::IpEndpoint;

use crate::options::prepare;
use crate::setup::{Scratch, Timeouts};
use crate::stack::{PollPhase, Stack};
use crate::time::{remaining, to_core};
use crate::view::{drain, gathered, in_place};

/// What happened on a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent<'i> {
    /// The connection is open.
    Opened,
    /// A call was answered.
    Reply {
        /// The tag of the call.
        tag: u32,
        /// The `OK`'s body, or the `ERR`.
        body: Result<Body<'i>, Refusal<&'i str>>,
    },
    /// A call was answered with a body over this client's capacity; it was skipped.
    TooLarge {
        /// The tag of the call.
        tag: u32,
        /// Bytes of the body.
        len: u32,
    },
    /// A call was not answered in time. Others go on; should its reply still come, it is skipped.
    TimedOut {
        /// The tag of the call.
        tag: u32,
    },
    /// An unsolicited frame.
    Event(Frame<'i>),
    /// The server says why it closes: no call without a reply was carried out. [`ClientEvent::Closed`]
    /// follows.
    Disconnected(Refusal<&'i str>),
    /// The connection is over, and every call without a reply has failed.
    Closed(Closed),
}

/// Why a client's connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Nobody answered in time.
    TimedOut,
    /// The server's host refused it.
    Refused,
    /// It was reset, or its peer fell silent.
    Reset,
    /// By the protocol: the server ended it, or broke the grammar.
    Fault(Fault),
    /// By [`Client::close`].
    Local,
}

/// A client over one socket, with up to `CALLS` calls without a reply.
///
/// The order of calls: [`open`](Self::open); [`poll`](Self::poll) whenever a frame came or the time
/// it returned has passed; [`call`](Self::call) from [`ClientEvent::Opened`] on; [`close`](Self::close).
/// After [`ClientEvent::Closed`] it can be opened again.
pub struct Client<'a, const CALLS: usize> {
    socket: SocketHandle,
    calls: ClientSession<CALLS>,
    due: [Option<(u32, Instant)>; CALLS],
    scratch: Scratch<'a>,
    window: u32,
    phase: Phase,
    /// Bytes in the receive ring that were looked at, and want more behind.
    seen: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Shut,
    Opening {
        by: Instant,
    },
    Open,
    /// Our FIN is on its way; the socket is closed by then.
    Closing {
        by: Instant,
        why: Closed,
    },
}

/// How long a connection that the server ended may take to close.
const CLOSING: Duration = Duration::from_secs(2);

impl<'a, const CALLS: usize> Client<'a, CALLS> {
    /// A client over a closed TCP socket of the set that it will be polled with. Requests of up to
    /// what `scratch.reply` holds are sent; reply frames of up to what `scratch.frame` and the
    /// socket's receive ring hold are taken. With more than `window` bytes of requests unanswered
    /// no call is made; the socket's transmit ring should hold so many.
    #[must_use]
    pub fn new(socket: SocketHandle, scratch: Scratch<'a>, window: u32) -> Self {
        Self {
            socket,
            calls: ClientSession::new(0, window),
            due: [None; CALLS],
            scratch,
            window,
            phase: Phase::Shut,
            seen: 0,
        }
    }

    /// Begins to connect, from `local_port` (49152 to 65535 are for that; each connection to one
    /// server wants another). [`ClientEvent::Opened`] says when it is done, [`ClientEvent::Closed`] when it
    /// failed, at the latest after `timeout`.
    ///
    /// # Errors
    /// Where the socket is open already, or the address or a port can't be connected to or from.
    pub fn open<D: Device>(
        &mut self,
        now: time::Instant,
        stack: &mut Stack<'_, D>,
        server: impl Into<IpEndpoint>,
        local_port: u16,
        timeout: time::Duration,
    ) -> Result<(), ConnectError> {
        let socket = stack.sockets.get_mut::<Socket<'_>>(self.socket);
        prepare(socket, &Timeouts::DEFAULT);
        socket.connect(stack.iface.context(), server, local_port)?;
        let frame_len = self.scratch.frame.len().min(socket.recv_capacity());
        let max_reply_len = frame_len.saturating_sub(MAX_HEAD_LINE_LEN + "\r\n".len());
        let max_reply_len = u32::try_from(max_reply_len).unwrap_or(u32::MAX);
        self.calls = ClientSession::new(max_reply_len, self.window);
        self.due = [None; CALLS];
        self.seen = 0;
        self.phase = Phase::Opening { by: to_core(now + timeout) };
        Ok(())
    }

    /// Puts a call on its way; the next poll sends it. [`ClientEvent::Reply`] with the tag returned
    /// answers it, or [`ClientEvent::TimedOut`] says that it was not answered after `timeout`.
    ///
    /// # Errors
    /// [`RequestError`]: [`RequestError::Window`] and [`RequestError::NoRoom`] pass when replies come;
    /// before [`ClientEvent::Opened`] and after the end it is [`RequestError::Closed`].
    pub fn call<C: Command>(
        &mut self,
        now: time::Instant,
        sockets: &mut SocketSet<'_>,
        request: &C::Request<'_>,
        timeout: time::Duration,
    ) -> Result<u32, RequestError> {
        if self.phase != Phase::Open {
            return Err(RequestError::Closed);
        }
        let socket = sockets.get_mut::<Socket<'_>>(self.socket);
        let free = socket.send_capacity().saturating_sub(socket.send_queue());
        let place = self.due.iter_mut().find(|due| due.is_none()).ok_or(RequestError::Window)?;
        let free = free.min(self.scratch.reply.len());
        let mut out = OutBuf::new(self.scratch.reply.get_mut(..free).unwrap_or_default());
        let tag = self.calls.call::<C>(request, &mut out)?;
        socket.send_slice(out.written()).map_err(|_| RequestError::Closed)?;
        *place = Some((tag, to_core(now + timeout)));
        Ok(tag)
    }

    /// Gives a call up: its reply, should it come, is skipped.
    pub fn forget(&mut self, tag: u32) {
        self.calls.forget(tag);
        settle(&mut self.due, tag);
    }

    /// Ends the connection once what was written is sent; [`ClientEvent::Closed`] says when, at the latest
    /// after `timeout`.
    pub fn close(
        &mut self,
        now: time::Instant,
        sockets: &mut SocketSet<'_>,
        timeout: time::Duration,
    ) {
        sockets.get_mut::<Socket<'_>>(self.socket).close();
        self.phase = Phase::Closing { by: to_core(now + timeout), why: Closed::Local };
    }

    /// Polls the stack, and tells `on` what happened. Returns how long the caller may sleep before
    /// the next poll, unless a frame comes first (none: for ever). Never blocks.
    pub fn poll<D: Device>(
        &mut self,
        now: time::Instant,
        stack: &mut Stack<'_, D>,
        on: &mut dyn FnMut(ClientEvent<'_>),
    ) -> Option<time::Duration> {
        let idle = stack.poll(now, |phase, sockets| self.poll_phase(now, phase, sockets, on));
        let due = self.deadline().map(|due| remaining(due, now));
        idle.into_iter().chain(due).min()
    }

    /// This client's part in a [`Stack::poll`] that it shares with others; answers as that wants it.
    pub fn poll_phase(
        &mut self,
        now: time::Instant,
        phase: PollPhase,
        sockets: &mut SocketSet<'_>,
        on: &mut dyn FnMut(ClientEvent<'_>),
    ) -> bool {
        let socket = sockets.get_mut::<Socket<'_>>(self.socket);
        match phase {
            PollPhase::Frame => {}
            PollPhase::Received => self.receive(to_core(now), socket, on),
            PollPhase::Answered => self.leave(socket, on),
        }
        false
    }

    /// When to poll again, as far as this client is concerned; smoltcp has deadlines of its own.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Shut => None,
            Phase::Opening { by } | Phase::Closing { by, .. } => Some(by),
            Phase::Open => self.due.iter().flatten().map(|(_, due)| *due).min(),
        }
    }

    fn receive(
        &mut self,
        now: Instant,
        socket: &mut Socket<'_>,
        on: &mut dyn FnMut(ClientEvent<'_>),
    ) {
        match (self.phase, socket.state()) {
            (Phase::Opening { .. }, State::Established | State::CloseWait) => {
                self.phase = Phase::Open;
                on(ClientEvent::Opened);
            }
            (Phase::Opening { by }, State::SynSent | State::SynReceived) if now >= by => {
                self.end(socket, Closed::TimedOut, on);
            }
            (Phase::Opening { .. }, State::Closed) => self.end(socket, Closed::Refused, on),
            (Phase::Closing { .. }, _) => drain(socket),
            _ => {}
        }
        if self.phase == Phase::Open {
            self.take(now, socket, on);
            self.expire(now, on);
        }
        match self.phase {
            Phase::Open if socket.state() == State::Closed => self.end(socket, Closed::Reset, on),
            Phase::Closing { by, why } if now >= by => self.end(socket, why, on),
            _ => {}
        }
    }

    /// Once all is sent, and the last acknowledgement among it, a closing socket may be closed.
    fn leave(&mut self, socket: &mut Socket<'_>, on: &mut dyn FnMut(ClientEvent<'_>)) {
        if let Phase::Closing { why, .. } = self.phase
            && !socket.is_open()
        {
            self.end(socket, why, on);
        }
    }

    fn end(&mut self, socket: &mut Socket<'_>, why: Closed, on: &mut dyn FnMut(ClientEvent<'_>)) {
        socket.abort();
        self.phase = Phase::Shut;
        on(ClientEvent::Closed(why));
    }

    /// Takes all replies that were received.
    fn take(&mut self, now: Instant, socket: &mut Socket<'_>, on: &mut dyn FnMut(ClientEvent<'_>)) {
        let ended = socket.state() != State::Established;
        if socket.recv_queue() == self.seen && !ended {
            return;
        }
        let mut gather = false;
        loop {
            let mut fault = Fault::End;
            let (calls, due) = (&mut self.calls, &mut self.due);
            let show = |bytes: &[u8], end| arrivals(calls, due, bytes, end, &mut fault, on);
            let view = if gather {
                gathered(socket, self.scratch.frame, ended, show)
            } else {
                in_place(socket, ended, show)
            };
            let Some(view) = view else { break };
            match view.want {
                Want::Close => {
                    socket.close();
                    let why = Closed::Fault(fault);
                    self.phase = Phase::Closing { by: now.saturating_add(CLOSING), why };
                    break;
                }
                _ if view.all || (gather && view.consumed == 0) => break,
                Want::Input { frame_len: Some(len) }
                    if socket.recv_queue() < len as usize && !ended =>
                {
                    break;
                }
                _ => gather = !gather,
            }
        }
        self.seen = socket.recv_queue();
    }

    fn expire(&mut self, now: Instant, on: &mut dyn FnMut(ClientEvent<'_>)) {
        for place in &mut self.due {
            if let Some((tag, due)) = *place
                && now >= due
            {
                *place = None;
                self.calls.forget(tag);
                on(ClientEvent::TimedOut { tag });
            }
        }
    }
}

/// Tells of all that arrived whole at the front of `input`. Ends with `Want::Input` or
/// `Want::Close`, the latter with the fault.
fn arrivals<const CALLS: usize>(
    calls: &mut ClientSession<CALLS>,
    due: &mut [Option<(u32, Instant)>],
    input: &[u8],
    end: bool,
    fault: &mut Fault,
    on: &mut dyn FnMut(ClientEvent<'_>),
) -> (usize, Want) {
    let mut consumed = 0_usize;
    loop {
        let rest = input.get(consumed..).unwrap_or_default();
        let (len, arrival) = calls.step(rest, end);
        consumed = consumed.saturating_add(len);
        match arrival {
            Incoming::Reply { tag, body } => {
                settle(due, tag);
                on(ClientEvent::Reply { tag, body });
            }
            Incoming::TooLarge { tag, len } => {
                settle(due, tag);
                on(ClientEvent::TooLarge { tag, len });
            }
            Incoming::Event(frame) => on(ClientEvent::Event(frame)),
            Incoming::Disconnected(refusal) => on(ClientEvent::Disconnected(refusal)),
            Incoming::Skipped => {}
            Incoming::NeedInput { frame_len } => return (consumed, Want::Input { frame_len }),
            Incoming::Closed(why) => {
                *fault = why;
                return (consumed, Want::Close);
            }
        }
    }
}

fn settle(due: &mut [Option<(u32, Instant)>], tag: u32) {
    for place in due.iter_mut().filter(|place| place.is_some_and(|(of, _)| of == tag)) {
        *place = None;
    }
}
