//! Bytes that a connection has to keep. Memory is taken as they come and given back once they are
//! gone.
//!
//! ```text
//! block: │ consumed │ bytes │ spare, zeroed │
//!                 start    end
//! ```

use super::budget::WorkerBudget;
use super::socket::Disconnect;

/// The smallest capacity. Allocators keep small blocks for themselves when they are freed (glibc up
/// to 1,032 bytes, a few for each thread). One of those at the end of a heap keeps all memory
/// before it from going back to the system.
const MIN_CAPACITY: usize = 1_280;

/// A queue of bytes, charged to a budget by its capacity. It must be cleared before it is dropped.
///
/// Positions have 32 bits, so that an idle connection stays small. A connection that would need
/// more than 4 GiB is reset.
#[derive(Debug, Default)]
pub(super) struct ByteQueue {
    block: Box<[u8]>,
    start: u32,
    end: u32,
}

impl ByteQueue {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.block[self.start as usize..self.end as usize]
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) const fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// The memory that it takes, in bytes.
    pub(super) const fn capacity(&self) -> usize {
        self.block.len()
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`Disconnect::Reset`] over 4 GiB.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        budget: &mut WorkerBudget<'_>,
    ) -> Result<(), Disconnect> {
        if bytes.len() > self.spare_len() {
            let capacity = (self.len() + bytes.len()).max(2 * self.len());
            return self.move_to(capacity.max(MIN_CAPACITY), bytes, budget);
        }
        self.block[self.end as usize..][..bytes.len()].copy_from_slice(bytes);
        self.add(bytes.len());
        Ok(())
    }

    /// Space for at most `len` more bytes, to be read into and then [added](Self::add). There is
    /// some, if the queue isn't empty.
    ///
    /// # Errors
    /// [`Disconnect::Reset`] over 4 GiB.
    pub(super) fn spare(
        &mut self,
        len: usize,
        budget: &mut WorkerBudget<'_>,
    ) -> Result<&mut [u8], Disconnect> {
        // Not as soon as it could double, or each small read would copy everything.
        if self.spare_len() < len && self.spare_len() <= self.len() / 2 {
            let capacity = self.len() + len.min(self.len());
            self.move_to(capacity.max(MIN_CAPACITY), &[], budget)?;
        }
        let len = len.min(self.spare_len());
        Ok(&mut self.block[self.end as usize..][..len])
    }

    /// The first `len` bytes of the spare space were read into.
    pub(super) fn add(&mut self, len: usize) {
        debug_assert!(len <= self.spare_len(), "more was read than there is space for");
        self.end += u32::try_from(len).unwrap_or_default();
    }

    const fn spare_len(&self) -> usize {
        self.block.len() - self.end as usize
    }

    /// Moves to a new block, and appends bytes: a block that grows in place may leave a small free
    /// block behind it (see [`MIN_CAPACITY`]). Callers at most double the capacity, so that it
    /// depends on what a peer has sent, not on a length that it declares.
    fn move_to(
        &mut self,
        capacity: usize,
        bytes: &[u8],
        budget: &mut WorkerBudget<'_>,
    ) -> Result<(), Disconnect> {
        u32::try_from(capacity).map_err(|_| Disconnect::Reset)?;
        let mut block = Vec::with_capacity(capacity);
        block.extend_from_slice(self.bytes());
        block.extend_from_slice(bytes);
        let len = block.len();
        block.resize(capacity, 0);
        self.clear(budget);
        budget.add(capacity);
        self.block = block.into();
        self.add(len);
        Ok(())
    }

    /// Drops `len` bytes at the front. The last gives the memory back.
    pub(super) fn consume(&mut self, len: usize, budget: &mut WorkerBudget<'_>) {
        if len >= self.len() {
            self.clear(budget);
        } else {
            self.start += u32::try_from(len).unwrap_or_default();
        }
    }

    /// Drops all bytes and gives the memory back.
    pub(super) fn clear(&mut self, budget: &mut WorkerBudget<'_>) {
        budget.subtract(self.capacity());
        *self = Self::default();
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
            queue.push(&[byte], &mut worker).unwrap();
            assert!(budget.used() <= MIN_CAPACITY.max(2 * queue.len()));
            assert_eq!(budget.used(), queue.capacity());
        }
        queue.consume(40, &mut worker);
        assert_eq!(queue.bytes()[0], 40);
        queue.consume(4 * MIN_CAPACITY - 40, &mut worker);
        assert!(queue.is_empty());
        assert_eq!((budget.used(), queue.capacity()), (0, 0));
    }

    /// Read behind what is there, as much as fits or a byte at a time.
    #[test]
    fn spare_space_follows_the_bytes_that_came() {
        const LEN: usize = 1_000_000;
        for piece in [usize::MAX, 700] {
            let budget = Budget::new(0);
            let mut worker = WorkerBudget::new(&budget, 1);
            let mut queue = ByteQueue::default();
            queue.push(b"a", &mut worker).unwrap();
            let (mut moves, mut last) = (0, queue.capacity());
            while queue.len() < LEN {
                let spare = queue.spare(LEN - queue.len(), &mut worker).unwrap();
                let len = spare.len().min(piece);
                assert!(len > 0, "no space behind {} bytes", queue.len());
                spare[..len].fill(b'b');
                queue.add(len);
                moves += usize::from(queue.capacity() != last);
                last = queue.capacity();
                assert!(last <= MIN_CAPACITY.max(2 * queue.len()), "{last} for {}", queue.len());
                assert_eq!(budget.used(), last);
            }
            assert_eq!(last, LEN, "no more than the frame needs");
            assert!(moves < 30, "{moves} moves");
            assert!(queue.bytes().starts_with(b"ab") && queue.bytes().ends_with(b"b"));
            queue.clear(&mut worker);
            assert_eq!(budget.used(), 0);
        }
    }

    #[test]
    fn what_is_consumed_makes_no_space_until_the_block_moves() {
        let budget = Budget::new(0);
        let mut worker = WorkerBudget::new(&budget, 1);
        let mut queue = ByteQueue::default();
        queue.push(&[b'a'; MIN_CAPACITY], &mut worker).unwrap();
        queue.consume(MIN_CAPACITY - 2, &mut worker);
        assert_eq!(queue.bytes(), b"aa");
        queue.push(b"bc", &mut worker).unwrap();
        assert_eq!(queue.bytes(), b"aabc");
        assert_eq!(queue.capacity(), MIN_CAPACITY);
        queue.clear(&mut worker);
    }
}
