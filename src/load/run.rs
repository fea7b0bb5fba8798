//! The loop that drives all connections, on one thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token, Waker};

use super::connect::{Connected, MAX_EVENTS, ignore_interrupt};
use super::connection::{Connection, Context, ReadUntil};
use super::cycle::CHUNK;
use super::exchange::Exchange;
use super::pace::{Pace, count_due, due_at};
use super::plan::Plan;
use super::tally::Tally;

/// No connection has this key.
const WAKE: Token = Token(usize::MAX);

/// Whether readiness reports urgent data, which ends a read early. Elsewhere, no read that is
/// shorter than its buffer shows that the socket is empty.
const REPORTS_URGENT_DATA: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Who shows how far the load is.
pub(crate) trait Watch {
    /// When to show it next, from the load's beginning.
    fn next(&self) -> Duration;

    /// Shows it, if it is time.
    fn show(&mut self, now: Duration, tally: &Tally);
}

/// A load that is ready to begin.
pub(crate) struct Load<'e> {
    poll: Poll,
    connections: Vec<Connection>,
    cx: Context<'e>,
    pace: Pace,
    timeout: Duration,
    stop: Arc<AtomicBool>,
    /// In an open loop, the first request that isn't due yet.
    next_due: u64,
    /// Connections that are not done.
    busy: usize,
    /// Connections that need another turn, each once.
    queue: Vec<usize>,
    is_queued: Vec<bool>,
}

impl<'e> Load<'e> {
    pub(crate) fn new(plan: &Plan, exchange: &'e Exchange, connected: Connected) -> Self {
        let Connected { poll, connections, .. } = connected;
        let rate = match plan.pace {
            Pace::Open { rate, .. } => Some(rate),
            Pace::For(_) | Pace::Count(_) => None,
        };
        Self {
            poll,
            cx: Context {
                exchange,
                depth: plan.depth.into(),
                rate,
                connections: connections.len() as u64,
                clock: Instant::now(),
                rx: vec![0; CHUNK].into(),
                tally: Tally::new(),
            },
            pace: plan.pace,
            timeout: plan.timeout,
            stop: Arc::default(),
            next_due: 0,
            busy: connections.iter().filter(|connection| !connection.is_done()).count(),
            queue: Vec::new(),
            is_queued: vec![false; connections.len()],
            connections,
        }
    }

    /// What ends the load early when it is called, from any thread.
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub(crate) fn stopper(&self) -> io::Result<impl Fn() + Send + 'static> {
        let waker = Waker::new(self.poll.registry(), WAKE)?;
        let stop = Arc::clone(&self.stop);
        Ok(move || {
            stop.store(true, Relaxed);
            // Without it, the load ends at its next event.
            let _woken = waker.wake();
        })
    }

    /// Sends for as long as the plan says, and takes the replies to all that was sent, until the
    /// plan's deadline or until it is stopped.
    ///
    /// # Errors
    /// Waiting for readiness failed.
    pub(crate) fn run(mut self, watch: &mut impl Watch) -> io::Result<Tally> {
        self.begin();
        let mut events = Events::with_capacity(MAX_EVENTS);
        while self.busy > 0 {
            let now = self.cx.clock.elapsed();
            watch.show(now, &self.cx.tally);
            if self.stop.load(Relaxed) {
                self.cx.tally.is_interrupted = true;
                return Ok(self.cx.tally);
            }
            if now >= self.deadline() {
                break;
            }
            self.send_due(now);
            self.end_closed_loop(now);
            let next = self.next_wake(now).min(watch.next());
            self.wait(&mut events, next.saturating_sub(now))?;
            for event in &events {
                self.turn(event.token().0, |connection, cx| {
                    connection.ready(read_until(event), cx);
                });
            }
            self.run_queued();
        }
        for connection in &self.connections {
            connection.abort("no reply in time", &mut self.cx.tally);
        }
        Ok(self.cx.tally)
    }

    fn begin(&mut self) {
        self.cx.clock = Instant::now();
        for key in 0..self.connections.len() {
            self.turn(key, |connection, cx| {
                connection.send_due(cx.clock.elapsed(), cx);
                // Readiness is reported once. What came while the connections were opened is read
                // here.
                connection.ready(Some(ReadUntil::Blocked), cx);
            });
        }
    }

    fn turn(&mut self, key: usize, step: impl FnOnce(&mut Connection, &mut Context<'e>)) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let was_done = connection.is_done();
        step(connection, &mut self.cx);
        if connection.is_done() && !was_done {
            self.busy -= 1;
        }
        if connection.has_more() && !self.is_queued[key] {
            self.is_queued[key] = true;
            self.queue.push(key);
        }
    }

    fn run_queued(&mut self) {
        for key in std::mem::take(&mut self.queue) {
            self.is_queued[key] = false;
            self.turn(key, |connection, cx| connection.ready(Some(ReadUntil::Blocked), cx));
        }
    }

    /// In an open loop, each connection with a request that is due gets a turn.
    fn send_due(&mut self, now: Duration) {
        let Pace::Open { rate, count } = self.pace else { return };
        for _ in 0..self.connections.len() {
            if self.next_due >= count || due_at(self.next_due, rate) > now {
                return;
            }
            let key = self.next_due % self.cx.connections;
            self.next_due += 1;
            let key = usize::try_from(key).unwrap_or_default();
            self.turn(key, |connection, cx| connection.send_due(now, cx));
        }
        // Each connection has sent all that is due on it.
        self.next_due = self.next_due.max(count_due(now, rate)).min(count);
    }

    fn end_closed_loop(&mut self, now: Duration) {
        if let Pace::For(span) = self.pace
            && now >= span
        {
            for key in 0..self.connections.len() {
                self.turn(key, |connection, _| connection.stop());
            }
        }
    }

    /// When the replies that are missing are given up. Only replies to requests move it, and only
    /// where their number is given: nothing else that a server sends makes a load longer.
    fn deadline(&self) -> Duration {
        self.pace.end().unwrap_or(self.cx.tally.last_reply) + self.timeout
    }

    /// When to wake although no socket is ready.
    fn next_wake(&self, now: Duration) -> Duration {
        match self.pace {
            _ if !self.queue.is_empty() => Duration::ZERO,
            Pace::Open { rate, count } if self.next_due < count => due_at(self.next_due, rate),
            Pace::For(span) if now < span => span,
            _ => self.deadline(),
        }
    }

    /// Waits for readiness. In an open loop to the microsecond; [`Poll`] counts in milliseconds.
    fn wait(&mut self, events: &mut Events, timeout: Duration) -> io::Result<()> {
        let is_open = matches!(self.pace, Pace::Open { .. });
        let left =
            if is_open && wait_precisely(&self.poll, timeout)? { Duration::ZERO } else { timeout };
        ignore_interrupt(self.poll.poll(events, Some(left)))
    }
}

/// How far to read, if there is something to read.
fn read_until(event: &Event) -> Option<ReadUntil> {
    let is_last = event.is_read_closed() || event.is_priority();
    match event.is_readable() || is_last {
        true if is_last || !REPORTS_URGENT_DATA => Some(ReadUntil::Blocked),
        true => Some(ReadUntil::Short),
        false => None,
    }
}

/// Sleeps until something is ready or the time is over. Returns whether the system can do that.
#[cfg(unix)]
fn wait_precisely(poll: &Poll, timeout: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll as wait};

    let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
    match wait(&mut [PollFd::new(poll.registry(), PollFlags::IN)], Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn wait_precisely(_poll: &Poll, _timeout: Duration) -> io::Result<bool> {
    Ok(false)
}
