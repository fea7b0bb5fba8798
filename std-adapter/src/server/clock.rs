//! The server's clock.

use std::time;

use linecard_core::Instant;

/// The time since the server was created, the same for all its threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: time::Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { started: time::Instant::now() }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
