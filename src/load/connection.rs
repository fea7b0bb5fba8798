//! One connection of the load.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::cycle::Position;
use super::exchange::Exchange;
use super::in_flight::InFlight;
use super::pace::due_at;
use super::replies::{End, Replies};
use super::tally::Tally;

/// Reads of one turn. A connection that has more to read gets another turn, after the other
/// connections had theirs and the clock was read: a server that sends without end holds nothing up.
const READS_PER_TURN: u32 = 4;

/// What the connections share, lent to the one whose turn it is.
pub(super) struct Context<'e> {
    pub(super) exchange: &'e Exchange,
    pub(super) depth: u64,
    /// Requests a second, in an open loop.
    pub(super) rate: Option<u64>,
    pub(super) connections: u64,
    /// The load's beginning.
    pub(super) clock: Instant,
    pub(super) rx: Box<[u8]>,
    pub(super) tally: Tally,
}

/// How far a turn reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadUntil {
    /// A read that doesn't fill its buffer: it has emptied the socket.
    Short,
    /// A read that would block. Behind a short read there may be more.
    Blocked,
}

#[derive(Debug)]
pub(super) struct Connection {
    /// `None` once the connection is over.
    tcp: Option<TcpStream>,
    index: u64,
    /// Requests begun, and those still to begin; `u64::MAX` where a time ends the load.
    begun: u64,
    left: u64,
    /// Bytes of requests begun that are not written yet.
    unsent: usize,
    sent: Position,
    replies: Replies,
    in_flight: InFlight,
    /// Why nothing more can be written. There may still be replies to read.
    write_error: Option<&'static str>,
    /// The last turn ended before the socket was empty.
    has_more: bool,
}

impl Connection {
    /// Connection `index`, which is to send so many requests.
    pub(super) fn new(tcp: TcpStream, index: u64, requests: u64) -> Self {
        Self {
            tcp: Some(tcp),
            index,
            begun: 0,
            left: requests,
            unsent: 0,
            sent: Position::default(),
            replies: Replies::default(),
            in_flight: InFlight::default(),
            write_error: None,
            has_more: false,
        }
    }

    /// The socket, while the connection isn't over.
    pub(super) const fn tcp(&self) -> Option<&TcpStream> {
        self.tcp.as_ref()
    }

    /// No more requests are begun.
    pub(super) const fn stop(&mut self) {
        self.left = 0;
    }

    /// Whether every request was answered, or has failed.
    pub(super) const fn is_done(&self) -> bool {
        self.tcp.is_none() || (self.left == 0 && self.in_flight.unanswered() == 0)
    }

    /// Whether the connection needs another turn although its socket may not become ready again.
    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    /// A turn of a connection whose requests are due.
    pub(super) fn send_due(&mut self, now: Duration, cx: &mut Context<'_>) {
        self.begin_more(now, cx);
        self.write(cx);
        self.read_after_write_error(cx);
    }

    /// A turn of a connection whose socket is ready: to write, and to read if `read` says how far.
    pub(super) fn ready(&mut self, read: Option<ReadUntil>, cx: &mut Context<'_>) {
        if let Some(until) = read {
            self.read(until, cx);
        }
        self.write(cx);
        self.read_after_write_error(cx);
    }

    fn begin_more(&mut self, now: Duration, cx: &Context<'_>) {
        match cx.rate {
            Some(rate) => self.begin_due(rate, now, cx),
            None if self.in_flight.unanswered() == 0 => {
                self.begin(cx.depth.min(self.left), now, cx);
            }
            None => {}
        }
    }

    fn begin_due(&mut self, rate: u64, now: Duration, cx: &Context<'_>) {
        while self.left > 0 && self.in_flight.unanswered() < cx.depth {
            let due = due_at(self.index + self.begun * cx.connections, rate);
            if due > now {
                break;
            }
            self.begin(1, due, cx);
        }
    }

    fn begin(&mut self, requests: u64, due: Duration, cx: &Context<'_>) {
        if requests == 0 || self.tcp.is_none() {
            return;
        }
        self.left -= requests;
        self.begun += requests;
        self.unsent += as_usize(requests) * cx.exchange.requests.frame_len();
        self.in_flight.push(due, requests);
    }

    /// Writes until the socket takes no more.
    fn write(&mut self, cx: &Context<'_>) {
        let requests = &cx.exchange.requests;
        while self.unsent > 0
            && self.write_error.is_none()
            && let Some(tcp) = &mut self.tcp
        {
            match tcp.write(requests.bytes(self.sent, self.unsent)) {
                Ok(0) => self.write_error = Some("lost"),
                Ok(len) => {
                    requests.advance(&mut self.sent, len);
                    self.unsent -= len;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.write_error = Some(kind(&error)),
            }
        }
    }

    /// What the server sent before it closed is read before the connection is given up.
    fn read_after_write_error(&mut self, cx: &mut Context<'_>) {
        if self.write_error.is_some() {
            self.read(ReadUntil::Blocked, cx);
        }
    }

    /// Reads the replies that are there, and sends the requests that follow them.
    fn read(&mut self, until: ReadUntil, cx: &mut Context<'_>) {
        let mut rx = std::mem::take(&mut cx.rx);
        self.has_more = true;
        for _ in 0..READS_PER_TURN {
            if self.has_more {
                self.read_once(until, &mut rx, cx);
            }
        }
        cx.rx = rx;
    }

    fn read_once(&mut self, until: ReadUntil, rx: &mut [u8], cx: &mut Context<'_>) {
        let read =
            self.tcp.as_mut().map_or(Err(ErrorKind::NotConnected.into()), |tcp| tcp.read(rx));
        match read {
            Ok(0) => self.close(End::Closed("closed by the server"), &mut cx.tally),
            Ok(len) => {
                self.received(&rx[..len], cx);
                let short = len < rx.len() && until == ReadUntil::Short;
                self.has_more &= !short || self.write_error.is_some();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.has_more = false;
                if let Some(error) = self.write_error {
                    self.close(End::Closed(error), &mut cx.tally);
                }
            }
            Err(error) => self.close(End::Closed(kind(&error)), &mut cx.tally),
        }
    }

    fn received(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        let now = cx.clock.elapsed();
        let (tally, in_flight) = (&mut cx.tally, &mut self.in_flight);
        let taken = self.replies.take(bytes, cx.exchange, |count, outcome| {
            if count > 0 {
                tally.last_reply = now;
            }
            let surplus = in_flight.settle(count, |due, count| match outcome {
                Ok(()) => tally.answered(now.saturating_sub(due), count),
                Err(error) => tally.failed(error, count),
            });
            if surplus == 0 { Ok(()) } else { Err(End::Fault("a reply without a request")) }
        });
        match taken {
            Ok(()) => {
                self.begin_more(now, cx);
                self.write(cx);
            }
            Err(end) => self.close(end, &mut cx.tally),
        }
    }

    /// The connection is over: each request that it owes has failed, once. A fault counts as one
    /// failure even where nothing is owed; so does an end before the load's.
    fn close(&mut self, end: End, tally: &mut Tally) {
        let (error, least) = match end {
            End::Closed(error) => (error, u64::from(self.left > 0)),
            End::Fault(error) => (error, 1),
        };
        tally.failed(error, self.owed().max(least));
        self.tcp = None;
        self.has_more = false;
        self.left = 0;
        self.in_flight.clear();
    }

    /// The load is over: counts what is owed as failed.
    pub(super) fn abort(&self, error: &'static str, tally: &mut Tally) {
        tally.failed(error, self.owed());
    }

    /// Requests without a reply, and those of a given number that were not sent.
    const fn owed(&self) -> u64 {
        let is_endless = self.left > u64::MAX / 2;
        self.in_flight.unanswered() + if is_endless { 0 } else { self.left }
    }
}

fn kind(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "reset by the server",
        _ => "lost",
    }
}

/// The requests of one batch: at most the depth, which the command line bounds.
fn as_usize(requests: u64) -> usize {
    usize::try_from(requests).unwrap_or(usize::MAX)
}
