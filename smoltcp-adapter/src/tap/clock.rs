//! The desktop's monotonic clock, in smoltcp's unit.

use std::time;

use smoltcp::time::Instant;

/// Counts from when it was started.
#[derive(Debug, Clone, Copy)]
pub struct Clock(time::Instant);

impl Clock {
    /// A clock that starts at 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self(time::Instant::now())
    }

    /// The time since the start, in microseconds.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_micros(i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}
