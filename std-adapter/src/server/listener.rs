//! The listening thread: accepts connections, and wakes workers at their deadlines.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use super::config::Config;
use super::mailbox::{Accepted, Mailbox};
use super::shared::Shared;

const ACCEPT: Token = Token(0);
const WAKE: Token = Token(1);

/// How long to wait when the system has no descriptor or memory for one more connection.
/// Connections that close meanwhile free some, and the backlog holds those that wait.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(50);

/// Connections accepted before the workers' deadlines are checked again.
const BATCH: usize = 256;

/// A shortage is logged as a warning once in this time: it may last, and clients could fill the
/// log.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// The size of the system's send buffer. By default the system lets it grow to megabytes for each
/// peer that doesn't read, until it has no memory left for any.
const SEND_BUFFER_LEN: usize = 128 * 1024;

#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    poll: Poll,
    /// When a shortage was last logged as a warning.
    last_warning: Option<Instant>,
}

impl Listener {
    /// Listens on the first of `addresses` that works.
    pub(super) fn bind(addresses: &[SocketAddr], backlog: u32) -> io::Result<Self> {
        let mut last_error = io::Error::from(ErrorKind::AddrNotAvailable);
        for &address in addresses {
            match listen(address, backlog) {
                Ok(socket) => return Self::new(socket),
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    fn new(mut socket: TcpListener) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, ACCEPT, Interest::READABLE)?;
        Ok(Self { socket, poll, last_warning: None })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What wakes this listener.
    pub(super) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKE)
    }

    /// Hands connections to the workers in turn, and wakes the workers at their deadlines, until
    /// the server stops. Connections that the system had completed by then are handed over too, so
    /// that they are notified.
    pub(super) fn run(mut self, shared: &Shared, config: &Config) -> io::Result<()> {
        let mut events = Events::with_capacity(2);
        let mut mailboxes = shared.mailboxes.iter().cycle();
        let mut timeout = None;
        let _stop = shared.stop_on_drop();
        let outcome = loop {
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != ErrorKind::Interrupted => break Err(error),
                _ => timeout = self.accept_batch(shared, config, &mut mailboxes),
            }
            timeout = timeout.into_iter().chain(shared.wake_due_workers()).min();
            if shared.is_stopping() {
                break Ok(());
            }
        };
        shared.stop_listening();
        outcome
    }

    /// Accepts a batch of connections, or all that wait. Returns when to try again without an
    /// event.
    fn accept_batch<'s>(
        &mut self,
        shared: &Shared,
        config: &Config,
        mailboxes: &mut impl Iterator<Item = &'s Mailbox>,
    ) -> Option<Duration> {
        for _connection in 0..BATCH {
            match self.socket.accept() {
                Ok((tcp, peer)) => {
                    let accepted = admit(tcp, peer, shared, config);
                    accepted.into_iter().zip(&mut *mailboxes).for_each(|(accepted, mailbox)| {
                        mailbox.push(accepted);
                    });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => {
                    shared.accept_errors.fetch_add(1, Relaxed);
                    self.log(&error);
                    if !is_about_one_connection(&error) {
                        return Some(SHORTAGE_PAUSE);
                    }
                }
            }
        }
        Some(Duration::ZERO)
    }

    fn log(&mut self, error: &io::Error) {
        if self.last_warning.is_some_and(|last| last.elapsed() < WARNING_INTERVAL) {
            log::debug!("can't accept a connection: {error}");
        } else {
            log::warn!("can't accept a connection, will try again: {error}");
            self.last_warning = Some(Instant::now());
        }
    }
}

/// Decides what becomes of a connection. One above the limit is answered `busy`, or dropped if too
/// many linger already.
fn admit(tcp: TcpStream, peer: SocketAddr, shared: &Shared, config: &Config) -> Option<Accepted> {
    shared.accepted.fetch_add(1, Relaxed);
    if let Err(error) = tcp.set_nodelay(true) {
        log::debug!("{peer}: {error}");
        return None;
    }
    let admitted = shared.open.add(config.max_connections);
    if !admitted && !shared.lingering.add(shared.max_lingering()) {
        return None;
    }
    log::debug!("{peer}: {}", if admitted { "connected" } else { "busy" });
    Some(Accepted { tcp, admitted })
}

/// Whether an error of `accept` is about that connection alone, so that the next one may be
/// accepted at once.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// A listening socket whose backlog takes a burst of connections. That of std and mio is 128.
fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    // On Unix: to listen again while old connections are in TIME-WAIT. Elsewhere it allows more.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    // Connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER_LEN)?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}
