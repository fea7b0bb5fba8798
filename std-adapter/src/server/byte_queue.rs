//! Bytes that a connection has to keep. Memory is taken as they come and given back once they are
//! gone.

use super::budget::WorkerBudget;

/// The smallest capacity. Allocators keep small blocks for themselves when they are freed (glibc up
/// to 1,032 bytes, a few for each thread). One of those at the end of a heap keeps all memory
/// before it from going back to the system.
const MIN_CAPACITY: usize = 1_280;

/// A queue of bytes, charged to a budget by its capacity. It must be cleared before it is dropped.
#[derive(Debug, Default)]
pub(super) struct ByteQueue {
    bytes: Vec<u8>,
}

impl ByteQueue {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The memory that it takes, in bytes.
    pub(super) const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Appends bytes. The capacity at most doubles, so that it depends on what a peer has sent, not
    /// on a length that it declares.
    pub(super) fn push(&mut self, bytes: &[u8], budget: &mut WorkerBudget<'_>) {
        let len = self.bytes.len() + bytes.len();
        if len > self.capacity() {
            self.move_to(len.max(self.bytes.len() * 2).max(MIN_CAPACITY), budget);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Moves to a new block: one that grows in place may leave a small free block behind it (see
    /// [`MIN_CAPACITY`]).
    fn move_to(&mut self, capacity: usize, budget: &mut WorkerBudget<'_>) {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(&self.bytes);
        budget.add(bytes.capacity());
        budget.subtract(self.capacity());
        self.bytes = bytes;
    }

    /// Drops `len` bytes at the front. The last gives the memory back.
    pub(super) fn consume(&mut self, len: usize, budget: &mut WorkerBudget<'_>) {
        if len >= self.bytes.len() {
            self.clear(budget);
        } else {
            self.bytes.drain(..len);
        }
    }

    /// Drops all bytes and gives the memory back.
    pub(super) fn clear(&mut self, budget: &mut WorkerBudget<'_>) {
        budget.subtract(self.capacity());
        self.bytes = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::budget::Budget;

    #[test]
    fn memory_follows_the_bytes() {
        let budget = Budget::new(0);
        let mut worker = WorkerBudget::new(&budget, 1);
        let mut queue = ByteQueue::default();
        for byte in (0..200).cycle().take(4 * MIN_CAPACITY) {
            queue.push(&[byte], &mut worker);
            assert!(budget.used() <= MIN_CAPACITY.max(2 * queue.bytes().len()));
            assert_eq!(budget.used(), queue.capacity());
        }
        queue.consume(40, &mut worker);
        assert_eq!(queue.bytes()[0], 40);
        queue.consume(4 * MIN_CAPACITY - 40, &mut worker);
        assert!(queue.is_empty());
        assert_eq!((budget.used(), queue.capacity()), (0, 0));
    }
}
