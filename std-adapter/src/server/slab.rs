//! Connections by a small key, in one block of memory that shrinks again.
//!
//! The lowest vacant key is given out first, so that the end of the block becomes vacant and can be
//! given back. `slab::Slab` does that too, but it frees its block when the last connection leaves,
//! and then a small one grows again within the heap. glibc takes the first as a sign to keep
//! megabytes from then on, and can't give back what stands before the second.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The first capacity. So large a block doesn't come from the heap: the system can extend it and
/// take it back. Memory is only used by the entries that were ever taken.
const INITIAL_CAPACITY: usize = 1_024;

/// Entries that are kept, even if all are vacant.
const MIN_CAPACITY: usize = 64;

pub(super) struct Slab<T> {
    entries: Vec<Option<T>>,
    /// The keys below `entries.len()` that are not in use.
    vacant: BinaryHeap<Reverse<usize>>,
}

impl<T> Slab<T> {
    /// Memory to keep track of `len` keys. It grows for more.
    pub(super) fn with_capacity(len: usize) -> Self {
        Self {
            entries: Vec::with_capacity(INITIAL_CAPACITY),
            vacant: BinaryHeap::with_capacity(len),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.vacant.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the highest key.
    pub(super) const fn end(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.entries.get_mut(key)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.entries.iter().enumerate().filter_map(|(key, entry)| Some((key, entry.as_ref()?)))
    }

    /// The key that the next item gets.
    pub(super) fn next_key(&self) -> usize {
        self.vacant.peek().map_or(self.entries.len(), |&Reverse(key)| key)
    }

    pub(super) fn insert(&mut self, item: T) -> usize {
        let key = self.next_key();
        if self.vacant.pop().is_none() {
            self.entries.push(None);
        }
        self.entries[key] = Some(item);
        key
    }

    pub(super) fn remove(&mut self, key: usize) -> Option<T> {
        let item = self.entries.get_mut(key)?.take()?;
        self.vacant.push(Reverse(key));
        if self.entries.len() > 4 * self.len() + MIN_CAPACITY {
            self.shrink();
        }
        Some(item)
    }

    /// Gives back the memory behind the last entry in use.
    fn shrink(&mut self) {
        let end = self.entries.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        if end < self.entries.len() {
            self.entries.truncate(end);
            self.entries.shrink_to(MIN_CAPACITY);
            self.vacant.retain(|&Reverse(key)| key < end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_vacant_key_is_given_out_first() {
        let mut slab = Slab::with_capacity(4);
        let keys: Vec<_> = "abcd".chars().map(|item| slab.insert(item)).collect();
        assert_eq!(keys, [0, 1, 2, 3]);
        assert_eq!((slab.remove(2), slab.remove(1), slab.remove(1)), (Some('c'), Some('b'), None));
        assert_eq!((slab.len(), slab.get_mut(2).is_none()), (2, true));
        assert_eq!(slab.iter().collect::<Vec<_>>(), [(0, &'a'), (3, &'d')]);
        assert_eq!((slab.insert('e'), slab.insert('f'), slab.insert('g')), (1, 2, 4));
        assert_eq!(slab.get_mut(2), Some(&mut 'f'));
    }

    #[test]
    fn memory_of_a_peak_load_is_given_back() {
        const PEAK: usize = 10 * INITIAL_CAPACITY;
        let mut slab = Slab::with_capacity(PEAK);
        for item in 0..PEAK {
            slab.insert(item);
        }
        for key in 10..PEAK {
            assert_eq!(slab.remove(key), Some(key));
        }
        assert!(slab.entries.capacity() <= 4 * 10 + MIN_CAPACITY, "{}", slab.entries.capacity());
        assert_eq!(
            (0..10).map(|key| slab.remove(key)).collect::<Vec<_>>(),
            (0..10).map(Some).collect::<Vec<_>>()
        );
        assert!(slab.is_empty() && slab.insert(7) == 0);
    }
}
