//! Bytes that a connection has to keep: grown as they come, given back when gone.

use super::budget::{Budget, Share};

/// The least that is asked of the allocator, where the budget has it. Allocators keep small blocks for
/// themselves when they are freed (glibc up to 1,032 bytes, a few for each thread), and one of those at the
/// end of a heap keeps all that was before it from going back to the system.
const LEAST: usize = 1_280;

/// A queue of bytes, charged to its connection's share of a budget by its capacity.
#[derive(Debug, Default)]
pub(super) struct Parked {
    bytes: Vec<u8>,
}

/// The budget is used up.
#[derive(Debug)]
pub(super) struct Exhausted;

impl Parked {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Puts bytes behind those that are there. The capacity at most doubles, from the least on; what a peer
    /// declares does not count, only what it sent.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        share: &mut Share,
        budget: &Budget,
    ) -> Result<(), Exhausted> {
        let needed = self.bytes.len() + bytes.len();
        let held = self.bytes.capacity();
        if needed > held {
            // Twice as much spares copying; where that is more than is granted, as much as is needed.
            let ample = needed.max(self.bytes.len() * 2).max(LEAST);
            let granted = |&capacity: &usize| share.take(capacity - held, budget);
            let capacity = [ample, needed].into_iter().find(granted).ok_or(Exhausted)?;
            self.move_to(capacity);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Into a new block: one that grows where it stands leaves a rest behind it, which may be small (see
    /// [`LEAST`]).
    fn move_to(&mut self, capacity: usize) {
        let mut bytes = Vec::with_capacity(capacity);
        debug_assert_eq!(bytes.capacity(), capacity, "with_capacity of a Vec<u8> is exact");
        bytes.extend_from_slice(&self.bytes);
        self.bytes = bytes;
    }

    /// Drops bytes at the front; the last gives the memory back.
    pub(super) fn consume(&mut self, len: usize, share: &mut Share, budget: &Budget) {
        if len >= self.bytes.len() {
            self.clear(share, budget);
        } else {
            self.bytes.drain(..len);
        }
    }

    pub(super) fn clear(&mut self, share: &mut Share, budget: &Budget) {
        share.give(self.bytes.capacity(), budget);
        self.bytes = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_with_what_comes_and_gives_it_all_back() {
        let budget = Budget::new(10 * LEAST, 1_000);
        let (mut parked, mut share) = (Parked::default(), Share::default());
        for byte in (0..200).cycle().take(4 * LEAST) {
            parked.push(&[byte], &mut share, &budget).unwrap();
            assert!(budget.used() <= LEAST.max(2 * parked.bytes().len()));
        }
        parked.consume(40, &mut share, &budget);
        assert_eq!(parked.bytes()[0], 40);
        assert!(parked.push(&[0; 10 * LEAST], &mut share, &budget).is_err());
        parked.consume(4 * LEAST - 40, &mut share, &budget);
        assert_eq!(budget.used(), 0);
        assert!(parked.is_empty());
    }

    #[test]
    fn takes_what_is_needed_where_ample_is_too_much() {
        let budget = Budget::new(1_000, 1);
        let (mut parked, mut share) = (Parked::default(), Share::default());
        parked.push(&[0; 600], &mut share, &budget).unwrap();
        parked.push(&[0; 400], &mut share, &budget).unwrap();
        assert_eq!(budget.used(), 1_000);
        assert!(parked.push(&[0], &mut share, &budget).is_err());
        assert_eq!(parked.bytes().len(), 1_000);
    }
}
