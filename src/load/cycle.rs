//! A stream of bytes that repeats: what one side sends if all goes well.

/// The most bytes that are written, or compared, at once.
pub(super) const CHUNK: usize = 64 * 1024;

/// Frames of one length, repeated without end: `repeats_after` bytes, then the same again.
#[derive(Debug)]
pub(super) struct Cycle {
    /// The frames and, repeated, the [`CHUNK`] bytes that follow.
    tile: Vec<u8>,
    repeats_after: usize,
    frame_len: usize,
}

impl Cycle {
    /// `frames` holds `count` frames of one length, back to back. `None` if its length says
    /// otherwise.
    pub(super) fn new(frames: &[u8], count: usize) -> Option<Self> {
        let repeats_after = frames.len();
        if frames.is_empty() || !repeats_after.is_multiple_of(count) {
            return None;
        }
        let tile = frames.iter().copied().cycle().take(repeats_after + CHUNK).collect();
        Some(Self { tile, repeats_after, frame_len: repeats_after / count })
    }

    /// The bytes from `position` on: `len` of them, at most [`CHUNK`].
    pub(super) fn bytes(&self, position: Position, len: usize) -> &[u8] {
        &self.tile[position.0..][..len.min(CHUNK)]
    }

    pub(super) const fn frame_len(&self) -> usize {
        self.frame_len
    }

    /// The part before `position` of the frame that `position` is in.
    pub(super) fn begun(&self, position: Position) -> &[u8] {
        let begun = position.0 % self.frame_len;
        &self.tile[position.0 - begun..position.0]
    }

    /// Moves on by `len` bytes. Returns how many frames that completes.
    pub(super) const fn advance(&self, position: &mut Position, len: usize) -> usize {
        let end = position.0 + len;
        let frames = end / self.frame_len - position.0 / self.frame_len;
        position.0 = end % self.repeats_after;
        frames
    }
}

/// A position in a [`Cycle`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position(usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_where_they_end() {
        let cycle = Cycle::new(b"abcABC", 2).unwrap();
        let mut position = Position::default();
        assert_eq!(cycle.advance(&mut position, 2), 0);
        assert_eq!(cycle.begun(position), b"ab");
        assert_eq!(cycle.bytes(position, 5), b"cABCa");
        assert_eq!(cycle.advance(&mut position, 5), 2);
        assert_eq!(cycle.bytes(position, 2), b"bc");
        assert_eq!(cycle.bytes(position, 2 * CHUNK).len(), CHUNK);
        assert_eq!(cycle.advance(&mut position, 11), 4);
        assert_eq!(cycle.begun(position), b"");
    }

    #[test]
    fn frames_of_unequal_lengths_are_no_cycle() {
        assert!(Cycle::new(b"abcAB", 2).is_none());
        assert!(Cycle::new(b"", 1).is_none());
    }
}
