//! Serving over a blocking stream.

use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use embedded_io::{Error, ErrorKind, Read, Write};

use super::discard::{DiscardError, Silence, discard};
use super::{fill, is, is_gone};
use crate::in_buf::InBuf;
use crate::limits::Limits;
use crate::out_buf::OutBuf;
use crate::service::{Service, pump};
use crate::session::{Session, Want};
use crate::time::Instant;

/// Why serving ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServeError<E> {
    /// The stream failed. [`serve_link`] goes on after most read errors, and says which end it.
    Io(E),
    /// The stream took no bytes and gave no error.
    WriteZero,
    /// A buffer is too small: the input needs [`Limits::max_request_frame_len`]
    /// bytes, the output [`Limits::max_reply_frame_len`].
    Buffers {
        /// What the smaller one needs.
        needed: usize,
    },
    /// A link that [`serve_link`] serves came to an end, as a link should not.
    Ended,
}

impl<E: fmt::Display> fmt::Display for ServeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::WriteZero => f.write_str("the connection takes no bytes"),
            Self::Buffers { needed } => write!(f, "a buffer has less than {needed} bytes"),
            Self::Ended => f.write_str("the link ended"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for ServeError<E> {}

impl<E> From<DiscardError<E>> for ServeError<E> {
    fn from(error: DiscardError<E>) -> Self {
        match error {
            DiscardError::Ended => Self::Ended,
            DiscardError::Io(error) => Self::Io(error),
        }
    }
}

/// Serves one connection until it is over and the last reply is flushed. Closing is the caller's
/// task: docs/PROTOCOL.md §8.1 says how to close so that the last reply survives.
///
/// # Errors
/// [`ServeError`].
pub fn serve<T: Read + Write>(
    io: &mut T,
    session: &mut Session<'_>,
    service: &mut dyn Service,
    rx: &mut [u8],
    tx: &mut [u8],
    clock: &mut dyn FnMut() -> Instant,
) -> Result<(), ServeError<T::Error>> {
    match run(io, session, service, rx, tx, clock)? {
        Stopped::Closed => Ok(()),
        Stopped::ReadFailed(error) => Err(ServeError::Io(error)),
    }
}

/// Serves a link that can't close, such as a UART, for good. Where a connection would be closed,
/// what comes is discarded until the link has been silent for one frame deadline; then a new
/// session begins (docs/PROTOCOL.md §11). So the rest of a broken frame never runs as a command.
///
/// A read error means that bytes were lost (an overrun, a framing error): the frame in hand is
/// dropped without a reply, and what comes is discarded until silence, too. An error while
/// discarding counts as noise. Serving ends with [`ServeError::Io`] at once after
/// [`ErrorKind::NotConnected`], [`ErrorKind::BrokenPipe`], [`ErrorKind::ConnectionReset`] and
/// [`ErrorKind::ConnectionAborted`], which say that the link is gone, and after more than 10,000
/// read errors in a row without a byte or a time-out, so that a reader which fails for good doesn't
/// spin. A caller that serves the link again should wait until it has been silent.
///
/// Reads must time out now and then, or silence is never noticed. A link is never idle for too
/// long: that limit is not looked at.
///
/// # Errors
/// [`ServeError`]; [`ServeError::Ended`] when the link ends after all.
pub fn serve_link<T: Read + Write>(
    io: &mut T,
    limits: &Limits,
    service: &mut dyn Service,
    rx: &mut [u8],
    tx: &mut [u8],
    clock: &mut dyn FnMut() -> Instant,
) -> Result<Infallible, ServeError<T::Error>> {
    let limits = &Limits { idle_timeout: Duration::MAX, ..*limits };
    loop {
        let mut session = Session::new(limits, clock());
        if let Stopped::ReadFailed(error) = run(io, &mut session, service, rx, tx, clock)?
            && is_gone(&error)
        {
            return Err(ServeError::Io(error));
        }
        let (since, enough) = (clock(), Instant::MAX);
        discard(io, rx, Silence { since, duration: limits.frame_timeout, enough }, clock)?;
    }
}

/// Why [`run`] is done, if it could write all that it had to.
enum Stopped<E> {
    /// The session closed the connection.
    Closed,
    /// A read failed.
    ReadFailed(E),
}

/// The loop of both ways to serve.
fn run<T: Read + Write>(
    io: &mut T,
    session: &mut Session<'_>,
    service: &mut dyn Service,
    rx: &mut [u8],
    tx: &mut [u8],
    clock: &mut dyn FnMut() -> Instant,
) -> Result<Stopped<T::Error>, ServeError<T::Error>> {
    check_buffers(session, rx, tx)?;
    let mut input = InBuf::new(rx);
    let mut out = OutBuf::new(tx);
    let mut ended = false;
    loop {
        let now = clock();
        let (consumed, want) = pump(session, service, now, input.received(), ended, &mut out);
        input.consume(consumed);
        if !out.is_empty() {
            // From before the handlers ran: their time is not the peer's.
            session.block(now);
            send(io, &mut out)?;
        }
        match want {
            Want::Close => return Ok(Stopped::Closed),
            Want::Output { .. } => {}
            Want::Input { .. } => {
                session.unblock(clock());
                match fill(&mut input, io) {
                    Ok(len) => ended = len == 0,
                    Err(error) if is_passing(&error) => {}
                    Err(error) => return Ok(Stopped::ReadFailed(error)),
                }
            }
        }
    }
}

fn check_buffers<E>(session: &Session<'_>, rx: &[u8], tx: &[u8]) -> Result<(), ServeError<E>> {
    let limits = session.limits();
    if rx.len() < limits.max_request_frame_len() {
        return Err(ServeError::Buffers { needed: limits.max_request_frame_len() });
    }
    if tx.len() < limits.max_reply_frame_len() {
        return Err(ServeError::Buffers { needed: limits.max_reply_frame_len() });
    }
    Ok(())
}

/// No bytes were lost: there were none for a while. The session looks at its deadlines.
fn is_passing(error: &impl Error) -> bool {
    is(error, ErrorKind::TimedOut) || is(error, ErrorKind::Interrupted)
}

/// `write_all` of embedded-io panics where a write takes nothing; this fails.
fn send<T: Write>(io: &mut T, out: &mut OutBuf<'_>) -> Result<(), ServeError<T::Error>> {
    let mut rest = out.written();
    while !rest.is_empty() {
        match io.write(rest) {
            Ok(0) => return Err(ServeError::WriteZero),
            Ok(len) => rest = rest.get(len..).unwrap_or_default(),
            Err(error) if is(&error, ErrorKind::Interrupted) => {}
            Err(error) => return Err(ServeError::Io(error)),
        }
    }
    out.clear();
    io.flush().map_err(ServeError::Io)
}
