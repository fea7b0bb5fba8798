//! How many hostile peers and clients, and for how long.

use std::fmt;
use std::time::Duration;

/// What a run consists of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Connections that send one byte a second of a frame that never ends.
    pub slow_senders: usize,
    /// Connections that keep sending requests and never read a reply.
    pub non_readers: usize,
    /// Connections a second that are reset as soon as they are made.
    pub resets: usize,
    /// Malformed frames a second.
    pub malformed: usize,
    /// Well-behaved calls a second.
    pub calls: usize,
    /// How long the clients run alone.
    pub baseline: Duration,
    /// How long the hostile peers run beside the clients.
    pub attack: Duration,
}

impl Plan {
    /// The full load.
    pub const FULL: Self = Self {
        slow_senders: 5_000,
        non_readers: 2_000,
        resets: 500,
        malformed: 1_000,
        calls: 2_000,
        baseline: Duration::from_secs(10),
        attack: Duration::from_secs(30),
    };

    /// Scales the number of hostile peers. The well-behaved clients stay as many.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        let part = |whole: usize| {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "thousands, and positive"
            )]
            let part = (whole as f64 * scale).round() as usize;
            part
        };
        Self {
            slow_senders: part(self.slow_senders),
            non_readers: part(self.non_readers),
            resets: part(self.resets),
            malformed: part(self.malformed),
            ..self
        }
    }

    /// Hostile connections that stay open.
    #[must_use]
    pub const fn held_connections(&self) -> usize {
        self.slow_senders + self.non_readers
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} slow senders, {} non-readers, {} resets/s, {} malformed frames/s; \
             {} well-behaved calls/s; {:?} baseline, {:?} under attack",
            self.slow_senders,
            self.non_readers,
            self.resets,
            self.malformed,
            self.calls,
            self.baseline,
            self.attack
        )
    }
}
