//! The next timeout that must wake an idle worker.
//!
//! A worker could wait with a time limit. But then the system arms a timer for each wait and
//! disarms it again, a fiftieth of the cost of a request, for a time that hardly ever changes. So
//! the worker leaves it here, and the listener, which waits with a limit anyway, wakes the worker.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};

use linecard_core::Instant;

/// One worker's next deadline; [`Instant::MAX`] is never.
#[derive(Debug)]
pub(super) struct Alarm {
    at: AtomicU64,
}

impl Alarm {
    pub(super) const fn new() -> Self {
        Self { at: AtomicU64::new(u64::MAX) }
    }

    /// Sets the deadline. Returns whether it is earlier than before, so that the listener has to be
    /// woken for it.
    pub(super) fn set(&self, at: Instant) -> bool {
        // Unchanged, mostly: then a load is enough.
        self.at.load(Relaxed) != at.as_millis()
            && self.at.swap(at.as_millis(), AcqRel) > at.as_millis()
    }

    pub(super) fn at(&self) -> Instant {
        Instant::from_millis(self.at.load(Acquire))
    }

    /// Whether the deadline has passed. True once; then it has to be set again.
    pub(super) fn fire(&self, now: Instant) -> bool {
        let at = self.at.load(Acquire);
        at <= now.as_millis() && self.at.compare_exchange(at, u64::MAX, AcqRel, Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_once_when_its_time_has_come() {
        let alarm = Alarm::new();
        assert!(!alarm.fire(Instant::from_millis(1_000)), "never set");
        assert!(alarm.set(Instant::from_millis(10)), "earlier than never");
        assert!(!alarm.set(Instant::from_millis(10)), "unchanged");
        assert!(!alarm.set(Instant::from_millis(20)), "later: the listener finds out by itself");
        assert!(!alarm.fire(Instant::from_millis(19)));
        assert!(alarm.set(Instant::from_millis(15)));
        assert_eq!(alarm.at(), Instant::from_millis(15));
        assert!(alarm.fire(Instant::from_millis(15)));
        assert!(!alarm.fire(Instant::from_millis(16)), "only once");
        assert!(alarm.set(Instant::from_millis(15)), "set again");
    }
}
