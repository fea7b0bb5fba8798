//! The server's side of one connection: docs/PROTOCOL.md §4, §5 and §8.
//!
//! ```text
//!            bytes                     ┌───── reply ─────┐
//!              ▼                        ▼                 │
//! new ─► waiting for a frame ─► Request handed out ─► service
//!          │ deadline, end, stop, a broken frame
//!          ▼
//!        Close
//! ```

use crate::code::Code;
use crate::frame::{BodyLimits, Decoded, Decoder, Frame};
use crate::limits::{Limits, Millis};
use crate::out_buf::OutBuf;
use crate::reply::{PendingReply, Reply, Fragment, over};

/// What a step found, or waits for.
#[derive(Debug)]
#[must_use]
pub enum Step<'i> {
    /// A request, to be answered through [`Session::reply`] before the next step.
    Request(Frame<'i>),
    /// The session answered a frame, or the connection, by itself, with this code. Step on.
    Refused(Code),
    /// More bytes.
    NeedInput {
        /// Bytes of the whole frame at the front of what was not consumed, where that is known.
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

/// One connection's state on the server: what is owed, what is due when. It owns no bytes.
///
/// The order of calls: [`step`](Self::step); after a [`Step::Request`], [`reply`](Self::reply) and its
/// answer; [`step`](Self::step) again, with what was consumed dropped from the input. When nothing
/// happens until [`deadline`](Self::deadline), step with the same input. [`pump`](crate::pump) does
/// all that.
#[derive(Debug)]
pub struct Session<'l> {
    limits: &'l Limits,
    decoder: Decoder,
    owed: PendingReply,
    phase: Phase,
    /// When the phase began; while `blocked`, how long it had lasted.
    since: Millis,
    blocked: bool,
    /// Until when a frame begun may be finished; [`Millis::MAX`] unless the server is going.
    stop_by: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between frames.
    Idle,
    /// In a frame.
    Frame,
    /// Done.
    Closed,
}

impl<'l> Session<'l> {
    /// A session of a connection made `now`.
    #[must_use]
    pub const fn new(limits: &'l Limits, now: Millis) -> Self {
        Self {
            limits,
            decoder: Decoder::new(),
            owed: PendingReply::Nothing,
            phase: Phase::Idle,
            since: now,
            blocked: false,
            stop_by: Millis::MAX,
        }
    }

    /// Looks at the front of `input`: all bytes received and not yet consumed. `end` says that
    /// nothing follows them. The caller drops as many bytes as the first result says, once it is
    /// done with the step.
    ///
    /// A request is handed out only while the longest reply fits `out`, so that it is carried out once
    /// and answered for sure; until then nothing is consumed, which is the backpressure. A request
    /// handed out and left unanswered gets `ERR failed` now.
    ///
    /// Input goes before time: a frame that is whole is taken, even after its deadline.
    // On a device it stays a function of its own, whose stack is free again when the request is served.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn step<'i>(
        &mut self,
        now: Millis,
        input: &'i [u8],
        end: bool,
        out: &mut OutBuf<'_>,
    ) -> (usize, Step<'i>) {
        if self.phase == Phase::Closed {
            return (0, Step::Close);
        }
        let free = self.limits.max_reply_frame_len();
        let blocked = out.free() < free;
        self.set_blocked(blocked, now);
        if blocked {
            return (0, Step::NeedOutput { free });
        }
        if self.owed != PendingReply::Nothing {
            let _answered = self.reply(out).error(Code::Failed, "no answer");
            return (0, Step::Refused(Code::Failed));
        }
        if self.phase == Phase::Idle {
            if self.is_stopping() {
                return (0, self.close_with(Code::Stopping, out));
            }
            if !input.is_empty() {
                self.enter(Phase::Frame, now);
            }
        }
        self.decode(now, input, end, out)
    }

    /// A request that is whole, where nothing else is to be thought of: what [`step`](Self::step) would
    /// hand out. `None` says nothing; step then.
    #[inline]
    pub(crate) fn whole_request<'i>(
        &mut self,
        now: Millis,
        input: &'i [u8],
        out: &OutBuf<'_>,
    ) -> Option<(usize, Frame<'i>)> {
        if !self.is_plain(out) {
            return None;
        }
        let (frame, len) = self.decoder.whole_frame(self.limits.max_body_len, input)?;
        self.enter(Phase::Idle, now);
        self.owed = PendingReply::Reply { tag: frame.tag };
        Some((len, frame))
    }

    /// Whether nothing but input matters now: no answer owed, no close, no lack of room, no stop.
    #[inline]
    pub(crate) fn is_plain(&self, out: &OutBuf<'_>) -> bool {
        self.owed == PendingReply::Nothing
            && self.phase != Phase::Closed
            && !self.blocked
            && !self.is_stopping()
            && out.free() >= self.limits.max_reply_frame_len()
    }

    /// The limits that it keeps to.
    #[must_use]
    pub const fn limits(&self) -> &'l Limits {
        self.limits
    }

    /// Answers the request that the last step handed out.
    pub fn reply<'s>(&'s mut self, out: &'s mut OutBuf<'_>) -> Reply<'s> {
        Reply::new(&mut self.owed, self.limits.max_reply_len, out)
    }

    /// When to step again, if nothing else happens before: the frame deadline, the idle timeout, or
    /// the end of the time that [`stop`](Self::stop) left. `None` while output is blocked, or closed.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let due = match self.phase {
            _ if self.blocked => return None,
            Phase::Closed => return None,
            Phase::Idle => self.since.after(self.limits.idle_timeout),
            Phase::Frame => self.since.after(self.limits.frame_deadline),
        };
        Some(due.min(self.stop_by))
    }

    /// The output can't be sent on, so no input will be shown: time stands still until the next step.
    /// A step that finds too little room in its output does this by itself.
    pub fn block(&mut self, now: Millis) {
        self.set_blocked(true, now);
    }

    /// The server is going. A frame begun may still be finished until `by`; then, or at once where
    /// none is begun, the next step tells the client `stopping` and closes.
    pub fn stop(&mut self, by: Millis) {
        self.stop_by = by.min(Millis(u64::MAX - 1));
    }

    fn is_stopping(&self) -> bool {
        self.stop_by < Millis::MAX
    }

    /// The output was sent on: time goes on. A step that finds room does this by itself.
    pub(crate) fn unblock(&mut self, now: Millis) {
        self.set_blocked(false, now);
    }

    /// Subtracted from now, the moment gives the span, and the span the moment.
    fn set_blocked(&mut self, blocked: bool, now: Millis) {
        if self.blocked != blocked {
            self.blocked = blocked;
            self.since = now.since(self.since);
        }
    }

    fn enter(&mut self, phase: Phase, now: Millis) {
        self.phase = phase;
        self.since = now;
    }

    fn decode<'i>(
        &mut self,
        now: Millis,
        input: &'i [u8],
        end: bool,
        out: &mut OutBuf<'_>,
    ) -> (usize, Step<'i>) {
        let bounds = BodyLimits {
            max_body_len: self.limits.max_body_len,
            skip_budget: self.limits.skip_budget(),
        };
        let (consumed, decoded) = self.decoder.step(bounds, input);
        let step = match decoded {
            Decoded::Frame(frame) => {
                self.enter(Phase::Idle, now);
                self.owed = PendingReply::Reply { tag: frame.tag };
                Step::Request(frame)
            }
            Decoded::Skipped { tag, .. } => {
                self.enter(Phase::Idle, now);
                self.refuse(Code::TooLarge, tag, &over(bounds.max_body_len), out)
            }
            Decoded::Broken { code: Code::TooLarge, tag } => {
                self.enter(Phase::Closed, now);
                self.refuse(Code::TooLarge, tag, &over(bounds.skip_budget), out)
            }
            Decoded::Broken { code, tag } => {
                self.enter(Phase::Closed, now);
                self.refuse(code, tag, &[], out)
            }
            Decoded::NeedInput { frame_len } => self.wait(now, end, frame_len, out),
        };
        (consumed, step)
    }

    /// The input has no whole frame.
    fn wait<'i>(
        &mut self,
        now: Millis,
        end: bool,
        frame_len: Option<u32>,
        out: &mut OutBuf<'_>,
    ) -> Step<'i> {
        if end {
            self.enter(Phase::Closed, now);
            return Step::Close;
        }
        if now >= self.stop_by {
            return self.close_with(Code::Stopping, out);
        }
        if self.deadline().is_some_and(|due| now >= due) {
            return self.close_with(Code::Timeout, out);
        }
        Step::NeedInput { frame_len }
    }

    fn close_with<'i>(&mut self, code: Code, out: &mut OutBuf<'_>) -> Step<'i> {
        self.phase = Phase::Closed;
        self.refuse(code, None, &[], out)
    }

    fn refuse<'i>(
        &mut self,
        code: Code,
        tag: Option<u32>,
        words: &[Fragment<'_>],
        out: &mut OutBuf<'_>,
    ) -> Step<'i> {
        self.owed = PendingReply::Reply { tag };
        let _answered = self.reply(out).refuse(code, words);
        Step::Refused(code)
    }
}
