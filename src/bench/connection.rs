//! One connection of the load.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::cycle::{CHUNK, Place};
use super::exchange::Exchange;
use super::pace::moment;
use super::stray::{REPLY_CAP, Stray, look_at};
use super::tally::Tally;

/// Whether a read that didn't fill its buffer has emptied the socket. Where it isn't so, only
/// `WouldBlock` says that.
const SHORT_READ_DRAINS: bool = cfg!(unix);

/// What the load lends to the connection whose turn it is.
pub(super) struct WorkerContext<'e> {
    pub(super) exchange: &'e Exchange,
    pub(super) depth: u64,
    /// Requests a second, in an open loop.
    pub(super) rate: Option<u64>,
    pub(super) connections: u64,
    pub(super) clock: Instant,
    pub(super) rx: Box<[u8]>,
    pub(super) tally: Tally,
}

/// Requests that were due at one moment.
#[derive(Debug)]
struct Batch {
    due: Duration,
    unanswered: u64,
}

#[derive(Debug)]
pub(super) struct Connection {
    tcp: TcpStream,
    index: u64,
    /// Requests begun, and those still to begin.
    begun: u64,
    left: u64,
    /// Bytes of requests begun that are not written yet.
    unsent: usize,
    sent: Place,
    received: Place,
    /// Bytes that were not as expected, from the beginning of their frame.
    stray: Vec<u8>,
    in_flight: VecDeque<Batch>,
    unanswered: u64,
    /// Why it takes no more requests. It may still have something to say.
    deaf: Option<&'static str>,
    lost: bool,
}

impl Connection {
    /// A connection that is to send so many requests.
    pub(super) fn new(tcp: TcpStream, index: u64, requests: u64) -> Self {
        Self {
            tcp,
            index,
            begun: 0,
            left: requests,
            unsent: 0,
            sent: Place::default(),
            received: Place::default(),
            stray: Vec::new(),
            in_flight: VecDeque::new(),
            unanswered: 0,
            deaf: None,
            lost: false,
        }
    }

    pub(super) const fn tcp(&mut self) -> &mut TcpStream {
        &mut self.tcp
    }

    /// It begins nothing more.
    pub(super) const fn stop(&mut self) {
        self.left = 0;
    }

    /// Whether it has nothing more to do.
    pub(super) const fn is_done(&self) -> bool {
        self.lost || (self.left == 0 && self.unanswered == 0)
    }

    /// Begins the requests that are due, as far as the depth allows.
    pub(super) fn run_ready(&mut self, now: Duration, cx: &mut WorkerContext<'_>) {
        self.begin_more(now, cx);
        self.ready(false, false, cx);
    }

    /// There is something to read, or room to write.
    pub(super) fn ready(&mut self, readable: bool, hung_up: bool, cx: &mut WorkerContext<'_>) {
        if readable {
            self.read(hung_up, cx);
        }
        self.write(cx);
        if self.deaf.is_some() {
            self.read(true, cx);
        }
    }

    fn begin_more(&mut self, now: Duration, cx: &WorkerContext<'_>) {
        match cx.rate {
            Some(rate) => self.begin_due(rate, now, cx),
            None if self.unanswered == 0 => self.begin(cx.depth.min(self.left), now, cx),
            None => {}
        }
    }

    fn begin_due(&mut self, rate: u64, now: Duration, cx: &WorkerContext<'_>) {
        while self.left > 0 && self.unanswered < cx.depth {
            let due = moment(self.index + self.begun * cx.connections, rate);
            if due > now {
                break;
            }
            self.begin(1, due, cx);
        }
    }

    fn begin(&mut self, requests: u64, due: Duration, cx: &WorkerContext<'_>) {
        if requests == 0 {
            return;
        }
        self.left -= requests;
        self.begun += requests;
        self.unanswered += requests;
        self.unsent += len(requests) * cx.exchange.requests.frame_len();
        self.in_flight.push_back(Batch { due, unanswered: requests });
    }

    /// Writes what the system takes; it tells when it takes more.
    fn write(&mut self, cx: &WorkerContext<'_>) {
        let requests = &cx.exchange.requests;
        while self.unsent > 0 && self.deaf.is_none() && !self.lost {
            match self.tcp.write(requests.bytes(self.sent, self.unsent)) {
                Ok(len) => {
                    requests.advance(&mut self.sent, len);
                    self.unsent -= len;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.deaf = Some(kind(&error)),
            }
        }
    }

    /// Reads all there is, and answers it with the next requests.
    fn read(&mut self, hung_up: bool, cx: &mut WorkerContext<'_>) {
        let mut rx = std::mem::take(&mut cx.rx);
        while !self.lost {
            match self.tcp.read(&mut rx) {
                Ok(0) => self.lose("closed by the server", cx),
                Ok(len) => {
                    self.received(&rx[..len], cx);
                    let drained = SHORT_READ_DRAINS && len < rx.len();
                    if drained && !hung_up && self.deaf.is_none() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => match self.deaf {
                    Some(error) => self.lose(error, cx),
                    None => break,
                },
                Err(error) => self.lose(kind(&error), cx),
            }
        }
        cx.rx = rx;
    }

    fn received(&mut self, bytes: &[u8], cx: &mut WorkerContext<'_>) {
        let now = cx.clock.elapsed();
        cx.tally.last = now;
        self.take(bytes, now, cx);
        self.begin_more(now, cx);
        self.write(cx);
    }

    /// Compares what came with what should come.
    fn take(&mut self, bytes: &[u8], now: Duration, cx: &mut WorkerContext<'_>) {
        let replies = &cx.exchange.replies;
        for bytes in bytes.chunks(CHUNK) {
            let expected = replies.bytes(self.received, bytes.len());
            if self.stray.is_empty() && (bytes == expected || cx.exchange.lengths_alone) {
                let answered = replies.advance(&mut self.received, bytes.len());
                self.settle(answered as u64, Ok(()), now, &mut cx.tally);
            } else if !self.lost {
                self.take_stray(bytes, now, cx);
            }
        }
    }

    /// Looks at what came frame by frame, until a frame ends where the bytes do.
    fn take_stray(&mut self, bytes: &[u8], now: Duration, cx: &mut WorkerContext<'_>) {
        let replies = &cx.exchange.replies;
        let Some(expected) = &cx.exchange.body else {
            return self.lose("another reply", cx);
        };
        if self.stray.is_empty() {
            self.stray.extend_from_slice(replies.begun(self.received));
        }
        self.stray.extend_from_slice(bytes);
        self.received = Place::default();
        let mut done = 0;
        loop {
            let (outcome, len) = match look_at(&self.stray[done..], expected) {
                Stray::Right(len) => (Ok(()), len),
                Stray::Wrong(error, len) => (Err(error), len),
                Stray::Event(len) => {
                    done += len;
                    continue;
                }
                Stray::Partial => break,
                Stray::Broken => return self.lose("a broken reply", cx),
            };
            done += len;
            self.settle(1, outcome, now, &mut cx.tally);
        }
        self.stray.drain(..done);
        debug_assert!(self.stray.len() <= REPLY_CAP, "more is waited for than is kept");
    }

    /// `count` replies came, for the requests that are oldest.
    fn settle(
        &mut self,
        count: u64,
        outcome: Result<(), &'static str>,
        now: Duration,
        tally: &mut Tally,
    ) {
        let mut left = count;
        while left > 0 {
            let Some(batch) = self.in_flight.front_mut() else {
                tally.failed(outcome.err().unwrap_or("a reply to nothing"), left);
                return;
            };
            let some = left.min(batch.unanswered);
            match outcome {
                Ok(()) => tally.answered(now.saturating_sub(batch.due), some),
                Err(error) => tally.failed(error, some),
            }
            left -= some;
            batch.unanswered -= some;
            self.unanswered -= some;
            if batch.unanswered == 0 {
                self.in_flight.pop_front();
            }
        }
    }

    /// The connection is over: what it has not answered has failed. To end with nothing owed, before all
    /// is sent, is an error too.
    fn lose(&mut self, error: &'static str, cx: &mut WorkerContext<'_>) {
        self.lost = true;
        if self.owed() == 0 {
            cx.tally.failed(error, 1);
        }
        self.abort(error, &mut cx.tally);
    }

    /// Counts what it owes as failed.
    pub(super) fn abort(&mut self, error: &'static str, tally: &mut Tally) {
        tally.failed(error, self.owed());
        (self.left, self.unanswered) = (0, 0);
        self.in_flight.clear();
    }

    /// Requests without a reply, and those of a number that were not sent.
    const fn owed(&self) -> u64 {
        let endless = self.left > u64::MAX / 2;
        self.unanswered + if endless { 0 } else { self.left }
    }
}

fn kind(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "reset by the server",
        _ => "lost",
    }
}

/// A batch's count, which [`Options`](super::Options) bounds.
fn len(requests: u64) -> usize {
    usize::try_from(requests).unwrap_or(usize::MAX)
}
