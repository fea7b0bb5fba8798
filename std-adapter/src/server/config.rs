//! What a server takes, and for how long.

use std::num::NonZero;
use std::time::Duration;

use linecard_core::Limits;

/// A server's limits. The defaults are those of the `linecard serve` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Of each session: lengths and deadlines.
    pub limits: Limits,
    /// A connection whose peer has taken nothing for so long, while replies wait to be sent, is reset.
    /// A peer that keeps reading is not, however slowly, if it takes about two TCP segments of its own
    /// receive window (at most 128 KiB together) in that time.
    pub write_timeout: Duration,
    /// From [`ServerHandle::stop`](super::ServerHandle::stop) until the last connection is closed. Half of it is for
    /// frames that were begun.
    pub stop_timeout: Duration,
    /// Connections at one time; one more is answered `busy`. Those that only linger don't count.
    pub max_connections: usize,
    /// Worker threads; 0 is one for each CPU that this process may use.
    pub workers: usize,
    /// Bytes parked for all connections together: frames that are incomplete, and replies that are
    /// not read. Beyond its fair share of it (`parked_budget / max_connections`), a connection that
    /// finds the budget used up is reset; so at most twice as much is ever parked.
    pub parked_budget: usize,
    /// Connections that the system completes before they are accepted. The system may have a limit of
    /// its own.
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
            parked_budget: 64 * 1024 * 1024,
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
