use core::time::Duration;

use embedded_io::{Error, ErrorKind};

use super::{is, is_gone};
use crate::time::Instant;

/// Read errors in a row, with no byte and no time-out between two of them, after which a link
/// counts as broken. A line at 115,200 baud that delivers nothing but errors gets there in about a
/// second, a reader that fails without waiting in far less.
const MAX_READ_ERRORS: u16 = 10_000;

/// The silence to wait for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silence {
    /// Since when nothing has come.
    pub(crate) since: Instant,
    /// How long nothing must have come.
    pub(crate) duration: Duration,
    /// When a read that times out is silence enough. So much later than this, or than the start,
    /// as the silence is long, the wait is over even if bytes still come.
    pub(crate) enough: Instant,
}

/// Why there will be no silence.
pub(crate) enum DiscardError<E> {
    /// The link ended.
    Ended,
    /// The link is gone, or delivers nothing but errors.
    Io(E),
}

/// A link that can't close, of which all that comes is thrown away until there was silence:
/// docs/PROTOCOL.md §11.
#[derive(Debug)]
pub(crate) struct Discard {
    silence: Silence,
    latest: Instant,
    errors: u16,
}

impl Discard {
    pub(crate) fn new(silence: Silence, now: Instant) -> Self {
        let latest = now.max(silence.enough).saturating_add(silence.duration);
        Self { silence, latest, errors: 0 }
    }

    /// When there was silence, if nothing comes until then.
    #[cfg(feature = "async")]
    pub(crate) fn due(&self) -> Instant {
        self.silence.since.saturating_add(self.silence.duration).min(self.latest)
    }

    /// What a read came to that ended `now`. A read error is noise: bytes were lost. Whether there
    /// was silence.
    pub(crate) fn on_read<E: Error>(
        &mut self,
        read: Result<usize, E>,
        now: Instant,
    ) -> Result<bool, DiscardError<E>> {
        let Silence { since, duration, enough } = &mut self.silence;
        match read {
            Ok(0) => return Err(DiscardError::Ended),
            Ok(_) => (*since, self.errors) = (now, 0),
            Err(error) if is(&error, ErrorKind::Interrupted) => {}
            Err(error) if is(&error, ErrorKind::TimedOut) => {
                if now >= since.saturating_add(*duration) || now >= *enough {
                    return Ok(true);
                }
                self.errors = 0;
            }
            Err(error) if is_gone(&error) || self.errors == MAX_READ_ERRORS => {
                return Err(DiscardError::Io(error));
            }
            Err(_) => (*since, self.errors) = (now, self.errors.saturating_add(1)),
        }
        Ok(now >= self.latest)
    }
}
