//! Accepting connections: all there are, as soon as they are there, whatever goes wrong with one.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use super::config::Config;
use super::shared::{Accepted, Mailbox, Shared};

const ACCEPT: Token = Token(0);
const WAKE: Token = Token(1);

/// How long to wait when the system has no descriptors or memory for one more connection: those that
/// close meanwhile make room, and the backlog holds who waits.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(50);

/// Connections accepted before the workers' deadlines are looked at.
const BATCH: usize = 256;

/// A shortage is told of so often, for it may last, and whoever connects could fill a log with it.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// Bytes of replies that a socket takes and its peer has not. Left to itself, the system lets that
/// grow to megabytes for each peer that doesn't read, until it has none left for anybody.
const SEND_BUFFER_LEN: usize = 128 * 1024;

#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    poll: Poll,
    /// When it was last told that connections can't be accepted.
    told: Option<Instant>,
}

impl Listener {
    /// Listens on the first of `addresses` that can be had.
    pub(super) fn bind(addresses: &[SocketAddr], backlog: u32) -> io::Result<Self> {
        let mut failure = io::Error::from(ErrorKind::AddrNotAvailable);
        for &address in addresses {
            match listen(address, backlog) {
                Ok(socket) => return Self::new(socket),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn new(mut socket: TcpListener) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, ACCEPT, Interest::READABLE)?;
        Ok(Self { socket, poll, told: None })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKE)
    }

    /// Hands connections to the workers, in turn, and keeps watch over their deadlines, until the server stops; those that the system had
    /// completed by then are handed over too, to be told.
    pub(super) fn run(mut self, shared: &Shared, config: &Config) -> io::Result<()> {
        let mut events = Events::with_capacity(2);
        let mut mailboxes = shared.workers.iter().cycle();
        let mut limit = None;
        let _at_the_end = shared.stop_on_drop();
        let outcome = loop {
            match self.poll.poll(&mut events, limit) {
                Err(error) if error.kind() != ErrorKind::Interrupted => break Err(error),
                _ => limit = self.accept_all(shared, config, &mut mailboxes),
            }
            limit = limit.into_iter().chain(shared.wake_due_workers()).min();
            if shared.is_stopping() {
                break Ok(());
            }
        };
        shared.stop_listening();
        outcome
    }

    /// Accepts a batch, or until there are no more; says when to come back unasked.
    fn accept_all<'s>(
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
                        mailbox.hand_over(accepted);
                    });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => {
                    shared.accept_errors.fetch_add(1, Relaxed);
                    self.tell(&error);
                    if !is_about_one_peer(&error) {
                        return Some(NO_ROOM_PAUSE);
                    }
                }
            }
        }
        Some(Duration::ZERO)
    }

    fn tell(&mut self, error: &io::Error) {
        if self.told.is_some_and(|told| told.elapsed() < TELL_AGAIN) {
            log::debug!("can't accept a connection: {error}");
        } else {
            log::warn!("can't accept a connection, and tries again: {error}");
            self.told = Some(Instant::now());
        }
    }
}

/// A connection over the limit is to be told `busy`; with too many of those about, it is dropped.
fn admit(tcp: TcpStream, peer: SocketAddr, shared: &Shared, config: &Config) -> Option<Accepted> {
    shared.accepted.fetch_add(1, Relaxed);
    if let Err(error) = tcp.set_nodelay(true) {
        log::debug!("{peer}: {error}");
        return None;
    }
    let admitted = Shared::take_place(&shared.open, config.max_connections);
    if !admitted && !Shared::take_place(&shared.lingering, shared.lingering_cap()) {
        return None;
    }
    log::debug!("{peer}: {}", if admitted { "connected" } else { "no room" });
    Some(Accepted { tcp, admitted })
}

/// Whether an error of `accept` means that connection alone, so that the next may be had at once.
fn is_about_one_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// A listening socket whose backlog takes a burst of connections; std's and mio's take 128.
fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    // On Unix: to listen again while old connections are in TIME-WAIT. Elsewhere it means more.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    // The connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER_LEN)?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}
