//! An open loop's clock: what is due is due, however late the last one was.

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

    /// The moment of the next action, if it has come; it counts as done then.
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

    /// How many actions a span holds.
    pub(crate) fn wanted(&self, span: Duration) -> f64 {
        self.per_second * span.as_secs_f64()
    }
}
