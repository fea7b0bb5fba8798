//! The server's side of one connection: docs/PROTOCOL.md §4, §5 and §8.
//!
//! ```text
//!            bytes                      ┌───── reply ─────┐
//!              ▼                        ▼                 │
//! new ─► waiting for a frame ─► Request handed out ─► service
//!          │ deadline, end, stop, a broken frame
//!          ▼
//!        Close
//! ```

use crate::code::Code;
use crate::frame::{Decoder, Found, Frame};
use crate::limits::Limits;
use crate::out_buf::OutBuf;
use crate::phase::{Phase, PhaseClock};
use crate::reply::{Fragment, PendingReply, Reply, over};
use crate::time::Instant;

/// What a step found, or waits for.
#[derive(Debug)]
#[must_use]
pub enum Step<'i> {
    /// A request, to be answered through [`Session::reply`] before the next step.
    Request(Frame<'i>),
    /// The session answered a frame, or the connection, by itself, with this code. Step again.
    Refused(Code),
    /// Nothing to do before this comes. After [`Want::Close`] every later step says so again.
    Wait(Want),
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Want {
    /// More bytes.
    Input {
        /// The length of the whole frame at the front of what was not consumed, where known.
        frame_len: Option<u32>,
    },
    /// More room: at least `free` bytes free in the output. Send what is there, then step again.
    Output {
        /// The longest reply, [`Limits::max_reply_frame_len`].
        free: usize,
    },
    /// Nothing: send what is in the output, then close (docs/PROTOCOL.md §8.1).
    Close,
}

/// A step without a request. It is small and borrows nothing, so a step with one isn't copied to
/// make place for it.
enum Otherwise {
    Refused(Code),
    Wait(Want),
}

impl From<Otherwise> for Step<'_> {
    #[inline]
    fn from(otherwise: Otherwise) -> Self {
        match otherwise {
            Otherwise::Refused(code) => Self::Refused(code),
            Otherwise::Wait(want) => Self::Wait(want),
        }
    }
}

/// One connection's state on the server: which reply is owed, and when time runs out. It owns no
/// bytes.
///
/// Methods come in three families:
/// - input: [`step`](Self::step) takes received bytes, and [`reply`](Self::reply) answers the
///   request it handed out; then step again, with what was consumed dropped from the input;
/// - time: [`deadline`](Self::deadline) says when to step with the same input if nothing happens
///   before; [`block`](Self::block) and [`unblock`](Self::unblock) stop and start its clock, and
///   [`restart_timeout`](Self::restart_timeout) starts it anew;
/// - shutdown: [`stop`](Self::stop).
///
/// [`pump`](crate::pump) does the first family's loop.
#[derive(Debug)]
pub struct Session<'l> {
    limits: &'l Limits,
    decoder: Decoder,
    pending: PendingReply,
    clock: PhaseClock,
    /// Until when a frame begun may be finished; [`Instant::MAX`] unless the server is stopping.
    stop_by: Instant,
}

impl<'l> Session<'l> {
    /// A session of a connection made `now`.
    #[must_use]
    pub const fn new(limits: &'l Limits, now: Instant) -> Self {
        Self {
            limits,
            decoder: Decoder::new(),
            pending: PendingReply::None,
            clock: PhaseClock::new(now),
            stop_by: Instant::MAX,
        }
    }

    /// Looks at the front of `input`: all bytes received and not yet consumed. `end` says that
    /// nothing follows them. The caller drops as many bytes as the first result says, once it is
    /// done with the step.
    ///
    /// A request is handed out only while the longest reply fits `out`, so that it is carried out
    /// once and surely answered. Until then nothing is consumed: that is the backpressure. A
    /// request handed out and left unanswered gets `ERR failed` now.
    ///
    /// Input goes before time: a whole frame is taken even after its deadline.
    #[cfg_attr(not(feature = "small"), inline)]
    #[cfg_attr(feature = "small", inline(never))]
    pub fn step<'i>(
        &mut self,
        now: Instant,
        input: &'i [u8],
        end: bool,
        out: &mut OutBuf<'_>,
    ) -> (usize, Step<'i>) {
        if !self.is_ready(out)
            && let Some(otherwise) = self.settle(now, out)
        {
            return (0, otherwise.into());
        }
        if let Some((len, frame)) = self.decoder.whole_frame(self.limits.max_body_len, input) {
            self.clock.start(Phase::Idle, now);
            self.pending = PendingReply::Owed { tag: frame.tag };
            return (len, Step::Request(frame));
        }
        let (len, otherwise) = self.step_otherwise(now, (input, end), out);
        (len, otherwise.into())
    }

    /// Whether only input matters now: no reply owed, not closed, no lack of room, no stop.
    #[inline]
    fn is_ready(&self, out: &OutBuf<'_>) -> bool {
        self.pending == PendingReply::None
            && self.clock.is_running()
            && !self.is_stopping()
            && out.free() >= self.limits.max_reply_frame_len()
    }

    /// What goes before input.
    #[cfg_attr(not(feature = "small"), inline(never))]
    fn settle(&mut self, now: Instant, out: &mut OutBuf<'_>) -> Option<Otherwise> {
        if self.clock.phase() == Phase::Closed {
            return Some(Otherwise::Wait(Want::Close));
        }
        let free = self.limits.max_reply_frame_len();
        let blocked = out.free() < free;
        self.clock.set_paused(blocked, now);
        if blocked {
            return Some(Otherwise::Wait(Want::Output { free }));
        }
        if self.pending != PendingReply::None {
            let _answered = self.reply(out).error(Code::Failed, "no answer");
            return Some(Otherwise::Refused(Code::Failed));
        }
        let stops = self.is_stopping() && self.clock.phase() == Phase::Idle;
        stops.then(|| self.close_with(Code::Stopping, out))
    }

    /// The limits that it keeps to.
    #[must_use]
    pub const fn limits(&self) -> &'l Limits {
        self.limits
    }

    /// Answers the request that the last step handed out.
    pub fn reply<'s>(&'s mut self, out: &'s mut OutBuf<'_>) -> Reply<'s> {
        self.reply_into(out.lend())
    }

    /// The same, into the free part of an output that is being sent, and the length of all of it.
    pub(crate) const fn reply_into<'s>(
        &'s mut self,
        free: (&'s mut [u8], &'s mut usize),
    ) -> Reply<'s> {
        Reply::new(&mut self.pending, self.limits.max_reply_len, free)
    }

    /// Whether it waits for a frame to begin.
    #[cfg(feature = "async")]
    pub(crate) fn is_between_frames(&self) -> bool {
        self.clock.phase() == Phase::Idle
    }

    /// When to step again, if nothing else happens before: the end of the frame timeout, of the
    /// idle timeout, or of the time that [`stop`](Self::stop) left. `None` while output is blocked,
    /// or closed.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        Some(self.clock.deadline(self.limits)?.min(self.stop_by))
    }

    /// The output can't be sent, so no input will be shown: time stands still until
    /// [`unblock`](Self::unblock) or the next step that finds room. A step that finds too little
    /// room in its output blocks by itself.
    pub fn block(&mut self, now: Instant) {
        self.clock.set_paused(true, now);
    }

    /// The output was sent: time goes on. A step that finds room does this by itself.
    pub fn unblock(&mut self, now: Instant) {
        self.clock.set_paused(false, now);
    }

    /// The time since the last step was the server's own, not the peer's: a handler was slow. The
    /// timeout in force starts again `now`.
    pub fn restart_timeout(&mut self, now: Instant) {
        self.clock.restart(now);
    }

    /// The server is stopping. A frame begun may still be finished until `by`; then, or at once
    /// where none is begun, the next step tells the client `stopping` and closes.
    pub fn stop(&mut self, by: Instant) {
        self.stop_by = by.min(Instant::from_millis(u64::MAX - 1));
    }

    fn is_stopping(&self) -> bool {
        self.stop_by < Instant::MAX
    }

    /// There is no whole frame within the limit.
    #[cfg_attr(not(feature = "small"), inline(never))]
    fn step_otherwise(
        &mut self,
        now: Instant,
        (input, end): (&[u8], bool),
        out: &mut OutBuf<'_>,
    ) -> (usize, Otherwise) {
        let limits = self.limits.of_bodies();
        let (len, found) = self.decoder.explain(limits, input);
        let (code, tag, limit) = match found {
            Found::NeedInput { frame_len } => {
                if !input.is_empty() && self.clock.phase() == Phase::Idle {
                    self.clock.start(Phase::Frame, now);
                }
                return (len, self.wait(now, end, frame_len, out));
            }
            Found::Skipped { tag, .. } => {
                self.clock.start(Phase::Idle, now);
                (Code::TooLarge, tag, limits.max_body_len)
            }
            Found::Broken { code, tag } => {
                self.clock.close();
                (code, tag, limits.max_skipped_len())
            }
        };
        let over = over(limit);
        let message = if code == Code::TooLarge { over.as_slice() } else { &[] };
        (len, self.refuse(code, tag, message, out))
    }

    /// More input has to come.
    fn wait(
        &mut self,
        now: Instant,
        end: bool,
        frame_len: Option<u32>,
        out: &mut OutBuf<'_>,
    ) -> Otherwise {
        let code = if end {
            self.clock.close();
            return Otherwise::Wait(Want::Close);
        } else if now >= self.stop_by {
            Code::Stopping
        } else if self.deadline().is_some_and(|deadline| now >= deadline) {
            Code::Timeout
        } else {
            return Otherwise::Wait(Want::Input { frame_len });
        };
        self.close_with(code, out)
    }

    fn close_with(&mut self, code: Code, out: &mut OutBuf<'_>) -> Otherwise {
        self.clock.close();
        self.refuse(code, None, &[], out)
    }

    fn refuse(
        &mut self,
        code: Code,
        tag: Option<u32>,
        message: &[Fragment<'_>],
        out: &mut OutBuf<'_>,
    ) -> Otherwise {
        self.pending = PendingReply::Owed { tag };
        let _answered = self.reply(out).refuse(code, message);
        Otherwise::Refused(code)
    }
}
