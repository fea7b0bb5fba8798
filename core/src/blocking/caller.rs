//! Calling over a blocking stream.

use core::fmt;

use embedded_io::{ErrorKind, Read, Write};

use super::discard::discard;
use crate::call_error::{CallError, RequestError};
#[cfg(doc)]
use crate::client_session::ClientSession;
use crate::command::Command;
use crate::frame::Body;
use crate::front::{
    Calls, DiscardError, Found, Received, SendError, Silence, Ticket, is, on_write,
};
use crate::payload::Payload;
use crate::time::Instant;

/// Why a call over a blocking stream failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerError<'r, E> {
    /// The stream failed. After a timeout other calls may go on; a late reply is skipped.
    Io(E),
    /// The stream took no bytes and gave no error.
    WriteZero,
    /// The call itself failed.
    Call(CallError<&'r str>),
}

impl<'r, E> From<CallError<&'r str>> for CallerError<'r, E> {
    fn from(error: CallError<&'r str>) -> Self {
        Self::Call(error)
    }
}

impl<E: fmt::Display> fmt::Display for CallerError<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::WriteZero => f.write_str("the connection takes no bytes"),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for CallerError<'_, E> {}

impl<E> From<SendError<E>> for CallerError<'_, E> {
    fn from(error: SendError<E>) -> Self {
        match error {
            SendError::Io(error) => Self::Io(error),
            SendError::WriteZero => Self::WriteZero,
        }
    }
}

/// A client over a blocking stream: a call at a time ([`call`](Self::call)), or up to `CALLS` of
/// them on their way ([`send`](Self::send), [`receive`](Self::receive)).
///
/// How long it waits is the stream's affair: a read or write that fails with
/// [`ErrorKind::TimedOut`] ends the call. On a link that can't close, such as a UART, use a
/// [`LinkCaller`](super::LinkCaller).
#[derive(Debug)]
pub struct Caller<T, B, const CALLS: usize> {
    io: T,
    calls: Calls<B, CALLS>,
    /// How many bytes of the requests written were sent.
    sent: usize,
}

impl<T: Read + Write, B: AsRef<[u8]> + AsMut<[u8]>, const CALLS: usize> Caller<T, B, CALLS> {
    /// A client over `io`. Replies of up to 59 bytes less than `rx` holds are taken, requests of up
    /// to what `tx` holds are sent, head and all; 256 bytes each is the least that is sensible.
    /// `window`: see [`ClientSession::new`].
    #[must_use]
    pub fn new(io: T, rx: B, tx: B, window: u32) -> Self {
        Self { io, calls: Calls::new(rx, tx, window), sent: 0 }
    }

    /// The stream, to set its timeouts.
    pub const fn io(&mut self) -> &mut T {
        &mut self.io
    }

    /// Makes one call and waits for its reply, which may borrow from the input buffer.
    ///
    /// # Errors
    /// [`CallerError`].
    pub fn call<C: Command>(
        &mut self,
        request: &C::Request<'_>,
    ) -> Result<C::Reply<'_>, CallerError<'_, T::Error>> {
        match self.send::<C>(request) {
            Ok(ticket) => self.receive(ticket),
            Err(error) => Err(error),
        }
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
        match self.write_request(name, request) {
            Ok(tag) => self.receive_body(tag),
            Err(error) => Err(error),
        }
    }

    /// Puts a call on its way; it is sent when a reply is waited for, or the output is full.
    ///
    /// While the window is full and its oldest call was given up, that call's late reply is waited
    /// for: one call that timed out doesn't refuse all those after it.
    ///
    /// # Errors
    /// [`CallError::Request`], of which [`RequestError::Window`] means: receive first, or nothing
    /// came in time. [`CallError::Closed`], [`CallerError::Io`], [`CallerError::WriteZero`].
    pub fn send<C: Command>(
        &mut self,
        request: &C::Request<'_>,
    ) -> Result<Ticket<C>, CallerError<'static, T::Error>> {
        let tag = self.write_request(C::NAME, request)?;
        Ok(Ticket::new(tag))
    }

    /// Waits for the reply to a call. Replies are taken in the order of their calls: those to
    /// earlier calls, if they were not received, are skipped, and receiving one of them then fails
    /// at once.
    ///
    /// # Errors
    /// [`CallerError`].
    pub fn receive<C: Command>(
        &mut self,
        Ticket { tag, .. }: Ticket<C>,
    ) -> Result<C::Reply<'_>, CallerError<'_, T::Error>> {
        C::Reply::decode(self.receive_body(tag)?).map_err(|error| CallError::BadReply(error).into())
    }

    /// Sends what is written.
    ///
    /// # Errors
    /// [`CallerError::Io`], [`CallerError::WriteZero`]; what was not sent is kept, for another try.
    pub fn flush(&mut self) -> Result<(), CallerError<'static, T::Error>> {
        if self.calls.written().is_empty() {
            return Ok(());
        }
        while let Some(rest) = self.calls.written().get(self.sent..)
            && !rest.is_empty()
        {
            let len = on_write(self.io.write(rest))?;
            self.sent = self.sent.saturating_add(len);
        }
        self.drop_unsent();
        self.io.flush().map_err(CallerError::Io)
    }

    /// Drops the requests, and the part of one, that are still to be sent.
    pub(super) const fn drop_unsent(&mut self) {
        self.calls.clear_written();
        self.sent = 0;
    }

    /// Throws away what comes until there was silence, and then begins anew.
    pub(super) fn restart(
        &mut self,
        silence: Silence,
        clock: &mut dyn FnMut() -> Instant,
    ) -> Result<(), DiscardError<T::Error>> {
        self.drop_unsent();
        discard(&mut self.io, self.calls.restart(), silence, clock)
    }

    fn write_request<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<u32, CallerError<'static, T::Error>> {
        loop {
            match self.calls.write(name, request) {
                Err(RequestError::NoRoom) if !self.calls.written().is_empty() => self.flush()?,
                Err(RequestError::Window) if self.calls.session().is_late() => {
                    if !self.receive_late()? {
                        return Err(CallError::Request(RequestError::Window).into());
                    }
                }
                outcome => return outcome.map_err(|error| CallError::Request(error).into()),
            }
        }
    }

    /// Takes what is received next, while the oldest call's reply is late: it frees the window.
    /// Whether anything came before a read timed out.
    fn receive_late(&mut self) -> Result<bool, CallerError<'static, T::Error>> {
        self.flush()?;
        match self.next() {
            Ok(Received::Closed(fault)) => Err(CallError::Closed(fault).into()),
            Ok(_) => Ok(true),
            Err(CallerError::Io(error)) if is(&error, ErrorKind::TimedOut) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn receive_body(&mut self, tag: u32) -> Result<Body<'_>, CallerError<'_, T::Error>> {
        match self.find(tag) {
            Ok(found) => self.calls.body(found).map_err(CallerError::Call),
            Err(error) => {
                self.calls.session().forget(tag);
                Err(error)
            }
        }
    }

    /// Reads until there is the reply to a call, or there can be none.
    fn find(&mut self, wanted: u32) -> Result<Found, CallerError<'static, T::Error>> {
        self.flush()?;
        if !self.calls.session().awaits(wanted) {
            return Ok(Found::PassedOver);
        }
        loop {
            if let Some(found) = self.next()?.settles(wanted) {
                return Ok(found);
            }
        }
    }

    /// Reads until a frame is there, or the connection is over.
    fn next(&mut self) -> Result<Received, CallerError<'static, T::Error>> {
        loop {
            if let Some(received) = self.calls.next() {
                return Ok(received);
            }
            let read = self.io.read(self.calls.free());
            self.calls.on_read(read).map_err(CallerError::Io)?;
        }
    }
}
