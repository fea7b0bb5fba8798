//! For size: short loops, no tables.

use super::move_chunk;
use crate::head::is_name_byte;
use crate::scan::LF;

/// The index of the first LF at or after `from`.
pub(crate) fn find_lf(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|&byte| byte == LF).map(|offset| from.saturating_add(offset))
}

/// How many bytes at the front can stand in a name.
pub(crate) fn name_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !is_name_byte(byte)).unwrap_or(bytes.len())
}

/// Moves what stands behind the first `gap` bytes to the front, as `copy_within(gap.., 0)` would.
/// That one is a `memmove`, which a device without a C library pays with 700 bytes of code.
pub(crate) fn move_down(bytes: &mut [u8], gap: usize) {
    let mut at = 0_usize;
    while move_chunk::<8>(bytes, at, gap) {
        at = at.saturating_add(8);
    }
    while move_chunk::<1>(bytes, at, gap) {
        at = at.saturating_add(1);
    }
}
