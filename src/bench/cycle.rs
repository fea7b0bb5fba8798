//! A stream of bytes that repeats, as one side should send it.

/// Bytes that are written, or compared, at one time.
pub(super) const CHUNK: usize = 64 * 1024;

/// Frames of one length, over and over: `repeats_after` bytes, then the same again.
#[derive(Debug)]
pub(super) struct Cycle {
    /// The cycle, so often that [`CHUNK`] bytes follow any place in the first.
    tile: Vec<u8>,
    repeats_after: usize,
    frame_len: usize,
}

impl Cycle {
    /// `count` frames of equal lengths, one after another. `None` where they are not.
    pub(super) fn new(frames: &[u8], count: usize) -> Option<Self> {
        let repeats_after = frames.len();
        if frames.is_empty() || !repeats_after.is_multiple_of(count) {
            return None;
        }
        let tile = frames.repeat(CHUNK.div_ceil(repeats_after) + 1);
        Some(Self { tile, repeats_after, frame_len: repeats_after / count })
    }

    /// What comes at `place`, up to `len` bytes and [`CHUNK`].
    pub(super) fn bytes(&self, place: Place, len: usize) -> &[u8] {
        &self.tile[place.0..][..len.min(CHUNK)]
    }

    pub(super) const fn frame_len(&self) -> usize {
        self.frame_len
    }

    /// The bytes of the frame at `place` that are before it.
    pub(super) fn begun(&self, place: Place) -> &[u8] {
        let begun = place.0 % self.frame_len;
        &self.tile[place.0 - begun..place.0]
    }

    /// Goes on by `len` bytes; says how many frames that completes.
    pub(super) const fn advance(&self, place: &mut Place, len: usize) -> usize {
        let end = place.0 + len;
        let frames = end / self.frame_len - place.0 / self.frame_len;
        place.0 = end % self.repeats_after;
        frames
    }
}

/// A place in a [`Cycle`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place(usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_where_they_end() {
        let cycle = Cycle::new(b"abcABC", 2).unwrap();
        let mut place = Place::default();
        assert_eq!(cycle.advance(&mut place, 2), 0);
        assert_eq!(cycle.begun(place), b"ab");
        assert_eq!(cycle.bytes(place, 5), b"cABCa");
        assert_eq!(cycle.advance(&mut place, 5), 2);
        assert_eq!(cycle.bytes(place, 2), b"bc");
        assert_eq!(cycle.bytes(place, 2 * CHUNK).len(), CHUNK);
        assert_eq!(cycle.advance(&mut place, 11), 4);
        assert_eq!(cycle.begun(place), b"");
    }

    #[test]
    fn frames_of_unequal_lengths_are_no_cycle() {
        assert!(Cycle::new(b"abcAB", 2).is_none());
        assert!(Cycle::new(b"", 1).is_none());
    }
}
