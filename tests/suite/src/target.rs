//! What a server under test promises.

use std::net::SocketAddr;
use std::time::Duration;

use crate::oracle::Limits;

/// A server and its limits. A `None` is a promise that isn't made, or can't be tried: the cases that need it say so.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its limits in bytes.
    pub limits: Limits,
    /// How long a frame may take.
    pub frame_deadline: Option<Duration>,
    /// How long a connection may be silent.
    pub idle_timeout: Option<Duration>,
    /// How many connections it surely serves at once.
    pub connections: usize,
    /// With how many of them it is full: one more is `busy`.
    pub connection_limit: Option<usize>,
    /// One connection alone is told `busy` at a time, and a network in between makes an end without a word of TCP's refusal of others.
    pub lone_busy: bool,
    /// Silence longer than this is a failure.
    pub patience: Duration,
    /// Cases that would have to wait longer than this for a deadline are left out.
    pub longest_wait: Duration,
    /// Bytes that may be poured into a connection that is being closed; the server drains them within two seconds.
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
            lone_busy: false,
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

    /// Are there so few places that a connection may find those taken that were just given up?
    #[must_use]
    pub fn has_few_places(&self) -> bool {
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
