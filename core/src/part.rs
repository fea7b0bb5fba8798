//! Parts of a buffer that exist by our own accounting.
//!
//! A range outside the buffer would be a bug in this crate, not an empty part: tests panic on it. A
//! release build gives an empty part, because core never panics.

use core::slice::SliceIndex;

/// The part of `bytes` in `range`.
#[inline]
pub(crate) fn part<R: SliceIndex<[u8], Output = [u8]>>(bytes: &[u8], range: R) -> &[u8] {
    let part = bytes.get(range);
    debug_assert!(part.is_some(), "a range outside of its buffer");
    part.unwrap_or_default()
}

/// The part of `bytes` in `range`, to be written.
#[inline]
pub(crate) fn part_mut<R: SliceIndex<[u8], Output = [u8]>>(
    bytes: &mut [u8],
    range: R,
) -> &mut [u8] {
    let part = bytes.get_mut(range);
    debug_assert!(part.is_some(), "a range outside of its buffer");
    part.unwrap_or_default()
}
