//! Calling over a link that can't close: docs/PROTOCOL.md §11.
//!
//! ```text
//! call ─► fails ─► … ─► next call: silence, what comes is discarded ─► call
//! ```

use core::fmt;
use core::time::Duration;

use embedded_io::{Read, Write};

use super::caller::{Caller, CallerError};
use crate::call_error::{CallError, Fault, RequestError};
use crate::code::Code;
use crate::command::Command;
use crate::frame::Body;
use crate::front::{DiscardError, Silence, Ticket};
use crate::payload::Payload;
use crate::time::Instant;

/// A client over a link that can't close, such as a UART.
///
/// After a call that was given up, and after bytes that made no sense, the server may be discarding
/// what it receives until the link has been silent for its frame deadline: a client that went on at
/// once would keep it so for good. So the next call first keeps silent, and discards what comes,
/// until nothing has come for an eighth more than that deadline, or a read times out once twice
/// that time has passed since the failure. Where bytes come without end, it goes on after three
/// times. It waits for all of that, and at least until one read times out.
///
/// No call is repeated by itself: one that failed may have been carried out.
///
/// Reads must time out, as they end calls. Silence is only noticed when they do.
pub struct LinkCaller<'c, T, B, const CALLS: usize> {
    caller: Caller<T, B, CALLS>,
    clock: &'c mut dyn FnMut() -> Instant,
    silence: Duration,
    /// When a call failed so that the next needs silence first.
    failed_at: Option<Instant>,
}

impl<T: fmt::Debug, B: fmt::Debug, const CALLS: usize> fmt::Debug for LinkCaller<'_, T, B, CALLS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCaller")
            .field("caller", &self.caller)
            .field("silence", &self.silence)
            .field("failed_at", &self.failed_at)
            .finish_non_exhaustive()
    }
}

impl<'c, T, B, const CALLS: usize> LinkCaller<'c, T, B, CALLS>
where
    T: Read + Write,
    B: AsRef<[u8]> + AsMut<[u8]>,
{
    /// A client over a caller's link; `frame_timeout` is the frame deadline of the server,
    /// [`Limits::frame_timeout`](crate::Limits::frame_timeout).
    ///
    /// The first call is made without silence. Where somebody else may have left the line in the
    /// midst of a frame, [`resync`](Self::resync) before it.
    #[must_use]
    pub fn new(
        caller: Caller<T, B, CALLS>,
        frame_timeout: Duration,
        clock: &'c mut dyn FnMut() -> Instant,
    ) -> Self {
        let eighth = frame_timeout.checked_div(8).unwrap_or_default();
        let silence = frame_timeout.saturating_add(eighth);
        Self { caller, clock, silence, failed_at: None }
    }

    /// The link, to set its timeouts.
    pub const fn io(&mut self) -> &mut T {
        self.caller.io()
    }

    /// Makes one call and waits for its reply, as [`Caller::call`] does.
    ///
    /// # Errors
    /// [`CallerError`].
    pub fn call<C: Command>(
        &mut self,
        request: &C::Request<'_>,
    ) -> Result<C::Reply<'_>, CallerError<'_, T::Error>> {
        self.keep_silent()?;
        let outcome = self.caller.call::<C>(request);
        self.failed_at = failed_at(outcome.as_ref().err(), self.clock);
        outcome
    }

    /// The same for a command known only at run time; its reply's body as it came.
    ///
    /// # Errors
    /// [`CallerError`].
    pub fn call_named<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<Body<'_>, CallerError<'_, T::Error>> {
        self.keep_silent()?;
        let outcome = self.caller.call_named(name, request);
        self.failed_at = failed_at(outcome.as_ref().err(), self.clock);
        outcome
    }

    /// Puts a call on its way, as [`Caller::send`] does. After a failed call this gives up those
    /// that are on their way.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub fn send<C: Command>(
        &mut self,
        request: &C::Request<'_>,
    ) -> Result<Ticket<C>, CallerError<'static, T::Error>> {
        self.keep_silent()?;
        let outcome = self.caller.send::<C>(request);
        self.failed_at = failed_at(outcome.as_ref().err(), self.clock);
        outcome
    }

    /// Waits for the reply to a call, as [`Caller::receive`] does. After a failed call nothing is
    /// sent any more; the replies to calls that were sent may still come.
    ///
    /// # Errors
    /// [`CallerError`].
    pub fn receive<C: Command>(
        &mut self,
        ticket: Ticket<C>,
    ) -> Result<C::Reply<'_>, CallerError<'_, T::Error>> {
        if self.failed_at.is_some() {
            self.caller.drop_unsent();
        }
        let outcome = self.caller.receive(ticket);
        let failed_at = failed_at(outcome.as_ref().err(), self.clock);
        self.failed_at = failed_at.or(self.failed_at);
        outcome
    }

    /// Keeps silent now, as after a failed call, and gives up the calls that are on their way.
    ///
    /// # Errors
    /// [`CallerError::Io`], [`CallError::Closed`], when the link is gone or delivers nothing but
    /// errors.
    pub fn resync(&mut self) -> Result<(), CallerError<'static, T::Error>> {
        let now = (self.clock)();
        let failed_at = *self.failed_at.get_or_insert(now);
        // A frame that was begun times out after at most one silence, and is discarded for one
        // more.
        let enough = failed_at.saturating_add(self.silence.saturating_mul(2));
        let silence = Silence { since: failed_at, duration: self.silence, enough };
        self.caller.restart(silence, self.clock).map_err(|error| match error {
            DiscardError::Ended => CallError::Closed(Fault::End).into(),
            DiscardError::Io(error) => CallerError::Io(error),
        })?;
        self.failed_at = None;
        Ok(())
    }

    fn keep_silent(&mut self) -> Result<(), CallerError<'static, T::Error>> {
        if self.failed_at.is_some() { self.resync() } else { Ok(()) }
    }
}

/// When a call failed, if it failed so that the server may be discarding what it receives.
fn failed_at<E>(
    error: Option<&CallerError<'_, E>>,
    clock: &mut dyn FnMut() -> Instant,
) -> Option<Instant> {
    let fails = match error? {
        CallerError::Io(_) | CallerError::WriteZero => true,
        CallerError::Call(error) => match error {
            CallError::Disconnected(_)
            | CallError::Closed(_)
            | CallError::Request(RequestError::Closed) => true,
            // Some of these close: the client can't know which.
            CallError::Refused(refusal) => matches!(refusal.code, Code::TooLarge | Code::Desync),
            _ => false,
        },
    };
    fails.then(clock)
}
