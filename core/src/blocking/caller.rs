//! Calling over a blocking stream.

use core::fmt;
use core::marker::PhantomData;

use embedded_io::{ErrorKind, Read, Write};

use super::discard::discard;
use super::fill;
use crate::call_error::{CallError, Fault, Refusal, RequestError};
use crate::client_session::{ClientSession, Incoming};
use crate::command::Command;
use crate::frame::{Body, Frame};
use crate::front::{DiscardError, Silence, is};
use crate::in_buf::InBuf;
use crate::limits::max_frame_len;
use crate::out_buf::OutBuf;
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

/// A call that was sent, and whose reply is still to be taken: [`Caller::receive`].
#[derive(Debug)]
#[must_use = "take the reply with `receive`"]
pub struct Ticket<C> {
    tag: u32,
    command: PhantomData<fn() -> C>,
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
    client: ClientSession<CALLS>,
    input: InBuf<B>,
    ended: bool,
    /// Requests written, of which `tx[sent..written]` are still to be sent.
    tx: B,
    sent: usize,
    written: usize,
}

/// What was received next; a frame by where it stands in the input.
enum Received {
    Reply {
        tag: u32,
        start: usize,
        end: usize,
    },
    TooLarge {
        tag: u32,
        len: u32,
    },
    Disconnected {
        start: usize,
        end: usize,
    },
    Closed(Fault),
    /// An event, or a late reply.
    Skipped,
}

/// What a call came to; a frame by where it stands in the input.
enum Found {
    Frame { start: usize, end: usize },
    TooLarge { len: u32 },
    Closed(Fault),
    PassedOver,
}

impl<T: Read + Write, B: AsRef<[u8]> + AsMut<[u8]>, const CALLS: usize> Caller<T, B, CALLS> {
    /// A client over `io`. Replies of up to 59 bytes less than `rx` holds are taken, requests of up
    /// to what `tx` holds are sent, head and all; 256 bytes each is the least that is sensible.
    /// `window`: see [`ClientSession::new`].
    #[must_use]
    pub fn new(io: T, rx: B, tx: B, window: u32) -> Self {
        let max_reply_len = rx.as_ref().len().saturating_sub(max_frame_len(0));
        let max_reply_len = u32::try_from(max_reply_len).unwrap_or(u32::MAX);
        Self {
            io,
            client: ClientSession::new(max_reply_len, window),
            input: InBuf::new(rx),
            ended: false,
            tx,
            sent: 0,
            written: 0,
        }
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
        Ok(Ticket { tag, command: PhantomData })
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
        if self.written == 0 {
            return Ok(());
        }
        while self.sent < self.written {
            let rest = self.tx.as_ref().get(self.sent..self.written).unwrap_or_default();
            match self.io.write(rest) {
                Ok(0) => return Err(CallerError::WriteZero),
                Ok(len) => self.sent = self.sent.saturating_add(len),
                Err(error) if is(&error, ErrorKind::Interrupted) => {}
                Err(error) => return Err(CallerError::Io(error)),
            }
        }
        (self.sent, self.written) = (0, 0);
        self.io.flush().map_err(CallerError::Io)
    }

    /// Drops the requests, and the part of one, that are still to be sent.
    pub(super) const fn drop_unsent(&mut self) {
        (self.sent, self.written) = (0, 0);
    }

    /// Throws away what comes until there was silence, and then begins anew.
    pub(super) fn restart(
        &mut self,
        silence: Silence,
        clock: &mut dyn FnMut() -> Instant,
    ) -> Result<(), DiscardError<T::Error>> {
        self.drop_unsent();
        discard(&mut self.io, self.input.clear_all(), silence, clock)?;
        self.client.restart();
        Ok(())
    }

    fn write_request<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<u32, CallerError<'static, T::Error>> {
        loop {
            match self.encode(name, request) {
                Err(RequestError::NoRoom) if self.written > 0 => self.flush()?,
                Err(RequestError::Window) if self.client.is_late() => {
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

    fn encode<'p>(&mut self, name: &str, request: &impl Payload<'p>) -> Result<u32, RequestError> {
        let mut out = OutBuf::new(self.tx.as_mut().get_mut(self.written..).unwrap_or_default());
        let tag = self.client.call_named(name, request, &mut out)?;
        self.written = self.written.saturating_add(out.written().len());
        Ok(tag)
    }

    fn receive_body(&mut self, tag: u32) -> Result<Body<'_>, CallerError<'_, T::Error>> {
        match self.find(tag) {
            Ok(Found::Frame { start, end }) => reply_in(self.input.range(start, end)),
            Ok(Found::TooLarge { len }) => Err(CallError::ReplyTooLarge { len }.into()),
            Ok(Found::Closed(fault)) => Err(CallError::Closed(fault).into()),
            Ok(Found::PassedOver) => Err(CallError::PassedOver.into()),
            Err(error) => {
                self.client.forget(tag);
                Err(error)
            }
        }
    }

    /// Reads until there is the reply to a call, or there can be none.
    fn find(&mut self, wanted: u32) -> Result<Found, CallerError<'static, T::Error>> {
        self.flush()?;
        if !self.client.awaits(wanted) {
            return Ok(Found::PassedOver);
        }
        loop {
            match self.next()? {
                Received::Reply { tag, start, end } if tag == wanted => {
                    return Ok(Found::Frame { start, end });
                }
                Received::TooLarge { tag, len } if tag == wanted => {
                    return Ok(Found::TooLarge { len });
                }
                Received::Disconnected { start, end } => return Ok(Found::Frame { start, end }),
                Received::Closed(fault) => return Ok(Found::Closed(fault)),
                Received::Reply { .. } | Received::TooLarge { .. } | Received::Skipped => {}
            }
        }
    }

    /// Reads until a frame is there, or the connection is over.
    fn next(&mut self) -> Result<Received, CallerError<'static, T::Error>> {
        loop {
            let start = self.input.position();
            let (consumed, incoming) = self.client.step(self.input.received(), self.ended);
            let end = start.saturating_add(consumed);
            let received = match incoming {
                Incoming::Reply { tag, .. } => Some(Received::Reply { tag, start, end }),
                Incoming::TooLarge { tag, len } => Some(Received::TooLarge { tag, len }),
                Incoming::Disconnected(_) => Some(Received::Disconnected { start, end }),
                Incoming::Closed(fault) => Some(Received::Closed(fault)),
                Incoming::Event(_) | Incoming::Skipped => Some(Received::Skipped),
                Incoming::NeedInput { .. } => None,
            };
            self.input.consume(consumed);
            match received {
                Some(received) => return Ok(received),
                None => self.read()?,
            }
        }
    }

    fn read(&mut self) -> Result<(), CallerError<'static, T::Error>> {
        match fill(&mut self.input, &mut self.io) {
            Ok(len) => self.ended = len == 0,
            Err(error) if is(&error, ErrorKind::Interrupted) => {}
            Err(error) => return Err(CallerError::Io(error)),
        }
        Ok(())
    }
}

/// The reply in a frame that the client found whole; borrowing it anew lets the search above end
/// first.
fn reply_in<E>(bytes: &[u8]) -> Result<Body<'_>, CallerError<'_, E>> {
    let Some((frame, _)) = Frame::parse(bytes) else {
        return Err(CallError::Closed(Fault::Grammar).into());
    };
    match (frame.name, frame.tag) {
        ("OK", _) => Ok(frame.body),
        (_, tag) => Err(CallerError::Call(match Refusal::parse(frame.body) {
            Some(refusal) if tag.is_some() => CallError::Refused(refusal),
            Some(refusal) => CallError::Disconnected(refusal),
            None => CallError::Closed(Fault::Grammar),
        })),
    }
}
