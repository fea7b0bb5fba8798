//! Accepting connections: all there are, as soon as they are there, whatever goes wrong with one.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use super::config::Config;
use super::shared::{Desk, LINGERING_CAP, Newcomer, Shared};

const ACCEPT: Token = Token(0);
const WAKE: Token = Token(1);

/// How long to wait when the system has no descriptors or memory for one more connection: those that
/// close meanwhile make room, and the backlog holds who waits.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Listener {
    listener: TcpListener,
    poll: Poll,
}

impl Listener {
    /// Listens on the first of `addresses` that can be had.
    pub(super) fn bind(addresses: &[SocketAddr], backlog: u32) -> io::Result<Self> {
        let mut failure = io::Error::from(ErrorKind::AddrNotAvailable);
        for &address in addresses {
            match listen(address, backlog) {
                Ok(listener) => return Self::new(listener),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn new(mut listener: TcpListener) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, ACCEPT, Interest::READABLE)?;
        Ok(Self { listener, poll })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(super) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKE)
    }

    /// Hands connections to the workers, in turn, until the server stops; those that the system had
    /// completed by then are handed over too, to be told.
    pub(super) fn run(mut self, shared: &Shared, config: &Config) -> io::Result<()> {
        let mut events = Events::with_capacity(2);
        let mut desks = shared.workers.iter().cycle();
        let mut pause = None;
        let outcome = loop {
            match self.poll.poll(&mut events, pause) {
                Err(error) if error.kind() != ErrorKind::Interrupted => break Err(error),
                _ => pause = self.accept_all(shared, config, &mut desks),
            }
            if shared.is_stopping() {
                break Ok(());
            }
        };
        shared.stop_listening();
        outcome
    }

    /// Accepts as many as a backlog holds, or until there are no more; says when to come back unasked.
    fn accept_all<'s>(
        &self,
        shared: &Shared,
        config: &Config,
        desks: &mut impl Iterator<Item = &'s Desk>,
    ) -> Option<Duration> {
        for _connection in 0..config.backlog.max(1) {
            match self.listener.accept() {
                Ok((tcp, peer)) => {
                    let newcomer = admit(tcp, peer, shared, config);
                    newcomer.into_iter().zip(&mut *desks).for_each(|(newcomer, desk)| {
                        desk.hand_over(newcomer);
                    });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => {
                    shared.accept_errors.fetch_add(1, Relaxed);
                    log::warn!("can't accept a connection: {error}");
                    if !is_about_one_peer(&error) {
                        return Some(NO_ROOM_PAUSE);
                    }
                }
            }
        }
        Some(Duration::ZERO)
    }
}

/// A connection over the limit is to be told `busy`; with too many of those about, it is dropped.
fn admit(tcp: TcpStream, peer: SocketAddr, shared: &Shared, config: &Config) -> Option<Newcomer> {
    shared.accepted.fetch_add(1, Relaxed);
    if let Err(error) = tcp.set_nodelay(true) {
        log::debug!("{peer}: {error}");
        return None;
    }
    let admitted = Shared::take_place(&shared.open, config.max_connections);
    if !admitted && !Shared::take_place(&shared.lingering, LINGERING_CAP) {
        return None;
    }
    log::debug!("{peer}: {}", if admitted { "connected" } else { "no room" });
    Some(Newcomer { tcp, admitted })
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
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}
