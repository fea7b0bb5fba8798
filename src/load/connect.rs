//! Opening the connections, all at once.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use linecard_std::{Address, Error};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::connection::Connection;
use super::plan::Plan;

/// The most events of one wait.
pub(super) const MAX_EVENTS: usize = 1_024;

/// Connections that are all open.
pub(crate) struct Connected {
    pub(super) poll: Poll,
    /// Registered under their index.
    pub(super) connections: Vec<Connection>,
    /// From the first attempt until the last connection was open.
    pub(crate) took: Duration,
}

/// Opens the connections to the first address of the server at which all of them open. The time for
/// connecting is shared evenly by the addresses.
///
/// # Errors
/// The address is invalid, or the last of its addresses failed.
pub(crate) fn connect(plan: &Plan) -> Result<Connected, Error> {
    let address: Address = plan.address.parse()?;
    let found = address.to_connect()?;
    let deadline = Instant::now() + plan.timeout;
    let mut failure = io::Error::from(ErrorKind::AddrNotAvailable);
    for (at, &to) in (0..).zip(&found) {
        let left = deadline.saturating_duration_since(Instant::now());
        let others = u32::try_from(found.len()).unwrap_or(u32::MAX) - at;
        match connect_to(to, plan, left / others) {
            Err(error) => failure = error,
            Ok(connected) => return Ok(connected),
        }
    }
    Err(Error::Connect(address.to_string(), failure))
}

fn connect_to(to: SocketAddr, plan: &Plan, timeout: Duration) -> io::Result<Connected> {
    let begin = Instant::now();
    let mut poll = Poll::new()?;
    let count = plan.connections.get();
    let mut connections = Vec::with_capacity(count);
    for key in 0..count {
        let mut tcp = TcpStream::connect(to)?;
        poll.registry().register(&mut tcp, Token(key), interest())?;
        let share = plan.pace.share(key as u64, count as u64);
        connections.push(Connection::new(tcp, key as u64, share));
    }
    wait_for_all(&mut poll, &connections, begin + timeout)?;
    Ok(Connected { poll, connections, took: begin.elapsed() })
}

/// Urgent data is asked for where the system reports it, since it ends a read early.
fn interest() -> Interest {
    let interest = Interest::READABLE | Interest::WRITABLE;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let interest = interest | Interest::PRIORITY;
    interest
}

fn wait_for_all(poll: &mut Poll, connections: &[Connection], by: Instant) -> io::Result<()> {
    let mut events = Events::with_capacity(MAX_EVENTS);
    let mut is_open = vec![false; connections.len()];
    let mut missing = connections.len();
    while missing > 0 {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        ignore_interrupt(poll.poll(&mut events, Some(left)))?;
        for event in &events {
            let Token(key) = event.token();
            if let Some(tcp) = connections[key].tcp()
                && !is_open[key]
                && is_connected(tcp)?
            {
                is_open[key] = true;
                missing -= 1;
            }
        }
    }
    Ok(())
}

fn is_connected(tcp: &TcpStream) -> io::Result<bool> {
    if let Some(error) = tcp.take_error()? {
        return Err(error);
    }
    match tcp.peer_addr() {
        Ok(_) => tcp.set_nodelay(true).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// A signal ends a wait early; the caller waits again.
pub(super) fn ignore_interrupt(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
        outcome => outcome,
    }
}
