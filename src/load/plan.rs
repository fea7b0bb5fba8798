//! What a load is to be.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::pace::Pace;

/// What a load is to be, and how long the server may take.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The server, as a command line takes it.
    pub(crate) address: String,
    /// Connections, all opened before the first request.
    pub(crate) connections: NonZeroUsize,
    /// Requests in flight on each connection.
    pub(crate) depth: u32,
    pub(crate) pace: Pace,
    /// For connecting. Also for the replies still missing when the last request was due; without
    /// such a time ([`Pace::Count`]), between one reply and the next.
    pub(crate) timeout: Duration,
}
