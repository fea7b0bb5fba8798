//! A server's configuration.

use std::num::NonZero;
use std::time::Duration;

use linecard_core::Limits;

/// A server's configuration. The defaults are those of `linecard serve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The limits of each connection's session: lengths in bytes, timeouts.
    pub limits: Limits,
    /// How long a peer may take no byte while replies wait to be sent; then the connection is
    /// reset.
    ///
    /// Bytes are taken when the peer's system acknowledges them and the send buffer has space
    /// again. A slow reader is not reset if it takes two TCP segments in this time, each at most
    /// half of its receive window (128 KiB together at most).
    pub write_timeout: Duration,
    /// From [`ServerHandle::stop`](super::ServerHandle::stop) until the last connection is closed.
    /// Half of it is for frames that were begun.
    pub stop_timeout: Duration,
    /// The most connections served at one time. One more is answered `busy`. Those that linger, to
    /// protect their last reply, don't count.
    pub max_connections: usize,
    /// Worker threads. 0 means one for each CPU that this process may use.
    pub workers: usize,
    /// Bytes that all connections together may buffer: incomplete frames, and replies that are not
    /// read.
    ///
    /// When more are buffered, the connections that buffer most are reset. Each worker does that
    /// for its own connections, if they buffer more than an equal share of the budget. So at most
    /// twice the budget is ever buffered, and what each worker adds in one turn of a connection.
    pub buffer_budget: usize,
    /// Connections that the system completes before they are accepted. The system may have a lower
    /// limit of its own.
    pub backlog: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::DESKTOP,
            write_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
            max_connections: 10_000,
            workers: 0,
            buffer_budget: 64 * 1024 * 1024,
            backlog: 4_096,
        }
    }
}

impl Config {
    pub(super) fn workers(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            workers => workers,
        }
    }
}
