use embedded_io::Read;

use crate::front::{Discard, DiscardError, Silence};
use crate::time::Instant;

/// Reads until there was silence, and a read has timed out. A read error is noise: bytes were lost.
pub(super) fn discard<T: Read>(
    io: &mut T,
    buf: &mut [u8],
    silence: Silence,
    clock: &mut dyn FnMut() -> Instant,
) -> Result<(), DiscardError<T::Error>> {
    let mut discard = Discard::new(silence, clock());
    loop {
        let read = io.read(buf);
        if discard.on_read(read, clock())? {
            return Ok(());
        }
    }
}
