//! A front's input buffer: bytes received and not yet consumed. No I/O.
//!
//! ```text
//! ├─ consumed ─┤ received ─────────┤ free ───┤
//! 0            start               end       buf.len()
//! ```

use crate::part::{part, part_mut};
use crate::tuning::move_down;

/// A buffer for what a stream delivers. A front reads into [`free`](Self::free), reports how much
/// with [`commit`](Self::commit), shows [`received`](Self::received) to a session and drops what
/// the session consumed with [`consume`](Self::consume).
#[derive(Debug)]
pub struct InBuf<B> {
    buf: B,
    start: usize,
    end: usize,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> InBuf<B> {
    /// An empty buffer over `buf`.
    #[must_use]
    pub const fn new(buf: B) -> Self {
        Self { buf, start: 0, end: 0 }
    }

    /// The bytes received and not yet consumed.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        self.range(self.start, self.end)
    }

    /// Makes room and returns the free part. What is received moves to the front when nothing is
    /// free behind it. Empty only when the buffer is full of received bytes.
    pub fn free(&mut self) -> &mut [u8] {
        let buf = self.buf.as_mut();
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == buf.len() {
            move_down(buf, self.start);
            (self.start, self.end) = (0, self.end.saturating_sub(self.start));
        }
        part_mut(buf, self.end..)
    }

    /// The first `len` bytes of the free part are received now.
    pub fn commit(&mut self, len: usize) {
        let end = self.end.saturating_add(len);
        debug_assert!(end <= self.buf.as_ref().len(), "committed more than was free");
        self.end = end.min(self.buf.as_ref().len());
    }

    /// Drops `len` bytes at the front of what is received.
    pub fn consume(&mut self, len: usize) {
        let start = self.start.saturating_add(len);
        debug_assert!(start <= self.end, "consumed more than was received");
        self.start = start.min(self.end);
    }

    /// Drops all that is received.
    pub const fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Drops all that is received, and returns the whole buffer, which is free.
    #[cfg(any(feature = "blocking", feature = "async"))]
    pub(crate) fn clear_all(&mut self) -> &mut [u8] {
        self.clear();
        self.buf.as_mut()
    }

    /// Where in the buffer what is received begins.
    #[cfg(any(feature = "blocking", feature = "async"))]
    pub(crate) const fn position(&self) -> usize {
        self.start
    }

    /// A part of the buffer by position, consumed or not.
    pub(crate) fn range(&self, start: usize, end: usize) -> &[u8] {
        part(self.buf.as_ref(), start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_moves_to_the_front_when_nothing_is_free_behind_it() {
        let mut input = InBuf::new([0; 4]);
        input.free().copy_from_slice(b"abcd");
        input.commit(4);
        input.consume(3);
        assert_eq!(input.received(), b"d");
        assert_eq!(input.free().len(), 3);
        assert_eq!(input.received(), b"d");
        input.consume(1);
        assert_eq!(input.free().len(), 4);
    }
}
