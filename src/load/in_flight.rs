//! Requests that were sent and are not answered yet.

use std::collections::VecDeque;
use std::time::Duration;

/// Requests that were due at one instant.
#[derive(Debug)]
struct Batch {
    due: Duration,
    unanswered: u64,
}

/// Requests of one connection without a reply, oldest first. Replies come in the order of requests.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    batches: VecDeque<Batch>,
    unanswered: u64,
}

impl InFlight {
    pub(super) const fn unanswered(&self) -> u64 {
        self.unanswered
    }

    pub(super) fn push(&mut self, due: Duration, requests: u64) {
        self.unanswered += requests;
        self.batches.push_back(Batch { due, unanswered: requests });
    }

    /// Takes `count` of the oldest off, and calls `each` with the time when they were due and how
    /// many they are. Returns how many of `count` were not in flight.
    pub(super) fn settle(&mut self, count: u64, mut each: impl FnMut(Duration, u64)) -> u64 {
        let mut left = count;
        while left > 0
            && let Some(batch) = self.batches.front_mut()
        {
            let some = left.min(batch.unanswered);
            each(batch.due, some);
            left -= some;
            batch.unanswered -= some;
            self.unanswered -= some;
            if batch.unanswered == 0 {
                self.batches.pop_front();
            }
        }
        left
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_settled_first_and_a_surplus_is_reported() {
        let due = Duration::from_secs;
        let mut in_flight = InFlight::default();
        in_flight.push(due(1), 2);
        in_flight.push(due(2), 3);
        let mut settled = Vec::new();
        assert_eq!(in_flight.settle(3, |due, count| settled.push((due, count))), 0);
        assert_eq!(in_flight.unanswered(), 2);
        assert_eq!(in_flight.settle(9, |due, count| settled.push((due, count))), 7);
        assert_eq!(in_flight.unanswered(), 0);
        assert_eq!(settled, [(due(1), 2), (due(2), 1), (due(2), 2)]);
    }
}
