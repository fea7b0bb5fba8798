//! A connection's non-blocking socket: reads and writes with their errors sorted out.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use socket2::SockRef;

use super::counters::{WorkerCounters, add};
use super::readiness::Readiness;

/// Why a connection ends at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disconnect {
    /// The peer is gone, or the system failed.
    Lost,
    /// The server resets it, because it costs too much or is not to look complete.
    Reset,
}

#[derive(Debug)]
pub(super) struct Socket {
    tcp: TcpStream,
    readiness: Readiness,
}

impl Socket {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self { tcp, readiness: Readiness::default() }
    }

    /// The poll reported an event.
    pub(super) fn on_event(&mut self, event: &Event) {
        self.readiness.after_event(event);
    }

    /// Whether there may be something to read.
    pub(super) const fn is_readable(&self) -> bool {
        self.readiness.readable
    }

    /// Whether the end of the stream was read.
    pub(super) const fn is_ended(&self) -> bool {
        self.readiness.ended
    }

    /// Reads once. Empty is the end of the stream. `None`: there is nothing to read now.
    pub(super) fn read<'b>(
        &mut self,
        buf: &'b mut [u8],
        counters: &WorkerCounters,
    ) -> Result<Option<&'b [u8]>, Disconnect> {
        match self.tcp.read(buf) {
            Ok(len) => {
                self.readiness.after_read(len, buf.len());
                add(&counters.bytes_in, len as u64);
                Ok(Some(&buf[..len]))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readiness.after_would_block();
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(lost(&error)),
        }
    }

    /// Writes until all is sent or the system takes no more. Returns how much it took.
    pub(super) fn write(
        &mut self,
        bytes: &[u8],
        counters: &WorkerCounters,
    ) -> Result<usize, Disconnect> {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.tcp.write(&bytes[sent..]) {
                Ok(0) => return Err(Disconnect::Lost),
                Ok(len) => sent += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(lost(&error)),
            }
        }
        add(&counters.bytes_out, sent as u64);
        Ok(sent)
    }

    /// Nothing more will be sent.
    pub(super) fn shutdown_write(&self) -> Result<(), Disconnect> {
        self.tcp.shutdown(Shutdown::Write).map_err(|error| lost(&error))
    }

    /// Dropping the socket will reset the connection.
    pub(super) fn reset_on_drop(&self) {
        if let Err(error) = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)) {
            log::debug!("a connection closes without a reset: {error}");
        }
    }
}

fn lost(error: &io::Error) -> Disconnect {
    log::debug!("a connection is lost: {error}");
    Disconnect::Lost
}
