//! Bytes parked, under one budget for the whole process.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How much may be parked by all connections, and by any one of them in any case.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicUsize,
    total: usize,
    /// What a connection may park even when the total is used up, so that those which park much can't
    /// starve those which park little.
    fair_share: usize,
}

impl Budget {
    pub(super) fn new(total: usize, connections: usize) -> Self {
        Self { used: AtomicUsize::new(0), total, fair_share: total / connections.max(1) }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }
}

/// What one connection holds of the budget, in all its queues together.
#[derive(Debug, Default)]
pub(super) struct Share {
    held: usize,
}

impl Share {
    /// Takes `more` bytes; says whether they are granted.
    pub(super) fn take(&mut self, more: usize, budget: &Budget) -> bool {
        let used = budget.used.fetch_add(more, Relaxed);
        let granted = self.held + more <= budget.fair_share || used + more <= budget.total;
        if granted {
            self.held += more;
        } else {
            budget.used.fetch_sub(more, Relaxed);
        }
        granted
    }

    pub(super) fn give(&mut self, bytes: usize, budget: &Budget) {
        self.held -= bytes;
        budget.used.fetch_sub(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_budget_for_all_and_a_fair_share_for_each() {
        let budget = Budget::new(100, 10);
        let (mut hog, mut other) = (Share::default(), Share::default());
        assert!(hog.take(95, &budget));
        assert!(!hog.take(6, &budget), "beyond the total and the fair share");
        assert!(!other.take(11, &budget), "beyond the total and the fair share");
        assert!(other.take(6, &budget), "within the fair share");
        assert!(other.take(4, &budget), "within the fair share, together");
        assert!(!other.take(1, &budget));
        hog.give(95, &budget);
        assert!(other.take(1, &budget), "within the total");
        other.give(11, &budget);
        assert_eq!(budget.used(), 0);
    }
}
