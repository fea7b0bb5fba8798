//! What the blocking and the async front share: all of their loops but the waiting. No I/O.

mod buffers;
mod calls;
mod error;
mod silence;

#[cfg(feature = "async")]
pub(crate) use buffers::Input;
pub(crate) use buffers::{Buffers, on_write};
pub use calls::Ticket;
pub(crate) use calls::{Calls, Found, Received};
pub(crate) use error::SendError;
pub use error::{BufferTooSmall, ServeError};
pub(crate) use silence::{Discard, DiscardError, Silence};

use embedded_io::{Error, ErrorKind};

pub(crate) fn is(error: &impl Error, kind: ErrorKind) -> bool {
    error.kind() == kind
}

/// The link won't come back by itself.
fn is_gone(error: &impl Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
    )
}
