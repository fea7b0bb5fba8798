//! Serving over a blocking stream.

use core::convert::Infallible;
use core::time::Duration;

use embedded_io::{ErrorKind, Read, Write};

use super::{fill, is};
use crate::in_buf::InBuf;
use crate::limits::Limits;
use crate::out_buf::OutBuf;
use crate::service::{Service, pump};
use crate::session::{Session, Want};
use crate::time::Instant;

/// Why serving ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServeError<E> {
    /// The stream failed.
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

/// Serves one connection until it is over and the last reply is flushed. Closing is the caller's:
/// docs/PROTOCOL.md §8.1 tells how to close so that the last reply survives.
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
            Want::Close => return Ok(()),
            Want::Output { .. } => {}
            Want::Input { .. } => {
                session.unblock(clock());
                ended = receive(io, &mut input)?;
            }
        }
    }
}

/// Serves a link that can't close, such as a UART, for good. Where a connection would be closed, what
/// comes is discarded until the link has been silent for one frame deadline; then a new session
/// begins (docs/PROTOCOL.md §11). So the leftovers of a broken frame never run as commands.
///
/// Reads must time out now and then, or silence is never noticed. A link is never too long idle: that
/// limit is not looked at.
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
        serve(io, &mut session, service, rx, tx, clock)?;
        discard(io, rx, limits.frame_timeout, clock)?;
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

/// Reads once; whether the stream ended. A time-out is no failure: the session looks at its deadlines.
fn receive<T: Read>(
    io: &mut T,
    input: &mut InBuf<&mut [u8]>,
) -> Result<bool, ServeError<T::Error>> {
    match fill(input, io) {
        Ok(len) => Ok(len == 0),
        Err(error) if is(&error, ErrorKind::TimedOut) || is(&error, ErrorKind::Interrupted) => {
            Ok(false)
        }
        Err(error) => Err(ServeError::Io(error)),
    }
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

/// Throws away what comes, until nothing has come for `silence`.
fn discard<T: Read>(
    io: &mut T,
    rx: &mut [u8],
    silence: Duration,
    clock: &mut dyn FnMut() -> Instant,
) -> Result<(), ServeError<T::Error>> {
    let mut since = clock();
    while clock().saturating_duration_since(since) < silence {
        match io.read(rx) {
            Ok(0) => return Err(ServeError::Ended),
            Ok(_) => since = clock(),
            Err(error) if is(&error, ErrorKind::TimedOut) || is(&error, ErrorKind::Interrupted) => {
            }
            Err(error) => return Err(ServeError::Io(error)),
        }
    }
    Ok(())
}
