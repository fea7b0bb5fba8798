//! How many hostile peers, and for how long.

use std::fmt;
use std::time::Duration;

/// What a run consists of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Connections that send one byte a second of a frame that never ends.
    pub dribblers: usize,
    /// Connections that go on requesting and never read a reply.
    pub deaf: usize,
    /// Connects a second that are reset at once.
    pub resets: usize,
    /// Malformed frames a second.
    pub malformed: usize,
    /// Well-behaved calls a second.
    pub calls: usize,
    /// How long the clients are alone.
    pub calm: Duration,
    /// How long the hostile peers are there.
    pub storm: Duration,
}

impl Plan {
    /// The whole thing.
    pub const FULL: Self = Self {
        dribblers: 5_000,
        deaf: 2_000,
        resets: 500,
        malformed: 1_000,
        calls: 2_000,
        calm: Duration::from_secs(10),
        storm: Duration::from_secs(30),
    };

    /// A part of the hostile peers; the well-behaved clients stay as many.
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
            dribblers: part(self.dribblers),
            deaf: part(self.deaf),
            resets: part(self.resets),
            malformed: part(self.malformed),
            ..self
        }
    }

    /// Connections that are there all the time.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.dribblers + self.deaf
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} dribbling connections, {} deaf ones, {} resets/s, {} malformed frames/s; \
             {} well-behaved calls/s; {:?} calm, {:?} storm",
            self.dribblers,
            self.deaf,
            self.resets,
            self.malformed,
            self.calls,
            self.calm,
            self.storm
        )
    }
}
