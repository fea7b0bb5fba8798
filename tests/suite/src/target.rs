//! What the suite may expect of the server under test.

use std::net::SocketAddr;
use std::time::Duration;

use crate::oracle::Limits;

/// A server and its limits. `None` means unknown: cases that need the value are skipped.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its limits in bytes.
    pub limits: Limits,
    /// The time for a whole frame.
    pub frame_deadline: Option<Duration>,
    /// The time without a frame.
    pub idle_timeout: Option<Duration>,
    /// How many connections it serves at once, at least.
    pub connections: usize,
    /// How many it serves at most; one more gets `busy`.
    pub connection_limit: Option<usize>,
    /// It replies `busy` to one connection at a time. TCP refuses others, and behind some networks
    /// they look like connections that close without a reply.
    pub single_busy: bool,
    /// How long to wait for a reply before the case fails.
    pub patience: Duration,
    /// Cases that wait longer than this for a deadline are skipped.
    pub longest_wait: Duration,
    /// Bytes to send into a connection that is being closed. The server must drain them within two
    /// seconds.
    pub flood: usize,
}

impl Target {
    /// `linecard serve` without options.
    #[must_use]
    pub fn desktop(addr: SocketAddr) -> Self {
        Self {
            addr,
            limits: Limits::DESKTOP,
            frame_deadline: Some(Duration::from_secs(10)),
            idle_timeout: Some(Duration::from_mins(5)),
            connections: 64,
            connection_limit: None,
            single_busy: false,
            patience: Duration::from_secs(20),
            longest_wait: Duration::from_secs(2),
            flood: 4 << 20,
        }
    }

    /// The TAP example and the firmware.
    #[must_use]
    pub fn device(addr: SocketAddr) -> Self {
        Self {
            limits: Limits::DEVICE,
            idle_timeout: Some(Duration::from_mins(1)),
            connections: 3,
            longest_wait: Duration::from_secs(12),
            flood: 256 << 10,
            ..Self::desktop(addr)
        }
    }

    /// Whether a new connection may be refused because one that was just closed still counts.
    #[must_use]
    pub fn has_few_connections(&self) -> bool {
        self.connection_limit.unwrap_or(self.connections) < 16
    }

    /// The frame deadline, if it is known and short enough to wait for.
    ///
    /// # Errors
    /// Why not.
    pub fn frame_deadline(&self) -> Result<Duration, String> {
        self.waitable(self.frame_deadline, "frame deadline")
    }

    /// The idle timeout, if it is known and short enough to wait for.
    ///
    /// # Errors
    /// Why not.
    pub fn idle_timeout(&self) -> Result<Duration, String> {
        self.waitable(self.idle_timeout, "idle timeout")
    }

    fn waitable(&self, time: Option<Duration>, name: &str) -> Result<Duration, String> {
        match time {
            None => Err(format!("the {name} is not known")),
            Some(time) if time > self.longest_wait => Err(format!(
                "the {name} is {time:?}, longer than the wait allowed ({:?})",
                self.longest_wait
            )),
            Some(time) => Ok(time),
        }
    }
}
