//! A blocking stream of bytes over one socket, for core's blocking fronts and anything else that
//! takes `embedded_io`'s traits.

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

/// One TCP connection. While it waits it polls the whole stack, so the stack's other sockets send
/// and receive; a [`Server`](crate::Server) on the same stack is not polled.
///
/// Reads and writes wait until [a deadline](Self::set_deadline) and then fail with
/// [`ErrorKind::TimedOut`]. It is one deadline for a whole call, in however many pieces its bytes
/// come. The stream can be used again after that, with a later deadline.
///
/// End a connection with [`close`](Self::close): a stream that is dropped resets its connection at
/// the stack's next poll.
pub struct Stream<'s, 'a, D: Device, H: Platform> {
    stack: &'s mut Stack<'a, D>,
    socket: SocketHandle,
    platform: H,
    deadline: Option<Instant>,
}

impl<'s, 'a, D: Device, H: Platform> Stream<'s, 'a, D, H> {
    /// Connects a closed socket of the stack to `remote` from `local_port`. Take one from 49152 to
    /// 65535, a different one for each connection to one remote.
    ///
    /// # Errors
    /// - [`ErrorKind::TimedOut`]: no answer within `timeout`;
    /// - [`ErrorKind::ConnectionRefused`];
    /// - [`ErrorKind::AddrInUse`]: the socket is not closed;
    /// - [`ErrorKind::InvalidInput`]: the address or a port can't be used;
    /// - any error of [`Platform::sleep`].
    pub fn connect(
        stack: &'s mut Stack<'a, D>,
        socket: SocketHandle,
        platform: H,
        remote: impl Into<IpEndpoint>,
        local_port: u16,
        timeout: Duration,
    ) -> Result<Self, ErrorKind> {
        let mut stream = Self { stack, socket, platform, deadline: None };
        stream.set_timeout(timeout);
        let context = stream.stack.iface.context();
        let socket = stream.stack.sockets.get_mut::<Socket<'_>>(socket);
        set_options(socket, &Timeouts::DEFAULT);
        socket.connect(context, remote, local_port).map_err(connect_error)?;
        stream.wait(|socket| match socket.state() {
            State::SynSent | State::SynReceived => None,
            State::Closed => Some(Err(ErrorKind::ConnectionRefused)),
            _ => Some(Ok(())),
        })?;
        Ok(stream)
    }

    /// Waits for a connection to `port`, without a limit.
    ///
    /// # Errors
    /// - [`ErrorKind::AddrInUse`]: the socket is not closed;
    /// - [`ErrorKind::InvalidInput`]: port 0;
    /// - any error of [`Platform::sleep`].
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

    /// From this instant on reads and writes fail; `None` is never.
    pub const fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Sets the deadline to `timeout` from now.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.deadline = Some(self.platform.now() + timeout);
    }

    /// The platform that the stream runs on.
    pub const fn platform(&mut self) -> &mut H {
        &mut self.platform
    }

    /// Ends the sending half: the peer reads everything written, then the end of the stream.
    /// Reading goes on.
    pub fn shutdown(&mut self) {
        self.socket().close();
        self.poll();
    }

    /// Ends the sending half and waits until the peer has acknowledged everything and has ended its
    /// own half. What it still sends is discarded. After `timeout` the connection is reset.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] where it was reset, and any error of [`Platform::sleep`]. The socket
    /// is closed in any case.
    pub fn close(mut self, timeout: Duration) -> Result<(), ErrorKind> {
        self.set_timeout(timeout);
        self.shutdown();
        self.wait(|socket| {
            discard_all(socket);
            (!socket.is_open()).then_some(Ok(()))
        })
    }

    /// Polls until `done` returns a result, or the deadline passes.
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

fn connect_error(error: smoltcp::socket::tcp::ConnectError) -> ErrorKind {
    use smoltcp::socket::tcp::ConnectError;
    match error {
        ConnectError::InvalidState => ErrorKind::AddrInUse,
        ConnectError::Unaddressable => ErrorKind::InvalidInput,
    }
}

impl<D: Device, H: Platform> Drop for Stream<'_, '_, D, H> {
    fn drop(&mut self) {
        // After `close` there is nothing to reset.
        if self.socket().is_open() {
            self.socket().abort();
        }
    }
}

impl<D: Device, H: Platform> ErrorType for Stream<'_, '_, D, H> {
    type Error = ErrorKind;
}

impl<D: Device, H: Platform> Read for Stream<'_, '_, D, H> {
    /// Waits for at least one byte. 0 is the end of the stream, or `bytes` is empty.
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
    /// Waits until the socket takes at least one byte. [`flush`](Write::flush) or the next read
    /// sends it.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // Usually there is room without a poll, and several writes leave in one segment.
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

    /// Sends what the peer's window takes. It doesn't wait for the acknowledgement, because a read
    /// doesn't need it.
    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.poll();
        Ok(())
    }
}
