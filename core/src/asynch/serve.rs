use core::convert::Infallible;

use embedded_io_async::{Read, Write};

use super::{AsyncService, Connection, ServeError, Timer};
use crate::limits::Limits;

/// Serves one connection until it is over and the last reply is flushed: [`Connection::serve`] for
/// a task that owns the connection. Dropped halfway, its bytes are lost.
///
/// # Errors
/// [`ServeError`].
pub async fn serve<T: Read + Write>(
    io: &mut T,
    limits: &Limits,
    service: &mut impl AsyncService,
    rx: &mut [u8],
    tx: &mut [u8],
    timer: &impl Timer,
) -> Result<(), ServeError<T::Error>> {
    Connection::new(limits, timer.now(), rx, tx)?.serve(io, service, timer).await
}

/// Serves a link that can't close, for good: [`Connection::serve_link`] for a task that owns the
/// link.
///
/// # Errors
/// [`ServeError`]; [`ServeError::Ended`] when the link ends after all.
pub async fn serve_link<T: Read + Write>(
    io: &mut T,
    limits: &Limits,
    service: &mut impl AsyncService,
    rx: &mut [u8],
    tx: &mut [u8],
    timer: &impl Timer,
) -> Result<Infallible, ServeError<T::Error>> {
    Connection::new(limits, timer.now(), rx, tx)?.serve_link(io, service, timer).await
}
