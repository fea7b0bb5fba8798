//! The server's clock.

use std::time::{Duration, Instant};

use linecard_core::Millis;

/// Milliseconds since the server was made, for all its threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { began: Instant::now() }
    }

    pub(super) fn now(&self) -> Millis {
        millis(self.began.elapsed())
    }
}

/// A span of the library's, as the core counts it.
pub(super) fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// A span of the core's, as the library counts it.
pub(super) const fn duration(span: Millis) -> Duration {
    Duration::from_millis(span.0)
}
