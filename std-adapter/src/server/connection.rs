//! One connection, from read to write.
//!
//! ```text
//! Open ──session closes──► Closing ──output sent──► Lingering ──end of stream, or 2 s──► closed
//! ```
//!
//! A turn reads once, answers all whole frames that are there, and writes their replies at once.
//! Bytes of an incomplete frame, and replies that the peer doesn't take, are kept. While replies
//! are kept nothing is read: that is the backpressure.

use std::time::Duration;

use linecard_core::{Code, Instant, OutBuf, Service, Session, Want, pump, refuse};
use mio::event::Event;
use mio::net::TcpStream;

use super::byte_queue::ByteQueue;
use super::context::{READ_LEN, ReadBuf, WorkerContext};
use super::socket::{Disconnect, Socket};

/// How long a closing connection is drained at most, because a close with unread bytes would
/// destroy its last reply: docs/PROTOCOL.md §8.1.
const LINGER: Duration = Duration::from_secs(2);

/// What follows a connection's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum NextStep {
    /// It waits for readiness or for its deadline.
    Wait,
    /// It has more to do, after the other connections had their turn.
    Again,
    /// It is closed.
    Close,
}

/// How a turn ended.
pub(super) type Turn = Result<NextStep, Disconnect>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Lingering,
}

pub(super) struct Connection<'c> {
    socket: Socket,
    session: Session<'c>,
    /// Received and not consumed: the beginning of a frame, or what waits behind unsent replies.
    input: ByteQueue,
    /// Replies that are not sent yet.
    output: ByteQueue,
    /// The length of the frame that `input` begins with; 0 where it isn't known.
    frame_len: u32,
    phase: Phase,
    /// When the last write made progress, or when lingering began.
    since: Instant,
    /// Its entry among the worker's deadlines.
    pub(super) scheduled: Instant,
    /// It is among the connections that have more to do.
    pub(super) queued: bool,
}

impl<'c> Connection<'c> {
    /// A connection that is to be served or, unless it is `admitted`, only answered `busy`.
    pub(super) fn new(tcp: TcpStream, session: Session<'c>, admitted: bool, now: Instant) -> Self {
        Self {
            socket: Socket::new(tcp),
            session,
            input: ByteQueue::default(),
            output: ByteQueue::default(),
            frame_len: 0,
            phase: if admitted { Phase::Open } else { Phase::Lingering },
            since: now,
            scheduled: Instant::MAX,
            queued: false,
        }
    }

    /// When it needs a turn even if nothing happens.
    pub(super) fn deadline(&self, write_timeout: Duration) -> Instant {
        match self.phase {
            Phase::Lingering => self.since.saturating_add(LINGER),
            _ if !self.output.is_empty() => self.since.saturating_add(write_timeout),
            _ => self.session.deadline().unwrap_or(Instant::MAX),
        }
    }

    /// The memory that its bytes take.
    pub(super) const fn buffered(&self) -> usize {
        self.input.capacity() + self.output.capacity()
    }

    /// The poll reported an event.
    pub(super) fn on_event<S: Service>(
        &mut self,
        event: &Event,
        cx: &mut WorkerContext<'c, S>,
    ) -> Turn {
        self.socket.on_event(event);
        self.turn(cx)
    }

    /// Does what can be done now.
    pub(super) fn turn<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Turn {
        if self.phase == Phase::Lingering {
            return self.drain(cx);
        }
        if self.output.is_empty() {
            return self.read_and_answer(cx);
        }
        self.send_output(cx)?;
        self.resume(cx)
    }

    /// Its deadline has passed: the session's, the write timeout, or the end of lingering.
    pub(super) fn on_deadline<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Turn {
        if cx.now < self.deadline(cx.write_timeout) {
            return Ok(NextStep::Wait);
        }
        if self.phase == Phase::Lingering {
            return Ok(NextStep::Close);
        }
        if self.output.is_empty() {
            // What arrived while the worker was busy is in time.
            self.receive(cx)?;
        } else if self.send_output(cx)? == 0 {
            // The system reports a socket as writable only once a third of its send buffer is free.
            // That is why a write was tried, or a slow reader would be reset.
            log::debug!("reset: the peer takes no replies");
            return Err(Disconnect::Reset);
        }
        self.resume(cx)
    }

    /// The server is stopping. A frame that was begun may be finished until `by`.
    pub(super) fn stop<S: Service>(&mut self, by: Instant, cx: &mut WorkerContext<'c, S>) -> Turn {
        self.session.stop(by);
        if self.may_read() { self.resume(cx) } else { Ok(NextStep::Wait) }
    }

    /// The stop timeout has passed. A connection that is still owed replies is reset, so that the
    /// client doesn't mistake the end for that of a complete stream.
    pub(super) fn end_stop(&self) -> Turn {
        match self.phase {
            Phase::Lingering => Ok(NextStep::Close),
            Phase::Open | Phase::Closing => Err(Disconnect::Reset),
        }
    }

    /// There are too many connections: answers `busy`, and lingers.
    pub(super) fn refuse_busy<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Turn {
        let mut out = OutBuf::new(&mut cx.tx);
        refuse(Code::Busy, &mut out);
        cx.guard.refused(Code::Busy);
        self.socket.write(out.written(), cx.counters)?;
        self.socket.shutdown_write()?;
        Ok(NextStep::Wait)
    }

    /// Dropping the connection will reset it.
    pub(super) fn reset_on_drop(&self) {
        self.socket.reset_on_drop();
    }

    /// Gives back what it held of the server's resources.
    pub(super) fn release<S>(&mut self, cx: &mut WorkerContext<'c, S>) {
        self.input.clear(&mut cx.budget);
        self.output.clear(&mut cx.budget);
        let lingering = self.phase == Phase::Lingering;
        let count = if lingering { &cx.shared.lingering } else { &cx.shared.open };
        count.subtract();
    }

    fn may_read(&self) -> bool {
        self.phase == Phase::Open && self.output.is_empty()
    }

    /// The output was sent, or the session is to look at the time or at a stop: what is buffered
    /// comes before what is read.
    fn resume<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Turn {
        if self.may_read() {
            self.answer_input(cx)?;
        }
        self.read_and_answer(cx)
    }

    fn read_and_answer<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Turn {
        if self.may_read() && self.socket.is_readable() {
            self.receive(cx)?;
        }
        if self.phase == Phase::Closing && self.output.is_empty() {
            return self.linger(cx);
        }
        let more = self.may_read() && self.socket.is_readable();
        Ok(if more { NextStep::Again } else { NextStep::Wait })
    }

    /// Reads once and answers all whole frames.
    fn receive<S: Service>(&mut self, cx: &mut WorkerContext<'c, S>) -> Result<(), Disconnect> {
        let missing = (self.frame_len as usize).saturating_sub(self.input.len());
        if missing > 0 && self.input.len() >= missing.min(READ_LEN) {
            return self.receive_behind(missing, cx);
        }
        // Taken out, so that the context can be lent while the frames borrow from the buffer.
        let mut rx = std::mem::take(&mut cx.rx);
        let outcome =
            match self.socket.read(rx.space(missing.saturating_add(READ_LEN)), cx.counters) {
                Ok(Some(bytes)) => {
                    let len = bytes.len();
                    self.answer_received(&mut rx, len, cx)
                }
                Ok(None) => Ok(()),
                Err(disconnect) => Err(disconnect),
            };
        cx.rx = rx;
        outcome
    }

    /// Much of a frame is buffered: what is missing is read straight behind it, and no more.
    fn receive_behind<S: Service>(
        &mut self,
        missing: usize,
        cx: &mut WorkerContext<'c, S>,
    ) -> Result<(), Disconnect> {
        let spare = self.input.spare(missing, &mut cx.budget)?;
        let Some(bytes) = self.socket.read(spare, cx.counters)? else { return Ok(()) };
        let len = bytes.len();
        self.input.add(len);
        self.answer_input(cx)
    }

    /// Answers frames where they were read to, behind what was buffered. That is copied there if it
    /// isn't longer than what came, so that no byte is copied often. What is left is buffered.
    fn answer_received<S: Service>(
        &mut self,
        rx: &mut ReadBuf,
        len: usize,
        cx: &mut WorkerContext<'c, S>,
    ) -> Result<(), Disconnect> {
        let joined = if self.input.len() <= len { rx.join(self.input.bytes(), len) } else { None };
        let Some(received) = joined else {
            self.input.push(rx.space(len), &mut cx.budget)?;
            return self.answer_input(cx);
        };
        self.input.clear(&mut cx.budget);
        let consumed = self.answer(received, cx)?;
        if self.phase == Phase::Open && consumed < received.len() {
            self.input.push(&received[consumed..], &mut cx.budget)?;
        }
        Ok(())
    }

    fn answer_input<S: Service>(
        &mut self,
        cx: &mut WorkerContext<'c, S>,
    ) -> Result<(), Disconnect> {
        let mut input = std::mem::take(&mut self.input);
        let outcome = self.answer(input.bytes(), cx);
        input.consume(*outcome.as_ref().unwrap_or(&0), &mut cx.budget);
        self.input = input;
        outcome.map(|_consumed| ())
    }

    /// Answers the frames at the front of `input`, until the session needs more input, the output
    /// is blocked, or the session closes. Returns how many bytes were consumed. All replies go out
    /// in one write, if they fit the buffer.
    fn answer<S: Service>(
        &mut self,
        input: &[u8],
        cx: &mut WorkerContext<'c, S>,
    ) -> Result<usize, Disconnect> {
        let mut consumed = 0;
        loop {
            let mut out = OutBuf::new(&mut cx.tx);
            let (session, ended) = (&mut self.session, self.socket.is_ended());
            let (len, want) =
                pump(session, &mut cx.guard, cx.now, &input[consumed..], ended, &mut out);
            let written = out.written().len();
            consumed += len;
            if cx.guard.take_called() {
                // The time that handlers took is not the peer's.
                cx.update_now();
                self.session.restart_timeout(cx.now);
            }
            self.send(written, cx)?;
            self.frame_len = match want {
                Want::Output { .. } if self.output.is_empty() => continue,
                Want::Input { frame_len } => frame_len.unwrap_or_default(),
                Want::Output { .. } => 0,
                Want::Close => {
                    self.phase = Phase::Closing;
                    0
                }
            };
            return Ok(consumed);
        }
    }

    /// Sends `len` bytes of new replies. What the peer doesn't take is kept.
    fn send<S>(&mut self, len: usize, cx: &mut WorkerContext<'c, S>) -> Result<(), Disconnect> {
        let sent = self.socket.write(&cx.tx[..len], cx.counters)?;
        if sent < len {
            self.output.push(&cx.tx[sent..len], &mut cx.budget)?;
            self.session.block(cx.now);
            self.since = cx.now;
        }
        Ok(())
    }

    /// Sends what was kept. Returns how many bytes the peer took.
    fn send_output<S>(&mut self, cx: &mut WorkerContext<'c, S>) -> Result<usize, Disconnect> {
        let sent = self.socket.write(self.output.bytes(), cx.counters)?;
        if sent > 0 {
            self.output.consume(sent, &mut cx.budget);
            self.since = cx.now;
        }
        Ok(sent)
    }

    /// The last reply is sent. Unless the peer has closed already, what it still sends is drained
    /// for a while.
    fn linger<S>(&mut self, cx: &mut WorkerContext<'c, S>) -> Turn {
        self.input.clear(&mut cx.budget);
        if self.socket.is_ended() || !cx.shared.lingering.add(cx.shared.max_lingering()) {
            return Ok(NextStep::Close);
        }
        cx.shared.open.subtract();
        self.phase = Phase::Lingering;
        self.since = cx.now;
        self.socket.shutdown_write()?;
        self.drain(cx)
    }

    /// Reads once and discards it. Once a turn, so that a flood doesn't delay other connections.
    fn drain<S>(&mut self, cx: &mut WorkerContext<'c, S>) -> Turn {
        self.socket.read(cx.rx.space(READ_LEN), cx.counters)?;
        if self.socket.is_ended() {
            return Ok(NextStep::Close);
        }
        Ok(if self.socket.is_readable() { NextStep::Again } else { NextStep::Wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle connection costs, beside its entry among the deadlines: docs/PERFORMANCE.md.
    #[test]
    fn a_connection_is_small() {
        let len = size_of::<Connection<'_>>();
        assert!(len <= 208, "{len} bytes");
    }
}
