//! Calls over a connection of our own, without blocking: for a program that polls other things as
//! well.
//!
//! ```text
//! open ─► Opened ─► call ─► … poll … ─► Reply, with the tag that call returned
//!   └──────────────────────────► Closed
//! ```

use core::time::Duration;

use linecard_core::wire::MAX_HEAD_LINE_LEN;
use linecard_core::{ClientSession, Command, Fault, Incoming, Instant, OutBuf, RequestError, Want};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{ConnectError, Socket, State};
use smoltcp::time;
use smoltcp::wire::IpEndpoint;

use crate::call_deadlines::CallDeadlines;
use crate::client_event::{ClientEvent, CloseReason};
use crate::options::set_options;
use crate::receive::{Parser, ReadPosition, discard_all};
use crate::setup::{Scratch, Timeouts};
use crate::stack::{PollPhase, Stack};
use crate::time::{remaining, to_core};

/// A client over one socket, with up to `CALLS` calls without a reply.
///
/// The order of calls: [`open`](Self::open); [`poll`](Self::poll) whenever a frame came or the time
/// it returned has passed; [`call`](Self::call) after [`ClientEvent::Opened`];
/// [`close`](Self::close). After [`ClientEvent::Closed`] it can be opened again.
pub struct Client<'a, const CALLS: usize> {
    socket: SocketHandle,
    session: ClientSession<CALLS>,
    deadlines: CallDeadlines<CALLS>,
    scratch: Scratch<'a>,
    window: u32,
    state: ClientState,
    position: ReadPosition,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClientState {
    /// Not opened yet, or [`ClientEvent::Closed`] was reported.
    Closed,
    Opening {
        by: Instant,
    },
    Open,
    /// Our FIN is sent; the socket is closed by then.
    Closing {
        by: Instant,
        reason: CloseReason,
    },
}

/// How long a connection that the server ended may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

impl<'a, const CALLS: usize> Client<'a, CALLS> {
    /// A client over a closed TCP socket of the set that it will be polled with. It sends requests
    /// of up to the length of `scratch.reply`, and takes reply frames of up to the length of
    /// `scratch.frame` and the socket's receive ring. With more than `window` bytes of requests
    /// unanswered no call is made; the socket's transmit ring should hold that many.
    #[must_use]
    pub fn new(socket: SocketHandle, scratch: Scratch<'a>, window: u32) -> Self {
        Self {
            socket,
            session: ClientSession::new(0, window),
            deadlines: CallDeadlines::new(),
            scratch,
            window,
            state: ClientState::Closed,
            position: ReadPosition::default(),
        }
    }

    /// Begins to connect from `local_port`. Take one from 49152 to 65535, a different one for each
    /// connection to one server. [`ClientEvent::Opened`] reports success, [`ClientEvent::Closed`]
    /// failure, at the latest after `timeout`.
    ///
    /// # Errors
    /// Where the socket is open already, or the address or a port can't be used.
    pub fn open<D: Device>(
        &mut self,
        now: time::Instant,
        stack: &mut Stack<'_, D>,
        server: impl Into<IpEndpoint>,
        local_port: u16,
        timeout: time::Duration,
    ) -> Result<(), ConnectError> {
        let socket = stack.sockets.get_mut::<Socket<'_>>(self.socket);
        set_options(socket, &Timeouts::DEFAULT);
        socket.connect(stack.iface.context(), server, local_port)?;
        let frame_len = self.scratch.frame.len().min(socket.recv_capacity());
        let max_reply_len = frame_len.saturating_sub(MAX_HEAD_LINE_LEN + "\r\n".len());
        let max_reply_len = u32::try_from(max_reply_len).unwrap_or(u32::MAX);
        self.session = ClientSession::new(max_reply_len, self.window);
        self.deadlines = CallDeadlines::new();
        self.position = ReadPosition::default();
        self.state = ClientState::Opening { by: to_core(now + timeout) };
        Ok(())
    }

    /// Queues a request; the next poll sends it. [`ClientEvent::Reply`] with the returned tag
    /// answers it, or [`ClientEvent::TimedOut`] reports that no reply came within `timeout`.
    ///
    /// # Errors
    /// [`RequestError`]. [`RequestError::Window`] and [`RequestError::NoRoom`] pass when replies
    /// come; before [`ClientEvent::Opened`] and after the end it is [`RequestError::Closed`].
    pub fn call<C: Command>(
        &mut self,
        now: time::Instant,
        sockets: &mut SocketSet<'_>,
        request: &C::Request<'_>,
        timeout: time::Duration,
    ) -> Result<u32, RequestError> {
        if self.state != ClientState::Open {
            return Err(RequestError::Closed);
        }
        let socket = sockets.get_mut::<Socket<'_>>(self.socket);
        let free = socket.send_capacity().saturating_sub(socket.send_queue());
        let deadline = self.deadlines.vacant().ok_or(RequestError::Window)?;
        let free = free.min(self.scratch.reply.len());
        let mut out = OutBuf::new(self.scratch.reply.get_mut(..free).unwrap_or_default());
        let tag = self.session.call::<C>(request, &mut out)?;
        socket.send_slice(out.written()).map_err(|_| RequestError::Closed)?;
        *deadline = Some((tag, to_core(now + timeout)));
        Ok(tag)
    }

    /// Gives a call up: a reply that still comes is skipped.
    pub fn forget(&mut self, tag: u32) {
        self.session.forget(tag);
        self.deadlines.remove(tag);
    }

    /// Ends the connection once everything written is sent. [`ClientEvent::Closed`] reports the
    /// end, at the latest after `timeout`. Without a connection this does nothing, and nothing is
    /// reported; one that is closing already keeps its reason.
    pub fn close(
        &mut self,
        now: time::Instant,
        sockets: &mut SocketSet<'_>,
        timeout: time::Duration,
    ) {
        let by = to_core(now + timeout);
        match &mut self.state {
            ClientState::Closed => {}
            ClientState::Closing { by: earlier, .. } => *earlier = by.min(*earlier),
            ClientState::Opening { .. } | ClientState::Open => {
                sockets.get_mut::<Socket<'_>>(self.socket).close();
                self.state = ClientState::Closing { by, reason: CloseReason::Local };
            }
        }
    }

    /// Polls the stack, and reports to `on_event` what happened. Returns how long the caller may
    /// sleep before the next poll if no frame comes first (`None`: for ever). Never blocks.
    pub fn poll<D: Device>(
        &mut self,
        now: time::Instant,
        stack: &mut Stack<'_, D>,
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) -> Option<time::Duration> {
        let idle = stack.poll(now, |phase, sockets| self.poll_phase(now, phase, sockets, on_event));
        let due = self.deadline().map(|due| remaining(due, now));
        idle.into_iter().chain(due).min()
    }

    /// This client's part of a [`Stack::poll`] that several socket owners share; returns what that
    /// expects.
    pub fn poll_phase(
        &mut self,
        now: time::Instant,
        phase: PollPhase,
        sockets: &mut SocketSet<'_>,
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) -> bool {
        let socket = sockets.get_mut::<Socket<'_>>(self.socket);
        match phase {
            PollPhase::FrameReceived => {}
            PollPhase::Process => self.process(to_core(now), socket, on_event),
            PollPhase::Sent => self.finish_closing(socket, on_event),
        }
        false
    }

    /// When to poll again because of this client's deadlines. (smoltcp has deadlines of its own.)
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            ClientState::Closed => None,
            ClientState::Opening { by } | ClientState::Closing { by, .. } => Some(by),
            ClientState::Open => self.deadlines.next(),
        }
    }

    fn process(
        &mut self,
        now: Instant,
        socket: &mut Socket<'_>,
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) {
        match (self.state, socket.state()) {
            (ClientState::Opening { .. }, State::Established | State::CloseWait) => {
                self.state = ClientState::Open;
                on_event(ClientEvent::Opened);
            }
            (ClientState::Opening { by }, State::SynSent | State::SynReceived) if now >= by => {
                self.abort(socket, CloseReason::TimedOut, on_event);
            }
            (ClientState::Opening { .. }, State::Closed) => {
                self.abort(socket, CloseReason::Refused, on_event);
            }
            (ClientState::Closing { .. }, _) => discard_all(socket),
            _ => {}
        }
        if self.state == ClientState::Open {
            self.receive(now, socket, on_event);
            self.expire_calls(now, on_event);
        }
        match self.state {
            ClientState::Open if socket.state() == State::Closed => {
                self.abort(socket, CloseReason::Reset, on_event);
            }
            ClientState::Closing { by, reason } if now >= by => {
                self.abort(socket, reason, on_event);
            }
            _ => {}
        }
    }

    /// A socket that is closing is closed once the last acknowledgement was sent.
    fn finish_closing(
        &mut self,
        socket: &mut Socket<'_>,
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) {
        if let ClientState::Closing { reason, .. } = self.state
            && !socket.is_open()
        {
            self.abort(socket, reason, on_event);
        }
    }

    fn abort(
        &mut self,
        socket: &mut Socket<'_>,
        reason: CloseReason,
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) {
        socket.abort();
        self.state = ClientState::Closed;
        on_event(ClientEvent::Closed(reason));
    }

    /// Reports all replies that were received.
    fn receive(
        &mut self,
        now: Instant,
        socket: &mut Socket<'_>,
        on_event: &mut dyn FnMut(ClientEvent<'_>),
    ) {
        if !self.position.has_news(socket) {
            return;
        }
        let mut replies = Replies {
            session: &mut self.session,
            deadlines: &mut self.deadlines,
            fault: Fault::End,
            on_event,
        };
        let want = self.position.run(socket, self.scratch.frame, false, &mut replies);
        let reason = CloseReason::Fault(replies.fault);
        if want == Some(Want::Close) {
            socket.close();
            self.state = ClientState::Closing { by: now.saturating_add(CLOSE_TIMEOUT), reason };
        }
    }

    fn expire_calls(&mut self, now: Instant, on_event: &mut dyn FnMut(ClientEvent<'_>)) {
        while let Some(tag) = self.deadlines.take_expired(now) {
            self.session.forget(tag);
            on_event(ClientEvent::TimedOut { tag });
        }
    }
}

/// The parser of a client's replies.
struct Replies<'r, const CALLS: usize> {
    session: &'r mut ClientSession<CALLS>,
    deadlines: &'r mut CallDeadlines<CALLS>,
    /// Why the connection is over, once `parse` returned [`Want::Close`].
    fault: Fault,
    on_event: &'r mut dyn FnMut(ClientEvent<'_>),
}

impl<const CALLS: usize> Parser for Replies<'_, CALLS> {
    fn parse(&mut self, input: &[u8], end: bool) -> (usize, Want) {
        let mut consumed = 0_usize;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let (len, incoming) = self.session.step(rest, end);
            consumed = consumed.saturating_add(len);
            match incoming {
                Incoming::Reply { tag, body } => {
                    self.deadlines.remove(tag);
                    (self.on_event)(ClientEvent::Reply { tag, body });
                }
                Incoming::TooLarge { tag, len } => {
                    self.deadlines.remove(tag);
                    (self.on_event)(ClientEvent::TooLarge { tag, len });
                }
                Incoming::Event(frame) => (self.on_event)(ClientEvent::Event(frame)),
                Incoming::Disconnected(refusal) => {
                    (self.on_event)(ClientEvent::Disconnected(refusal));
                }
                Incoming::Skipped => {}
                Incoming::NeedInput { frame_len } => return (consumed, Want::Input { frame_len }),
                Incoming::Closed(fault) => {
                    self.fault = fault;
                    return (consumed, Want::Close);
                }
            }
        }
    }

    /// Requests are queued by [`Client::call`].
    fn send(&mut self, _socket: &mut Socket<'_>) -> bool {
        false
    }
}
