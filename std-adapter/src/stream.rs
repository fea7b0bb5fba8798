//! A TCP stream with one deadline, for core's blocking fronts.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};

/// How far a wait may exceed the deadline, to save a system call for each read.
const SLACK: Duration = Duration::from_millis(5);

/// A `TcpStream` as `embedded_io::{Read, Write}`, whose waits end at a deadline with
/// [`TimedOut`](embedded_io::ErrorKind::TimedOut), however slowly the bytes come.
#[derive(Debug)]
pub struct Stream {
    tcp: TcpStream,
    deadline: Option<Instant>,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl Stream {
    /// Connects to the first of `addresses` that answers. `timeout` is for all of them together.
    ///
    /// # Errors
    /// That of the last address; `TimedOut`; `InvalidInput` if there are no addresses.
    pub fn connect(addresses: &[SocketAddr], timeout: Duration) -> io::Result<Self> {
        let deadline = Instant::now().checked_add(timeout);
        let mut last_error = io::Error::from(ErrorKind::InvalidInput);
        for (at, address) in addresses.iter().enumerate() {
            // Each gets an equal share of what is left, so that one without an answer leaves time
            // for the others.
            let left = deadline.map_or(timeout, |deadline| deadline - Instant::now().min(deadline));
            let share = left / u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
            if share.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            match TcpStream::connect_timeout(address, share) {
                Ok(tcp) => return Self::new(tcp),
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    /// Takes a connected stream, and sets `TCP_NODELAY` and keep-alive after a minute without
    /// traffic.
    ///
    /// # Errors
    /// The options can't be set.
    pub fn new(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let keep_alive = TcpKeepalive::new().with_time(Duration::from_mins(1));
        SockRef::from(&tcp).set_tcp_keepalive(&keep_alive)?;
        tcp.set_read_timeout(None)?;
        tcp.set_write_timeout(None)?;
        Ok(Self { tcp, deadline: None, read_timeout: None, write_timeout: None })
    }

    /// Until when reads and writes may wait. `None`: without a limit.
    pub const fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Shuts down the writing side. The server sees the end of the stream; replies can still be
    /// read.
    ///
    /// # Errors
    /// As `TcpStream::shutdown`.
    pub fn shutdown_write(&self) -> io::Result<()> {
        self.tcp.shutdown(Shutdown::Write)
    }

    /// The peer's address.
    ///
    /// # Errors
    /// As `TcpStream::peer_addr`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }

    /// The time until the deadline, if there is one.
    fn left(&self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        match deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

/// Whether the timeout that is `set` on the socket is close enough to the time `left`.
fn is_close_enough(set: Option<Duration>, left: Option<Duration>) -> bool {
    match (set, left) {
        (Some(set), Some(left)) => set.abs_diff(left) <= SLACK,
        (None, None) => true,
        _ => false,
    }
}

/// A socket's timeout is reported as `WouldBlock` on Unix, and may come early.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

impl embedded_io::ErrorType for Stream {
    type Error = io::Error;
}

impl embedded_io::Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.left()?;
            if !is_close_enough(self.read_timeout, left) {
                self.tcp.set_read_timeout(left)?;
                self.read_timeout = left;
            }
            match self.tcp.read(buf) {
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }
}

impl embedded_io::Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            let left = self.left()?;
            if !is_close_enough(self.write_timeout, left) {
                self.tcp.set_write_timeout(left)?;
                self.write_timeout = left;
            }
            match self.tcp.write(buf) {
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
