//! The well-behaved clients: calls at a steady rate, whether or not earlier ones were answered.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::pace::Pace;
use crate::report::Calls;
use crate::requests::{self, Exchange};

/// Connections that the calls are spread over.
const CONNECTIONS: usize = 40;
/// Calls before a connection is replaced, so that connecting is timed as well.
const CALLS_PER_CONNECTION: u32 = 100;
/// How long to wait for the last replies.
const GRACE: Duration = Duration::from_secs(10);
/// `Poll` has timeouts in whole milliseconds. A timer descriptor is finer.
const TIMER: Token = Token(CONNECTIONS);
const TIMER_NANOS: i64 = 250_000;
/// Failures that are reported in full.
const MAX_REPORTED: usize = 5;

/// Makes `per_second` calls a second until `end`.
///
/// # Errors
/// The system refuses a resource.
pub(crate) fn call(addr: SocketAddr, per_second: usize, end: Instant) -> io::Result<Calls> {
    let mut poll = Poll::new()?;
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
    let tick = Timespec { tv_sec: 0, tv_nsec: TIMER_NANOS };
    let every = Itimerspec { it_interval: tick, it_value: tick };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &every)?;
    poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;

    let mut calls = Calls::default();
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| Client::default()).collect();
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let mut pace = Pace::new(Instant::now(), per_second as f64);
    let mut events = Events::with_capacity(2 * CONNECTIONS);
    while Instant::now() < end
        || (clients.iter().any(Client::is_waiting) && Instant::now() < end + GRACE)
    {
        poll.poll(&mut events, Some(Duration::from_millis(100))).or_else(|error| {
            if error.kind() == ErrorKind::Interrupted { Ok(()) } else { Err(error) }
        })?;
        for event in events.iter().filter(|event| event.token() != TIMER) {
            clients[event.token().0].ready(&mut calls);
        }
        let mut ticks = [0; 8];
        let _expirations = rustix::io::read(&timer, &mut ticks);
        while let Some(due) = pace.next(Instant::now()).filter(|&due| due < end) {
            let at = calls.made as usize % CONNECTIONS;
            clients[at].call(at, addr, due, &poll, &mut calls);
        }
    }
    for client in &mut clients {
        client.fail("no reply", &mut calls);
    }
    calls.latencies.sort_unstable();
    Ok(calls)
}

/// One connection at a time, and its calls without a reply.
#[derive(Default)]
struct Client {
    tcp: Option<TcpStream>,
    unsent: Vec<u8>,
    unread: Vec<u8>,
    /// When each was due, and its right reply.
    pending: VecDeque<(Instant, Vec<u8>)>,
    calls: u32,
}

impl Client {
    fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    fn call(&mut self, at: usize, addr: SocketAddr, due: Instant, poll: &Poll, calls: &mut Calls) {
        calls.made += 1;
        let exchange =
            if calls.made.is_multiple_of(2) { requests::string } else { requests::complex };
        let Exchange { sent, reply } = exchange(calls.made);
        self.pending.push_back((due, reply));
        self.unsent.extend(sent);
        if let Err(error) = self.connect(at, addr, poll, calls) {
            return self.fail(&format!("can't connect: {error}"), calls);
        }
        self.calls += 1;
        self.ready(calls);
    }

    fn connect(
        &mut self,
        at: usize,
        addr: SocketAddr,
        poll: &Poll,
        calls: &mut Calls,
    ) -> io::Result<()> {
        if self.tcp.is_some() {
            return Ok(());
        }
        let mut tcp = TcpStream::connect(addr)?;
        tcp.set_nodelay(true)?;
        poll.registry().register(&mut tcp, Token(at), Interest::READABLE | Interest::WRITABLE)?;
        calls.connects += 1;
        self.tcp = Some(tcp);
        Ok(())
    }

    fn ready(&mut self, calls: &mut Calls) {
        if let Err(error) = self.exchange(calls) {
            self.fail(&error.to_string(), calls);
        } else if self.calls >= CALLS_PER_CONNECTION && self.pending.is_empty() {
            self.close();
        }
    }

    fn exchange(&mut self, calls: &mut Calls) -> io::Result<()> {
        let Some(tcp) = &mut self.tcp else { return Ok(()) };
        send(tcp, &mut self.unsent)?;
        let at_end = receive(tcp, &mut self.unread)?;
        while let Some((due, reply)) = self.pending.front() {
            let len = reply.len().min(self.unread.len());
            if self.unread[..len] != reply[..len] {
                return Err(wrong(&self.unread));
            }
            if len < reply.len() {
                break;
            }
            calls.right += 1;
            calls.latencies.push(due.elapsed());
            self.unread.drain(..len);
            self.pending.pop_front();
        }
        match (at_end, self.pending.is_empty() && !self.unread.is_empty()) {
            (false, false) => Ok(()),
            (true, _) => Err(io::Error::other("the server closed the connection")),
            (_, true) => Err(wrong(&self.unread)),
        }
    }

    /// Counts every call without a reply as failed, and disconnects.
    fn fail(&mut self, why: &str, calls: &mut Calls) {
        // The server must not close an idle connection of a well-behaved client either.
        let idle_closed = usize::from(self.tcp.is_some() && why != "no reply");
        let failed = self.pending.len().max(idle_closed);
        let reported = failed.min(MAX_REPORTED.saturating_sub(calls.failures.len()));
        calls.failures.extend((0..reported).map(|_| why.to_owned()));
        self.close();
    }

    fn close(&mut self) {
        *self = Self::default();
    }
}

fn wrong(bytes: &[u8]) -> io::Error {
    io::Error::other(format!("a wrong reply: {}", bytes[..bytes.len().min(80)].escape_ascii()))
}

fn send(tcp: &mut TcpStream, unsent: &mut Vec<u8>) -> io::Result<()> {
    while !unsent.is_empty() {
        match tcp.write(unsent) {
            Ok(len) => drop(unsent.drain(..len)),
            Err(error) if would_block(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads all that is there. True at the end of the stream.
fn receive(tcp: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<bool> {
    let mut bytes = [0; 4_096];
    loop {
        match tcp.read(&mut bytes) {
            Ok(0) => return Ok(true),
            Ok(len) => unread.extend_from_slice(&bytes[..len]),
            Err(error) if would_block(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}
