//! One connection: reading, pumping its session, writing, and the close that spares the last reply.
//!
//! ```text
//! Open ──session closes──► Closing ──output sent──► Lingering ──end of stream, or 2 s──► closed
//! ```

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use linecard_core::{Code, Millis, Out, Service, Session, Want, pump, refuse};
use mio::net::TcpStream;
use socket2::SockRef;

use super::budget::Share;
use super::clock::Clock;
use super::counters::{WorkerCounters, add};
use super::guard::Guard;
use super::parked::{Exhausted, Parked};
use super::shared::Shared;

/// How long a closing connection is drained at most, so that unread octets don't destroy its last
/// reply: docs/PROTOCOL.md §8.1.
const LINGER: Millis = Millis(2_000);

/// Handlers that took so long have held their peer up.
const LONG: Millis = Millis(10);

/// Whether a read that didn't fill its buffer has emptied the socket, so that its readiness will be
/// told anew. Where it isn't so, only `WouldBlock` says that.
const SHORT_READ_DRAINS: bool = cfg!(unix);

/// What a worker lends to the connection whose turn it is.
pub(super) struct Hands<'c, S> {
    pub(super) rx: Box<[u8]>,
    pub(super) tx: Box<[u8]>,
    pub(super) guard: Guard<'c, S>,
    pub(super) shared: &'c Shared,
    pub(super) counters: &'c WorkerCounters,
    pub(super) write_timeout: Millis,
    pub(super) clock: Clock,
    pub(super) now: Millis,
}

/// What becomes of a connection after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum After {
    /// It waits for readiness, or for its deadline.
    Wait,
    /// It has more to do, once the others had their turn.
    Again,
    /// It is to be dropped.
    Close,
}

/// Why a turn ends the connection at once.
enum Gone {
    /// The peer has gone, or the system failed.
    Lost,
    /// It costs too much: no budget to park its octets, or no progress of a write.
    Reset,
}

impl From<Exhausted> for Gone {
    fn from(_: Exhausted) -> Self {
        log::debug!("reset: no budget left to park its octets");
        Self::Reset
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Lingering,
}

/// What is known of the octets still to be read.
#[derive(Clone, Copy, Debug, Default)]
struct Inflow {
    /// There may be some.
    readable: bool,
    /// The peer has shut its side down: behind them is the end of the stream.
    hung_up: bool,
    /// The end of the stream was read.
    ended: bool,
}

impl Inflow {
    /// A read gave `len` octets where `room` would have fitted.
    const fn after_read(&mut self, len: usize, room: usize) {
        self.ended = len == 0;
        let drained = SHORT_READ_DRAINS && len < room && !self.hung_up;
        self.readable = !self.ended && !drained;
    }
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
    inflow: Inflow,
    /// The last progress of a write, or when lingering began.
    since: Millis,
    /// Its moment among the worker's deadlines.
    pub(super) scheduled: Millis,
    /// It is among those that go on once the others had their turn.
    pub(super) queued: bool,
}

impl<'c> Connection<'c> {
    /// A connection that is to be served, or one for which there is no room.
    pub(super) fn new(tcp: TcpStream, session: Session<'c>, admitted: bool, now: Millis) -> Self {
        Self {
            tcp,
            session,
            input: Parked::default(),
            output: Parked::default(),
            share: Share::default(),
            phase: if admitted { Phase::Open } else { Phase::Lingering },
            inflow: Inflow::default(),
            since: now,
            scheduled: Millis::MAX,
            queued: false,
        }
    }

    /// There is no room for it: tells it so, in one of the places for those that linger.
    pub(super) fn turn_away<S: Service>(&mut self, hands: &mut Hands<'c, S>) -> After {
        let mut out = Out::new(&mut hands.tx);
        refuse(Code::Busy, &mut out);
        hands.guard.refused(Code::Busy);
        match self.tcp.write(out.written()).and_then(|_| self.tcp.shutdown(Shutdown::Write)) {
            Ok(()) => After::Wait,
            Err(_) => After::Close,
        }
    }

    /// The system said that there is something to read, or room to write.
    pub(super) fn ready<S: Service>(
        &mut self,
        readable: bool,
        hung_up: bool,
        hands: &mut Hands<'c, S>,
    ) -> After {
        self.inflow.readable |= readable;
        self.inflow.hung_up |= hung_up;
        self.turn(hands)
    }

    /// Does what can be done now.
    pub(super) fn turn<S: Service>(&mut self, hands: &mut Hands<'c, S>) -> After {
        if self.phase == Phase::Lingering {
            return self.drain(hands);
        }
        match self.work(hands) {
            Ok(after) => after,
            Err(gone) => self.give_up(&gone, hands),
        }
    }

    /// Its moment has come: the session's deadline, the write timeout, or the end of lingering. What has
    /// arrived by then is read first, even if the worker was held up.
    pub(super) fn due<S: Service>(&mut self, hands: &mut Hands<'c, S>) -> After {
        if hands.now < self.deadline(hands.write_timeout) {
            return After::Wait;
        }
        if self.phase == Phase::Lingering {
            return After::Close;
        }
        if !self.output.is_empty() {
            log::debug!("reset: a write made no progress");
            return self.give_up(&Gone::Reset, hands);
        }
        match self.receive(hands).and_then(|()| self.work_idle(hands)) {
            Ok(after) => after,
            Err(gone) => self.give_up(&gone, hands),
        }
    }

    /// The server is going: what was begun may be finished until `by`.
    pub(super) fn stop<S: Service>(&mut self, by: Millis, hands: &mut Hands<'c, S>) -> After {
        self.session.stop(by);
        if self.phase != Phase::Open || !self.output.is_empty() {
            return After::Wait;
        }
        match self.work_idle(hands) {
            Ok(after) => after,
            Err(gone) => self.give_up(&gone, hands),
        }
    }

    /// The server waits no longer: whoever has not got all its replies is not to take the end for theirs.
    pub(super) fn cut_off<S>(&mut self, hands: &mut Hands<'c, S>) -> After {
        match self.phase {
            Phase::Lingering => After::Close,
            Phase::Open | Phase::Closing => self.give_up(&Gone::Reset, hands),
        }
    }

    /// When it wants a turn even if nothing happens.
    pub(super) fn deadline(&self, write_timeout: Millis) -> Millis {
        match self.phase {
            Phase::Lingering => self.since.after(LINGER),
            _ if !self.output.is_empty() => self.since.after(write_timeout),
            _ => self.session.deadline().unwrap_or(Millis::MAX),
        }
    }

    /// Gives back what it held of what all share.
    pub(super) fn leave(&mut self, shared: &Shared) {
        self.input.clear(&mut self.share, &shared.parked);
        self.output.clear(&mut self.share, &shared.parked);
        let places = if self.phase == Phase::Lingering { &shared.lingering } else { &shared.open };
        places.fetch_sub(1, Relaxed);
    }

    /// Lets the session look at the time, or at the stop, even if nothing has come.
    fn work_idle<S: Service>(&mut self, hands: &mut Hands<'c, S>) -> Result<After, Gone> {
        if self.may_read() {
            self.pump_parked(hands)?;
        }
        self.work(hands)
    }

    fn work<S: Service>(&mut self, hands: &mut Hands<'c, S>) -> Result<After, Gone> {
        let was_blocked = !self.output.is_empty();
        if was_blocked {
            self.send_parked(hands)?;
        }
        if was_blocked && self.may_read() {
            self.pump_parked(hands)?;
        }
        if self.inflow.readable && self.may_read() {
            self.receive(hands)?;
        }
        if self.phase == Phase::Closing && self.output.is_empty() {
            return Ok(self.linger(hands));
        }
        Ok(if self.inflow.readable && self.may_read() { After::Again } else { After::Wait })
    }

    fn may_read(&self) -> bool {
        self.phase == Phase::Open && self.output.is_empty()
    }

    /// One read, and all the frames in it.
    fn receive<S: Service>(&mut self, hands: &mut Hands<'c, S>) -> Result<(), Gone> {
        let mut rx = std::mem::take(&mut hands.rx);
        let outcome = match self.tcp.read(&mut rx) {
            Ok(len) => self.received(&rx, len, hands),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.inflow.readable = false;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(lost(&error)),
        };
        hands.rx = rx;
        outcome
    }

    fn received<S: Service>(
        &mut self,
        rx: &[u8],
        len: usize,
        hands: &mut Hands<'c, S>,
    ) -> Result<(), Gone> {
        let octets = &rx[..len];
        add(&hands.counters.octets_in, len as u64);
        self.inflow.after_read(len, rx.len());
        if self.input.is_empty() {
            let consumed = self.pump(octets, hands)?;
            return self.park_input(&octets[consumed..], hands);
        }
        self.input.push(octets, &mut self.share, &hands.shared.parked)?;
        self.pump_parked(hands)
    }

    fn park_input<S>(&mut self, rest: &[u8], hands: &Hands<'c, S>) -> Result<(), Gone> {
        if !rest.is_empty() && self.phase == Phase::Open {
            self.input.push(rest, &mut self.share, &hands.shared.parked)?;
        }
        Ok(())
    }

    fn pump_parked<S: Service>(&mut self, hands: &mut Hands<'c, S>) -> Result<(), Gone> {
        let mut input = std::mem::take(&mut self.input);
        let outcome = self.pump(input.octets(), hands);
        let consumed = outcome.as_ref().map_or(0, |&consumed| consumed);
        input.consume(consumed, &mut self.share, &hands.shared.parked);
        self.input = input;
        outcome.map(|_| ())
    }

    /// Pumps the session until it wants more input, its output is blocked, or it closes; says how many
    /// octets were consumed. All replies to one batch go out in one write, if they fit the buffer.
    fn pump<S: Service>(&mut self, input: &[u8], hands: &mut Hands<'c, S>) -> Result<usize, Gone> {
        let mut consumed = 0;
        loop {
            let mut out = Out::new(&mut hands.tx);
            let rest = &input[consumed..];
            let session = &mut self.session;
            let (len, want) =
                pump(session, &mut hands.guard, hands.now, rest, self.inflow.ended, &mut out);
            consumed += len;
            let sent = write(&mut self.tcp, out.written(), hands.counters)?;
            let unsent = &out.written()[sent..];
            if !unsent.is_empty() {
                self.output.push(unsent, &mut self.share, &hands.shared.parked)?;
                self.session.block(hands.now);
                self.since = hands.now;
            }
            match want {
                Want::Close => self.phase = Phase::Closing,
                _ if !self.output.is_empty() => {}
                Want::Output { .. } => continue,
                Want::Input { .. } if self.was_held_up(hands) => continue,
                Want::Input { .. } => {}
            }
            return Ok(consumed);
        }
    }

    /// Whether handlers took long. That time is not the peer's: for the session it stands still.
    fn was_held_up<S>(&mut self, hands: &mut Hands<'c, S>) -> bool {
        let began = std::mem::replace(&mut hands.now, hands.clock.now());
        let held_up = hands.now.since(began) >= LONG;
        if held_up {
            self.session.block(began);
        }
        held_up
    }

    /// Sends on what the peer did not take before.
    fn send_parked<S>(&mut self, hands: &mut Hands<'c, S>) -> Result<(), Gone> {
        let sent = write(&mut self.tcp, self.output.octets(), hands.counters)?;
        if sent > 0 {
            self.since = hands.now;
            self.output.consume(sent, &mut self.share, &hands.shared.parked);
        }
        Ok(())
    }

    /// The last reply is sent. Unless the peer has nothing more to say, its words are drained for a
    /// while, for a close with unread octets would destroy that reply.
    fn linger<S>(&mut self, hands: &mut Hands<'c, S>) -> After {
        self.input.clear(&mut self.share, &hands.shared.parked);
        let places = hands.shared.lingering_cap();
        if self.inflow.ended || !Shared::take_place(&hands.shared.lingering, places) {
            return After::Close;
        }
        hands.shared.open.fetch_sub(1, Relaxed);
        self.phase = Phase::Lingering;
        self.since = hands.now;
        if self.tcp.shutdown(Shutdown::Write).is_err() {
            return After::Close;
        }
        self.drain(hands)
    }

    /// One read a turn, as for those that are served: a flood into it must not delay them.
    fn drain<S>(&mut self, hands: &mut Hands<'c, S>) -> After {
        match self.tcp.read(&mut hands.rx) {
            Ok(0) => return After::Close,
            Ok(len) => add(&hands.counters.octets_in, len as u64),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return After::Wait,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return After::Close,
        }
        After::Again
    }

    fn give_up<S>(&mut self, gone: &Gone, hands: &Hands<'c, S>) -> After {
        if matches!(gone, Gone::Reset) {
            add(&hands.counters.resets, 1);
            if let Err(error) = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO)) {
                log::debug!("a connection closes without a reset: {error}");
            }
        }
        After::Close
    }
}

/// Writes until all is sent or the system takes no more; says how much it took.
fn write(tcp: &mut TcpStream, octets: &[u8], counters: &WorkerCounters) -> Result<usize, Gone> {
    let mut sent = 0;
    while sent < octets.len() {
        match tcp.write(&octets[sent..]) {
            Ok(0) => return Err(Gone::Lost),
            Ok(len) => sent += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(lost(&error)),
        }
    }
    add(&counters.octets_out, sent as u64);
    Ok(sent)
}

fn lost(error: &io::Error) -> Gone {
    log::debug!("a connection is lost: {error}");
    Gone::Lost
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle connection costs, beside its place among the deadlines: docs/PERFORMANCE.md.
    #[test]
    fn a_connection_is_small() {
        let len = size_of::<Connection<'_>>();
        assert!(len <= 208, "{len} octets");
    }
}
