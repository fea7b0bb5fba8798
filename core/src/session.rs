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
use crate::frame::{Decoded, Decoder, Frame};
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
    /// More bytes.
    NeedInput {
        /// The length of the whole frame at the front of what was not consumed, where known.
        frame_len: Option<u32>,
    },
    /// More room: at least `free` bytes free in the output.
    NeedOutput {
        /// The longest reply, [`Limits::max_reply_frame_len`].
        free: usize,
    },
    /// Nothing more: send what is in the output, then close. Every later step says so again.
    Close,
}

/// One connection's state on the server: which reply is owed, and when time runs out. It owns no
/// bytes.
///
/// Methods come in three families:
/// - input: [`step`](Self::step) takes received bytes, and [`reply`](Self::reply) answers the request
///   it handed out; then step again, with what was consumed dropped from the input;
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
    /// once and surely answered. Until then nothing is consumed: that is the backpressure. A request
    /// handed out and left unanswered gets `ERR failed` now.
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
            && let Some(step) = self.settle(now, out)
        {
            return (0, step);
        }
        match self.decoder.step(self.limits.of_bodies(), input) {
            (len, Decoded::Frame(frame)) => {
                self.clock.start(Phase::Idle, now);
                self.pending = PendingReply::Owed { tag: frame.tag };
                (len, Step::Request(frame))
            }
            (len, decoded) => {
                let begun = !input.is_empty();
                (len, self.step_otherwise(now, &decoded, (begun, end), out))
            }
        }
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
    fn settle<'i>(&mut self, now: Instant, out: &mut OutBuf<'_>) -> Option<Step<'i>> {
        if self.clock.phase() == Phase::Closed {
            return Some(Step::Close);
        }
        let free = self.limits.max_reply_frame_len();
        if out.free() < free {
            self.block(now);
            return Some(Step::NeedOutput { free });
        }
        self.unblock(now);
        if self.pending != PendingReply::None {
            let _answered = self.reply(out).error(Code::Failed, "no answer");
            return Some(Step::Refused(Code::Failed));
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
        Reply::new(&mut self.pending, self.limits.max_reply_len, out)
    }

    /// When to step again, if nothing else happens before: the end of the frame timeout, of the idle
    /// timeout, or of the time that [`stop`](Self::stop) left. `None` while output is blocked, or
    /// closed.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        Some(self.clock.deadline(self.limits)?.min(self.stop_by))
    }

    /// The output can't be sent, so no input will be shown: time stands still until
    /// [`unblock`](Self::unblock) or the next step that finds room. A step that finds too little room
    /// in its output blocks by itself.
    pub fn block(&mut self, now: Instant) {
        self.clock.pause(now);
    }

    /// The output was sent: time goes on. A step that finds room does this by itself.
    pub fn unblock(&mut self, now: Instant) {
        self.clock.resume(now);
    }

    /// The time since the last step was the server's own, not the peer's: a handler was slow. The
    /// timeout in force starts again `now`.
    pub fn restart_timeout(&mut self, now: Instant) {
        self.clock.restart(now);
    }

    /// The server is stopping. A frame begun may still be finished until `by`; then, or at once where
    /// none is begun, the next step tells the client `stopping` and closes.
    pub fn stop(&mut self, by: Instant) {
        self.stop_by = by.min(Instant::from_millis(u64::MAX - 1));
    }

    fn is_stopping(&self) -> bool {
        self.stop_by < Instant::MAX
    }

    /// All that is not a whole frame within the limit.
    #[cfg_attr(not(feature = "small"), inline(never))]
    fn step_otherwise<'i>(
        &mut self,
        now: Instant,
        decoded: &Decoded<'i>,
        (begun, end): (bool, bool),
        out: &mut OutBuf<'_>,
    ) -> Step<'i> {
        match *decoded {
            Decoded::NeedInput { frame_len } => {
                if begun && self.clock.phase() == Phase::Idle {
                    self.clock.start(Phase::Frame, now);
                }
                self.wait(now, end, frame_len, out)
            }
            Decoded::Skipped { tag, .. } => {
                self.clock.start(Phase::Idle, now);
                self.refuse(Code::TooLarge, tag, &over(self.limits.max_body_len), out)
            }
            Decoded::Broken { code, tag } => {
                self.clock.close();
                let limit = over(self.limits.of_bodies().max_skipped_len());
                let message = if code == Code::TooLarge { limit.as_slice() } else { &[] };
                self.refuse(code, tag, message, out)
            }
            Decoded::Frame(frame) => Step::Request(frame),
        }
    }

    /// The input has no whole frame.
    fn wait<'i>(
        &mut self,
        now: Instant,
        end: bool,
        frame_len: Option<u32>,
        out: &mut OutBuf<'_>,
    ) -> Step<'i> {
        if end {
            self.clock.close();
            return Step::Close;
        }
        if now >= self.stop_by {
            return self.close_with(Code::Stopping, out);
        }
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            return self.close_with(Code::Timeout, out);
        }
        Step::NeedInput { frame_len }
    }

    fn close_with<'i>(&mut self, code: Code, out: &mut OutBuf<'_>) -> Step<'i> {
        self.clock.close();
        self.refuse(code, None, &[], out)
    }

    fn refuse<'i>(
        &mut self,
        code: Code,
        tag: Option<u32>,
        message: &[Fragment<'_>],
        out: &mut OutBuf<'_>,
    ) -> Step<'i> {
        self.pending = PendingReply::Owed { tag };
        let _answered = self.reply(out).refuse(code, message);
        Step::Refused(code)
    }
}
