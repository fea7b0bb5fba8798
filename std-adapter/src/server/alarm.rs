//! When a worker is to be woken though nothing happens: its next deadline.
//!
//! A worker could wait with a limit. But the system then arms a timer for each wait, and disarms it:
//! a fiftieth of what a request costs, for a moment that hardly ever changes. So it is left here, and
//! the listener, which has the time, keeps watch for all workers.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};

use linecard_core::Instant;

/// One worker's moment; [`Instant::MAX`] is never.
#[derive(Debug)]
pub(super) struct Alarm {
    at: AtomicU64,
}

impl Alarm {
    pub(super) const fn new() -> Self {
        Self { at: AtomicU64::new(u64::MAX) }
    }

    /// Sets the moment. Says whether it is earlier than it was: then whoever keeps watch has to know.
    pub(super) fn set(&self, at: Instant) -> bool {
        // The steady path: as it was. (One that has just rung is set anew.)
        self.at.load(Relaxed) != at.as_millis()
            && self.at.swap(at.as_millis(), AcqRel) > at.as_millis()
    }

    pub(super) fn at(&self) -> Instant {
        Instant::from_millis(self.at.load(Acquire))
    }

    /// Whether the moment has come. It is said once.
    pub(super) fn fire(&self, now: Instant) -> bool {
        let at = self.at.load(Acquire);
        at <= now.as_millis() && self.at.compare_exchange(at, u64::MAX, AcqRel, Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_once_when_its_moment_has_come() {
        let alarm = Alarm::new();
        assert!(!alarm.fire(Instant::from_millis(1_000)), "never set");
        assert!(alarm.set(Instant::from_millis(10)), "earlier than never");
        assert!(!alarm.set(Instant::from_millis(10)), "as it was");
        assert!(!alarm.set(Instant::from_millis(20)), "later: found out at the earlier moment");
        assert!(!alarm.fire(Instant::from_millis(19)));
        assert!(alarm.set(Instant::from_millis(15)));
        assert_eq!(alarm.at(), Instant::from_millis(15));
        assert!(alarm.fire(Instant::from_millis(15)));
        assert!(!alarm.fire(Instant::from_millis(16)), "once");
        assert!(alarm.set(Instant::from_millis(15)), "anew");
    }
}
