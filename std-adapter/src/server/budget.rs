//! Octets parked, under one budget for the whole process.

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

    /// Takes `more` octets for a connection that holds `held`; says whether they are granted.
    pub(super) fn take(&self, held: usize, more: usize) -> bool {
        let used = self.used.fetch_add(more, Relaxed);
        let granted = held + more <= self.fair_share || used + more <= self.total;
        if !granted {
            self.give(more);
        }
        granted
    }

    pub(super) fn give(&self, octets: usize) {
        self.used.fetch_sub(octets, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_budget_for_all_and_a_fair_share_for_each() {
        let budget = Budget::new(100, 10);
        assert!(budget.take(0, 95));
        assert!(!budget.take(0, 11), "beyond the total and the fair share");
        assert!(budget.take(0, 10), "within the fair share");
        assert!(!budget.take(10, 1));
        budget.give(105);
        assert_eq!(budget.used(), 0);
    }
}
