//! Serving over a blocking stream.

use core::convert::Infallible;
use core::time::Duration;

#[cfg(doc)]
use embedded_io::ErrorKind;
use embedded_io::{Read, Write};

use super::discard::discard;
use crate::front::{Buffers, SendError, ServeError, Silence, on_write};
use crate::limits::Limits;
use crate::out_buf::OutBuf;
use crate::service::Service;
use crate::session::{Session, Want};
use crate::time::Instant;

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
    let mut buffers = Buffers::new(session.limits(), rx, tx)?;
    run(io, session, service, &mut buffers, clock)
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
    let mut buffers = Buffers::new(limits, rx, tx)?;
    loop {
        let mut session = Session::new(limits, clock());
        let outcome = run(io, &mut session, service, &mut buffers, clock);
        buffers.input.goes_on(outcome)?;
        let (since, enough) = (clock(), Instant::MAX);
        let silence = Silence { since, duration: limits.frame_timeout, enough };
        discard(io, buffers.input.restart(), silence, clock)?;
    }
}

/// The loop of both ways to serve.
fn run<T: Read + Write>(
    io: &mut T,
    session: &mut Session<'_>,
    service: &mut dyn Service,
    buffers: &mut Buffers<'_>,
    clock: &mut dyn FnMut() -> Instant,
) -> Result<(), ServeError<T::Error>> {
    loop {
        let want = buffers.pump(session, service, clock());
        send(io, &mut buffers.output)?;
        match want {
            Want::Close => return Ok(()),
            Want::Output { .. } => {}
            Want::Input { .. } => {
                session.unblock(clock());
                let read = io.read(buffers.input.buf.free());
                buffers.input.on_read(read)?;
            }
        }
    }
}

fn send<T: Write>(io: &mut T, out: &mut OutBuf<'_>) -> Result<(), SendError<T::Error>> {
    if out.is_empty() {
        return Ok(());
    }
    let mut rest = out.written();
    while !rest.is_empty() {
        let len = on_write(io.write(rest))?;
        rest = rest.get(len..).unwrap_or_default();
    }
    out.clear();
    io.flush().map_err(SendError::Io)
}
