//! A blocking stream of bytes over one socket, for core's blocking fronts and whatever else takes
//! `embedded_io`'s traits.

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use smoltcp::iface::SocketHandle;
use smoltcp::phy::Device;
use smoltcp::socket::tcp::{RecvError, Socket, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use crate::options::set_options;
use crate::platform::Platform;
use crate::receive::discard_all;
use crate::setup::Timeouts;
use crate::stack::Stack;

/// One TCP connection. It polls the whole stack while it waits, so other sockets of it live on; a
/// [`Server`](crate::Server) on the same stack does not.
///
/// Reads and writes wait until a deadline, [`expire_at`](Self::expire_at), and then fail with
/// [`ErrorKind::TimedOut`]: one deadline for a whole call, in however many pieces it comes. After
/// that the stream can be used on with a later one.
///
/// At the end of a connection call [`close`](Self::close); a stream that is dropped resets its
/// connection at the stack's next poll.
pub struct Stream<'s, 'a, D: Device, H: Platform> {
    stack: &'s mut Stack<'a, D>,
    socket: SocketHandle,
    platform: H,
    deadline: Option<Instant>,
}

impl<'s, 'a, D: Device, H: Platform> Stream<'s, 'a, D, H> {
    /// Connects a closed socket of the stack to `remote`, from `local_port` (of which each
    /// connection to one remote wants another: 49152 to 65535 are for that).
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] where nobody answered before `timeout` had passed,
    /// [`ErrorKind::ConnectionRefused`], [`ErrorKind::AddrInUse`] where the socket is not closed,
    /// [`ErrorKind::InvalidInput`] for an address or port that can't be connected to or from, and
    /// what [`Platform::sleep`] fails with.
    pub fn connect(
        stack: &'s mut Stack<'a, D>,
        socket: SocketHandle,
        platform: H,
        remote: impl Into<IpEndpoint>,
        local_port: u16,
        timeout: Duration,
    ) -> Result<Self, ErrorKind> {
        let mut stream = Self { stack, socket, platform, deadline: None };
        stream.expire_in(timeout);
        let context = stream.stack.iface.context();
        let socket = stream.stack.sockets.get_mut::<Socket<'_>>(socket);
        set_options(socket, &Timeouts::DEFAULT);
        socket.connect(context, remote, local_port).map_err(refused)?;
        stream.wait(|socket| match socket.state() {
            State::SynSent | State::SynReceived => None,
            State::Closed => Some(Err(ErrorKind::ConnectionRefused)),
            _ => Some(Ok(())),
        })?;
        Ok(stream)
    }

    /// Waits for a connection to `port`, for as long as it takes.
    ///
    /// # Errors
    /// [`ErrorKind::AddrInUse`] where the socket is not closed, [`ErrorKind::InvalidInput`] for
    /// port 0, and what [`Platform::sleep`] fails with.
    pub fn accept(
        stack: &'s mut Stack<'a, D>,
        socket: SocketHandle,
        platform: H,
        port: u16,
    ) -> Result<Self, ErrorKind> {
        use smoltcp::socket::tcp::ListenError;
        let mut stream = Self { stack, socket, platform, deadline: None };
        let socket = stream.stack.sockets.get_mut::<Socket<'_>>(socket);
        set_options(socket, &Timeouts::DEFAULT);
        socket.listen(port).map_err(|error| match error {
            ListenError::InvalidState => ErrorKind::AddrInUse,
            ListenError::Unaddressable => ErrorKind::InvalidInput,
        })?;
        stream.wait(|socket| match socket.state() {
            State::Listen | State::SynReceived => None,
            _ => Some(Ok(())),
        })?;
        Ok(stream)
    }

    /// From when on reads and writes fail; none is never.
    pub const fn expire_at(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// The same, so long from now.
    pub fn expire_in(&mut self, span: Duration) {
        self.deadline = Some(self.platform.now() + span);
    }

    /// What it runs on.
    pub const fn platform(&mut self) -> &mut H {
        &mut self.platform
    }

    /// Ends our half: the peer reads the end of the stream behind what was written. Reading goes
    /// on.
    pub fn shutdown(&mut self) {
        self.socket().close();
        self.poll();
    }

    /// Ends our half and waits, at most `timeout`, until the peer has taken all of it and has ended
    /// its own; what it still sends is dropped. After that the connection is reset.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] where it had to be reset, and what [`Platform::sleep`] fails with. The
    /// socket is closed in any case.
    pub fn close(mut self, timeout: Duration) -> Result<(), ErrorKind> {
        self.expire_in(timeout);
        self.shutdown();
        self.wait(|socket| {
            discard_all(socket);
            (!socket.is_open()).then_some(Ok(()))
        })
    }

    /// Polls until `done` says so, or the deadline passes.
    fn wait<R>(
        &mut self,
        mut done: impl FnMut(&mut Socket<'_>) -> Option<Result<R, ErrorKind>>,
    ) -> Result<R, ErrorKind> {
        loop {
            let idle = self.poll();
            if let Some(result) = done(self.socket()) {
                return result;
            }
            let now = self.platform.now();
            let left = match self.deadline {
                Some(deadline) if now >= deadline => return Err(ErrorKind::TimedOut),
                Some(deadline) => Some(deadline - now),
                None => None,
            };
            self.platform.sleep(idle.into_iter().chain(left).min())?;
        }
    }

    fn poll(&mut self) -> Option<Duration> {
        self.stack.poll(self.platform.now(), |_, _| false)
    }

    fn socket(&mut self) -> &mut Socket<'a> {
        self.stack.sockets.get_mut(self.socket)
    }
}

fn refused(error: smoltcp::socket::tcp::ConnectError) -> ErrorKind {
    use smoltcp::socket::tcp::ConnectError;
    match error {
        ConnectError::InvalidState => ErrorKind::AddrInUse,
        ConnectError::Unaddressable => ErrorKind::InvalidInput,
    }
}

impl<D: Device, H: Platform> Drop for Stream<'_, '_, D, H> {
    fn drop(&mut self) {
        // Closed already, this does nothing.
        if self.socket().is_open() {
            self.socket().abort();
        }
    }
}

impl<D: Device, H: Platform> ErrorType for Stream<'_, '_, D, H> {
    type Error = ErrorKind;
}

impl<D: Device, H: Platform> Read for Stream<'_, '_, D, H> {
    /// Waits for at least one byte; 0 is the end of the stream (or an empty `bytes`).
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.wait(|socket| match socket.recv_slice(bytes) {
            Ok(0) => None,
            Ok(len) => Some(Ok(len)),
            Err(RecvError::Finished) => Some(Ok(0)),
            Err(RecvError::InvalidState) => Some(Err(ErrorKind::ConnectionReset)),
        })
    }
}

impl<D: Device, H: Platform> Write for Stream<'_, '_, D, H> {
    /// Waits until the socket takes at least one byte; [`flush`](Write::flush), or the next read,
    /// sends them.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // Most of the time there is room without a poll, and what is written in pieces leaves in
        // one.
        match self.socket().send_slice(bytes) {
            Ok(0) => {}
            Ok(len) => return Ok(len),
            Err(_) => return Err(ErrorKind::ConnectionReset),
        }
        self.wait(|socket| match socket.send_slice(bytes) {
            Ok(0) => None,
            Ok(len) => Some(Ok(len)),
            Err(_) => Some(Err(ErrorKind::ConnectionReset)),
        })
    }

    /// Sends what the peer's window takes; does not wait for acknowledgement, which reading does
    /// not need.
    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.poll();
        Ok(())
    }
}
