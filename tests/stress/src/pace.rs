//! The clock of an open loop: actions are due at a steady rate, however late the last one was done.

use std::time::{Duration, Instant};

/// Actions at a steady rate from `start` on.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Instant,
    per_second: f64,
    done: u32,
}

impl Pace {
    pub(crate) const fn new(start: Instant, per_second: f64) -> Self {
        Self { start, per_second, done: 0 }
    }

    /// When the next action was due, if that time has come. Counts it as done.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Instant> {
        let due = self.start + Duration::from_secs_f64(f64::from(self.done) / self.per_second);
        (due <= now).then(|| {
            self.done += 1;
            due
        })
    }

    pub(crate) const fn done(&self) -> u32 {
        self.done
    }

    /// How many actions are due in `duration`.
    pub(crate) fn planned(&self, duration: Duration) -> f64 {
        self.per_second * duration.as_secs_f64()
    }
}
