//! Throwing away what comes over a link that can't close, until it is silent: docs/PROTOCOL.md §11.

use core::time::Duration;

use embedded_io::{ErrorKind, Read};

use super::{is, is_gone};
use crate::time::Instant;

/// Read errors in a row, with no byte and no time-out between two of them, after which a link
/// counts as broken. A line at 115,200 baud that delivers nothing but errors gets there in about a
/// second, a reader that fails without waiting in far less.
const MAX_READ_ERRORS: u16 = 10_000;

/// The silence to wait for.
#[derive(Clone, Copy)]
pub(super) struct Silence {
    /// Since when nothing has come.
    pub(super) since: Instant,
    /// How long nothing must have come.
    pub(super) duration: Duration,
    /// When a read that times out is silence enough. So much later than this, or than the start,
    /// as the silence is long, the wait is over even if bytes still come.
    pub(super) enough: Instant,
}

/// Why there will be no silence.
pub(super) enum DiscardError<E> {
    /// The link ended.
    Ended,
    /// The link is gone, or delivers nothing but errors.
    Io(E),
}

/// Reads until there was silence, and a read has timed out. A read error is noise: bytes were lost.
pub(super) fn discard<T: Read>(
    io: &mut T,
    buf: &mut [u8],
    silence: Silence,
    clock: &mut dyn FnMut() -> Instant,
) -> Result<(), DiscardError<T::Error>> {
    let Silence { mut since, duration, enough } = silence;
    let latest = clock().max(enough).saturating_add(duration);
    let mut errors = 0_u16;
    loop {
        let outcome = io.read(buf);
        let now = clock();
        match outcome {
            Ok(0) => return Err(DiscardError::Ended),
            Ok(_) => (since, errors) = (now, 0),
            Err(error) if is(&error, ErrorKind::Interrupted) => {}
            Err(error) if is(&error, ErrorKind::TimedOut) => {
                if now.saturating_duration_since(since) >= duration || now >= enough {
                    return Ok(());
                }
                errors = 0;
            }
            Err(error) if is_gone(&error) || errors == MAX_READ_ERRORS => {
                return Err(DiscardError::Io(error));
            }
            Err(_) => (since, errors) = (now, errors.saturating_add(1)),
        }
        if now >= latest {
            return Ok(());
        }
    }
}
