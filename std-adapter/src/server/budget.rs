//! How many bytes the connections of the whole server may buffer.
//!
//! A worker only sees its own connections. So each has a share of the budget, and none waits for
//! another: when the budget is exceeded, the workers above their share reset connections, those
//! that buffer most first. A worker within its share takes more, even then. So at most twice the
//! budget is buffered, and what each worker adds in one turn of a connection.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The budget of the server, and what is used of it.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicUsize,
    total: usize,
}

impl Budget {
    pub(super) const fn new(total: usize) -> Self {
        Self { used: AtomicUsize::new(0), total }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }
}

/// What the connections of one worker use of the budget.
#[derive(Debug)]
pub(super) struct WorkerBudget<'b> {
    budget: &'b Budget,
    used: usize,
    share: usize,
}

impl<'b> WorkerBudget<'b> {
    pub(super) fn new(budget: &'b Budget, workers: usize) -> Self {
        Self { budget, used: 0, share: budget.total / workers.max(1) }
    }

    pub(super) fn add(&mut self, len: usize) {
        self.used += len;
        self.budget.used.fetch_add(len, Relaxed);
    }

    pub(super) fn subtract(&mut self, len: usize) {
        debug_assert!(len <= self.used, "more bytes given back than were taken");
        self.used -= len;
        self.budget.used.fetch_sub(len, Relaxed);
    }

    /// Whether this worker has to reset connections.
    pub(super) fn is_exceeded(&self) -> bool {
        self.used > self.share && self.budget.used() > self.budget.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_above_its_share_yields_and_one_within_it_does_not() {
        let budget = Budget::new(100);
        let (mut large, mut small) = (WorkerBudget::new(&budget, 2), WorkerBudget::new(&budget, 2));
        large.add(100);
        assert!(!large.is_exceeded(), "one worker may use the whole budget");
        small.add(50);
        assert!(!small.is_exceeded(), "within its share");
        assert!(large.is_exceeded());
        small.add(1);
        assert!(small.is_exceeded(), "above its share");
        large.subtract(51);
        assert!(!small.is_exceeded() && !large.is_exceeded(), "within the budget");
        small.subtract(51);
        large.subtract(49);
        assert_eq!(budget.used(), 0);
    }
}
