//! One connection: reading, pumping its session, writing, and the close that spares the last reply.
//!
//! ```text
//! Open ──session closes──► Closing ──output sent──► Lingering ──end of stream, or 2 s──► closed
//! ```

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use linecard_core::{Code, Instant, OutBuf, Service, Session, Want, pump, refuse};
use mio::event::Event;
use mio::net::TcpStream;
use socket2::SockRef;

use super::budget::Share;
use super::clock::Clock;
use super::counters::{WorkerCounters, add};
use super::guard::Guard;
use super::parked::{Exhausted, Parked};
use super::readiness::Readiness;
use super::shared::Shared;

/// How long a closing connection is drained at most, so that unread bytes don't destroy its last
/// reply: docs/PROTOCOL.md §8.1.
const LINGER: Duration = Duration::from_secs(2);

/// Handlers that took so long have held their peer up.
const SLOW_HANDLER: Duration = Duration::from_millis(10);

/// What a worker lends to the connection whose turn it is.
pub(super) struct WorkerContext<'c, S> {
    pub(super) rx: Box<[u8]>,
    pub(super) tx: Box<[u8]>,
    pub(super) guard: Guard<'c, S>,
    pub(super) shared: &'c Shared,
    pub(super) counters: &'c WorkerCounters,
    pub(super) write_timeout: Duration,
    pub(super) clock: Clock,
    pub(super) now: Instant,
}

/// What becomes of a connection after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum NextStep {
    /// It waits for readiness, or for its deadline.
    Wait,
    /// It has more to do, once the others had their turn.
    Again,
    /// It is to be dropped.
    Close,
}

/// Why a turn ends the connection at once.
enum Disconnect {
    /// The peer has gone, or the system failed.
    Lost,
    /// It costs too much: no budget to park its bytes, or no progress of a write.
    Reset,
}

impl From<Exhausted> for Disconnect {
    fn from(_: Exhausted) -> Self {
        log::debug!("reset: no budget left to park its bytes");
        Self::Reset
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Lingering,
}

pub(super) struct Connection<'c> {
    pub(super) tcp: TcpStream,
    session: Session<'c>,
    /// Received and not consumed.
    input: Parked,
    /// Written and not sent: while there is some, nothing is read.
    output: Parked,
    /// What both hold of the budget.
    share: Share,
    phase: Phase,
    readiness: Readiness,
    /// The last progress of a write, or when lingering began.
    since: Instant,
    /// Its moment among the worker's deadlines.
    pub(super) scheduled: Instant,
    /// It is among those that go on once the others had their turn.
    pub(super) queued: bool,
}

impl<'c> Connection<'c> {
    /// A connection that is to be served, or one for which there is no room.
    pub(super) fn new(tcp: TcpStream, session: Session<'c>, admitted: bool, now: Instant) -> Self {
        Self {
            tcp,
            session,
            input: Parked::default(),
            output: Parked::default(),
            share: Share::default(),
            phase: if admitted { Phase::Open } else { Phase::Lingering },
            readiness: Readiness::default(),
            since: now,
            scheduled: Instant::MAX,
            queued: false,
        }
    }

    /// There is no room for it: tells it so, in one of the places for those that linger.
    pub(super) fn refuse_busy<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> NextStep {
        let mut out = OutBuf::new(&mut cx.tx);
        refuse(Code::Busy, &mut out);
        cx.guard.refused(Code::Busy);
        match self.tcp.write(out.written()).and_then(|_| self.tcp.shutdown(Shutdown::Write)) {
            Ok(()) => NextStep::Wait,
            Err(_) => NextStep::Close,
        }
    }

    /// The system said that there is something to read, or room to write.
    pub(super) fn ready<S: Service>(
        &mut self,
        event: &Event,
        cx: &mut WorkerContext<'c, S>,
    ) -> NextStep {
        self.readiness.after_event(event);
        self.turn(cx)
    }

    /// Does what can be done now.
    pub(super) fn turn<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> NextStep {
        if self.phase == Phase::Lingering {
            return self.drain(cx);
        }
        match self.work(cx) {
            Ok(next_step) => next_step,
            Err(disconnect) => self.abort(&disconnect, cx),
        }
    }

    /// Its moment has come: the session's deadline, the write timeout, or the end of lingering. What has
    /// arrived by then is read first, even if the worker was held up.
    pub(super) fn due<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> NextStep {
        if cx.now < self.deadline(cx.write_timeout) {
            return NextStep::Wait;
        }
        if self.phase == Phase::Lingering {
            return NextStep::Close;
        }
        if !self.output.is_empty() {
            return match self.retry_write(cx) {
                Ok(next_step) => next_step,
                Err(disconnect) => self.abort(&disconnect, cx),
            };
        }
        match self.receive(cx).and_then(|()| self.work_idle(cx)) {
            Ok(next_step) => next_step,
            Err(disconnect) => self.abort(&disconnect, cx),
        }
    }

    /// The server is going: what was begun may be finished until `by`.
    pub(super) fn stop<S: Service>(
        &mut self,
        by: Instant,
        cx: &mut WorkerContext<'c, S>,
    ) -> NextStep {
        self.session.stop(by);
        if self.phase != Phase::Open || !self.output.is_empty() {
            return NextStep::Wait;
        }
        match self.work_idle(cx) {
            Ok(next_step) => next_step,
            Err(disconnect) => self.abort(&disconnect, cx),
        }
    }

    /// The server waits no longer: whoever has not got all its replies is not to take the end for theirs.
    pub(super) fn reset_unfinished<S>(&mut self, cx: &mut WorkerContext<'c, S>) -> NextStep {
        match self.phase {
            Phase::Lingering => NextStep::Close,
            Phase::Open | Phase::Closing => self.abort(&Disconnect::Reset, cx),
        }
    }

    /// When it wants a turn even if nothing happens.
    pub(super) fn deadline(&self, write_timeout: Duration) -> Instant {
        match self.phase {
            Phase::Lingering => self.since.saturating_add(LINGER),
            _ if !self.output.is_empty() => self.since.saturating_add(write_timeout),
            _ => self.session.deadline().unwrap_or(Instant::MAX),
        }
    }

    /// Gives back what it held of what all share.
    pub(super) fn release(&mut self, shared: &Shared) {
        self.input.clear(&mut self.share, &shared.parked);
        self.output.clear(&mut self.share, &shared.parked);
        let slab = if self.phase == Phase::Lingering { &shared.lingering } else { &shared.open };
        slab.fetch_sub(1, Relaxed);
    }

    /// Lets the session look at the time, or at the stop, even if nothing has come.
    fn work_idle<S: Service>(
        &mut self,
        cx: &mut WorkerContext<'c, S>,
    ) -> Result<NextStep, Disconnect> {
        if self.may_read() {
            self.pump_parked(cx)?;
        }
        self.work(cx)
    }

    fn work<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Result<NextStep, Disconnect> {
        let was_blocked = !self.output.is_empty();
        if was_blocked {
            self.send_parked(cx)?;
        }
        if was_blocked && self.may_read() {
            self.pump_parked(cx)?;
        }
        if self.readiness.readable && self.may_read() {
            self.receive(cx)?;
        }
        if self.phase == Phase::Closing && self.output.is_empty() {
            return Ok(self.linger(cx));
        }
        Ok(if self.readiness.readable && self.may_read() {
            NextStep::Again
        } else {
            NextStep::Wait
        })
    }

    /// The write timeout has passed. The system reports a socket as writable only once a good part of
    /// its send buffer is free, so a write is tried before the peer counts as one that doesn't read.
    fn retry_write<S: Service>(
        &mut self,
        cx: &mut WorkerContext<'c, S>,
    ) -> Result<NextStep, Disconnect> {
        let last_progress = self.since;
        let next_step = self.work(cx)?;
        if self.since == last_progress {
            log::debug!("reset: a write made no progress");
            return Err(Disconnect::Reset);
        }
        Ok(next_step)
    }

    fn may_read(&self) -> bool {
        self.phase == Phase::Open && self.output.is_empty()
    }

    /// One read, and all the frames in it.
    fn receive<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Result<(), Disconnect> {
        let mut rx = std::mem::take(&mut cx.rx);
        let outcome = match self.tcp.read(&mut rx) {
            Ok(len) => self.received(&rx, len, cx),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readiness.after_would_block();
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(lost(&error)),
        };
        cx.rx = rx;
        outcome
    }

    fn received<S: Service>(
        &mut self,
        rx: &[u8],
        len: usize,
        cx: &mut WorkerContext<'c, S>,
    ) -> Result<(), Disconnect> {
        let bytes = &rx[..len];
        add(&cx.counters.bytes_in, len as u64);
        self.readiness.after_read(len, rx.len());
        if self.input.is_empty() {
            let consumed = self.pump(bytes, cx)?;
            return self.park_input(&bytes[consumed..], cx);
        }
        self.input.push(bytes, &mut self.share, &cx.shared.parked)?;
        self.pump_parked(cx)
    }

    fn park_input<S>(&mut self, rest: &[u8], cx: &WorkerContext<'c, S>) -> Result<(), Disconnect> {
        if !rest.is_empty() && self.phase == Phase::Open {
            self.input.push(rest, &mut self.share, &cx.shared.parked)?;
        }
        Ok(())
    }

    fn pump_parked<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Result<(), Disconnect> {
        let mut input = std::mem::take(&mut self.input);
        let outcome = self.pump(input.bytes(), cx);
        let consumed = outcome.as_ref().map_or(0, |&consumed| consumed);
        input.consume(consumed, &mut self.share, &cx.shared.parked);
        self.input = input;
        outcome.map(|_| ())
    }

    /// Pumps the session until it wants more input, its output is blocked, or it closes; says how many
    /// bytes were consumed. All replies to one batch go out in one write, if they fit the buffer.
    fn pump<S: Service>(
        &mut self,
        input: &[u8],
        cx: &mut WorkerContext<'c, S>,
    ) -> Result<usize, Disconnect> {
        let mut consumed = 0;
        loop {
            let mut out = OutBuf::new(&mut cx.tx);
            let rest = &input[consumed..];
            let session = &mut self.session;
            let (len, want) =
                pump(session, &mut cx.guard, cx.now, rest, self.readiness.ended, &mut out);
            consumed += len;
            let sent = write(&mut self.tcp, out.written(), cx.counters)?;
            let unsent = &out.written()[sent..];
            if !unsent.is_empty() {
                self.output.push(unsent, &mut self.share, &cx.shared.parked)?;
                self.session.block(cx.now);
                self.since = cx.now;
            }
            match want {
                Want::Close => self.phase = Phase::Closing,
                _ if !self.output.is_empty() => {}
                Want::Output { .. } => continue,
                Want::Input { .. } if self.handlers_were_slow(cx) => continue,
                Want::Input { .. } => {}
            }
            return Ok(consumed);
        }
    }

    /// Whether handlers took long. That time is not the peer's: for the session it stands still.
    fn handlers_were_slow<S>(&mut self, cx: &mut WorkerContext<'c, S>) -> bool {
        let began = std::mem::replace(&mut cx.now, cx.clock.now());
        let slow = cx.now.saturating_duration_since(began) >= SLOW_HANDLER;
        if slow {
            self.session.block(began);
        }
        slow
    }

    /// Sends on what the peer did not take before.
    fn send_parked<S>(&mut self, cx: &mut WorkerContext<'c, S>) -> Result<(), Disconnect> {
        let sent = write(&mut self.tcp, self.output.bytes(), cx.counters)?;
        if sent > 0 {
            self.since = cx.now;
            self.output.consume(sent, &mut self.share, &cx.shared.parked);
        }
        Ok(())
    }

    /// The last reply is sent. Unless the peer has nothing more to say, its words are drained for a
    /// while, for a close with unread bytes would destroy that reply.
    fn linger<S>(&mut self, cx: &mut WorkerContext<'c, S>) -> NextStep {
        self.input.clear(&mut self.share, &cx.shared.parked);
        let slab = cx.shared.lingering_cap();
        if self.readiness.ended || !Shared::take_place(&cx.shared.lingering, slab) {
            return NextStep::Close;
        }
        cx.shared.open.fetch_sub(1, Relaxed);
        self.phase = Phase::Lingering;
        self.since = cx.now;
        if self.tcp.shutdown(Shutdown::Write).is_err() {
            return NextStep::Close;
        }
        self.drain(cx)
    }

    /// One read a turn, as for those that are served: a flood into it must not delay them.
    fn drain<S>(&mut self, cx: &mut WorkerContext<'c, S>) -> NextStep {
        match self.tcp.read(&mut cx.rx) {
            Ok(0) => return NextStep::Close,
            Ok(len) => add(&cx.counters.bytes_in, len as u64),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return NextStep::Wait,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return NextStep::Close,
        }
        NextStep::Again
    }

    fn abort<S>(&mut self, disconnect: &Disconnect, cx: &WorkerContext<'c, S>) -> NextStep {
        if matches!(disconnect, Disconnect::Reset) {
            add(&cx.counters.resets, 1);
            if let Err(error) = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)) {
                log::debug!("a connection closes without a reset: {error}");
            }
        }
        NextStep::Close
    }
}

/// Writes until all is sent or the system takes no more; says how much it took.
fn write(
    tcp: &mut TcpStream,
    bytes: &[u8],
    counters: &WorkerCounters,
) -> Result<usize, Disconnect> {
    let mut sent = 0;
    while sent < bytes.len() {
        match tcp.write(&bytes[sent..]) {
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

fn lost(error: &io::Error) -> Disconnect {
    log::debug!("a connection is lost: {error}");
    Disconnect::Lost
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle connection costs, beside its place among the deadlines: docs/PERFORMANCE.md.
    #[test]
    fn a_connection_is_small() {
        let len = size_of::<Connection<'_>>();
        assert!(len <= 208, "{len} bytes");
    }
}
