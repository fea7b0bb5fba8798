//! Connections by a small key, in one block of memory that shrinks again.
//!
//! The lowest vacant key goes out first, so that the end of the block falls vacant and can be given back.
//! A `slab::Slab` does that too, but frees its block when the last connection leaves, and a small one then grows
//! anew amid whatever the heap holds. glibc takes the first for a sign to keep megabytes from then on, and can
//! give back nothing that stands before the second.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Places that a block has at first: too large for the heap, so that it is the system's own to grow and to
/// shrink. Memory is used by those places alone that were ever taken.
const AT_FIRST: usize = 1_024;

/// Places that are kept, whether there is anybody or not.
const KEPT: usize = 64;

pub(super) struct Slab<T> {
    slab: Vec<Option<T>>,
    /// The keys below `slab.len()` that nobody has.
    vacant: BinaryHeap<Reverse<usize>>,
}

impl<T> Slab<T> {
    /// With the means to keep count of so many; for more they grow.
    pub(super) fn with_capacity(len: usize) -> Self {
        Self { slab: Vec::with_capacity(AT_FIRST), vacant: BinaryHeap::with_capacity(len) }
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len() - self.vacant.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the highest key.
    pub(super) const fn end(&self) -> usize {
        self.slab.len()
    }

    pub(super) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.slab.get_mut(key)?.as_mut()
    }

    /// The key that the next one gets.
    pub(super) fn next_key(&self) -> usize {
        self.vacant.peek().map_or(self.slab.len(), |&Reverse(key)| key)
    }

    pub(super) fn insert(&mut self, item: T) -> usize {
        let key = self.next_key();
        if self.vacant.pop().is_none() {
            self.slab.push(None);
        }
        self.slab[key] = Some(item);
        key
    }

    pub(super) fn remove(&mut self, key: usize) -> Option<T> {
        let item = self.slab.get_mut(key)?.take()?;
        self.vacant.push(Reverse(key));
        if self.slab.len() > 4 * self.len() + KEPT {
            self.shrink();
        }
        Some(item)
    }

    /// Gives back what is behind the last that is taken.
    fn shrink(&mut self) {
        let end = self.slab.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        if end < self.slab.len() {
            self.slab.truncate(end);
            self.slab.shrink_to(KEPT);
            self.vacant.retain(|&Reverse(key)| key < end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_vacant_key_goes_out_first() {
        let mut slab = Slab::with_capacity(4);
        let keys: Vec<_> = "abcd".chars().map(|item| slab.insert(item)).collect();
        assert_eq!(keys, [0, 1, 2, 3]);
        assert_eq!((slab.remove(2), slab.remove(1), slab.remove(1)), (Some('c'), Some('b'), None));
        assert_eq!((slab.len(), slab.get_mut(2).is_none()), (2, true));
        assert_eq!((slab.insert('e'), slab.insert('f'), slab.insert('g')), (1, 2, 4));
        assert_eq!(slab.get_mut(2), Some(&mut 'f'));
    }

    /// A storm's places are not kept for ever.
    #[test]
    fn places_are_given_back() {
        const STORM: usize = 10 * AT_FIRST;
        let mut slab = Slab::with_capacity(STORM);
        for item in 0..STORM {
            slab.insert(item);
        }
        for key in 10..STORM {
            assert_eq!(slab.remove(key), Some(key));
        }
        assert!(slab.slab.capacity() <= 4 * 10 + KEPT, "{}", slab.slab.capacity());
        assert_eq!(
            (0..10).map(|key| slab.remove(key)).collect::<Vec<_>>(),
            (0..10).map(Some).collect::<Vec<_>>()
        );
        assert!(slab.is_empty() && slab.insert(7) == 0);
    }
}
