//! The loop that drives all connections, on one thread.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::connect::{EVENTS_CAP, ignore_interrupt};
use super::connection::{Connection, WorkerContext};
use super::cycle::CHUNK;
use super::exchange::Exchange;
use super::options::Options;
use super::pace::{Pace, moment};
use super::progress::Progress;
use super::tally::Tally;

pub(super) struct Load<'e> {
    poll: Poll,
    connections: Vec<Connection>,
    cx: WorkerContext<'e>,
    pace: Pace,
    timeout: Duration,
    /// In an open loop, the next request whose moment has not come.
    next_due: u64,
    /// Connections that have something to do.
    busy: usize,
    progress: Progress,
}

impl<'e> Load<'e> {
    pub(super) fn new(
        options: &Options,
        exchange: &'e Exchange,
        poll: Poll,
        connections: Vec<Connection>,
    ) -> Self {
        let pace = Pace::of(options);
        Self {
            poll,
            cx: WorkerContext {
                exchange,
                depth: options.depth.get().into(),
                rate: options.rate.map(std::num::NonZero::get),
                connections: connections.len() as u64,
                clock: Instant::now(),
                rx: vec![0; CHUNK].into(),
                tally: Tally::new(),
            },
            pace,
            timeout: options.timeout,
            next_due: 0,
            busy: connections.iter().filter(|connection| !connection.is_done()).count(),
            progress: Progress::new(pace),
            connections,
        }
    }

    /// Sends for as long as it should, and takes the replies to all that was sent.
    pub(super) fn run(mut self) -> io::Result<Tally> {
        self.begin();
        let mut events = Events::with_capacity(EVENTS_CAP);
        loop {
            let now = self.cx.clock.elapsed();
            self.progress.show(now, &self.cx.tally);
            self.send_due(now);
            self.stop_in_time(now);
            if self.busy == 0 || now >= self.abort_at() {
                break;
            }
            self.wait(&mut events, self.timeout_at(now))?;
            for event in &events {
                let (readable, hung_up) = (event.is_readable(), event.is_read_closed());
                let Token(key) = event.token();
                self.turn(key, |connection, cx| connection.ready(readable, hung_up, cx));
            }
        }
        self.progress.clear();
        for connection in &mut self.connections {
            connection.abort("no reply in time", &mut self.cx.tally);
        }
        Ok(self.cx.tally)
    }

    fn begin(&mut self) {
        self.cx.clock = Instant::now();
        for key in 0..self.connections.len() {
            self.turn(key, |connection, cx| {
                connection.run_ready(cx.clock.elapsed(), cx);
                // What came while the connections were made was told of then, and is not told again.
                connection.ready(true, true, cx);
            });
        }
    }

    fn turn(&mut self, key: usize, step: impl FnOnce(&mut Connection, &mut WorkerContext<'e>)) {
        let connection = &mut self.connections[key];
        let was_done = connection.is_done();
        step(connection, &mut self.cx);
        if connection.is_done() && !was_done {
            self.busy -= 1;
        }
    }

    /// In an open loop, the connections whose moment has come send.
    fn send_due(&mut self, now: Duration) {
        let Pace::Open { rate, count } = self.pace else { return };
        while self.next_due < count && moment(self.next_due, rate) <= now {
            let key = self.next_due % self.cx.connections;
            self.next_due += 1;
            let key = usize::try_from(key).unwrap_or_default();
            self.turn(key, |connection, cx| connection.run_ready(now, cx));
        }
    }

    fn stop_in_time(&mut self, now: Duration) {
        if let Pace::For(span) = self.pace
            && now >= span
        {
            for key in 0..self.connections.len() {
                self.turn(key, |connection, _| connection.stop());
            }
        }
    }

    /// When the replies still owed are given up: so long after the last reply, or the end.
    fn abort_at(&self) -> Duration {
        self.cx.tally.last.max(self.pace.end().unwrap_or_default()) + self.timeout
    }

    /// How long to wait for readiness.
    fn timeout_at(&self, now: Duration) -> Duration {
        let next = match self.pace {
            Pace::Open { rate, count } if self.next_due < count => moment(self.next_due, rate),
            Pace::For(span) if now < span => span,
            _ => self.abort_at(),
        };
        next.min(self.progress.next()).saturating_sub(now)
    }

    /// Waits for readiness. In an open loop to the microsecond, which `Poll` can't: it counts in
    /// milliseconds.
    fn wait(&mut self, events: &mut Events, timeout: Duration) -> io::Result<()> {
        let open = matches!(self.pace, Pace::Open { .. });
        let left = if open && nap(&self.poll, timeout)? { Duration::ZERO } else { timeout };
        ignore_interrupt(self.poll.poll(events, Some(left)))
    }
}

/// Sleeps until something is ready, or the time is over; says whether it could.
#[cfg(unix)]
fn nap(poll: &Poll, timeout: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll as wait};

    let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
    match wait(&mut [PollFd::new(poll.registry(), PollFlags::IN)], Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn nap(_poll: &Poll, _timeout: Duration) -> io::Result<bool> {
    Ok(false)
}
