//! For speed: words of eight bytes, chunks that the compiler turns into vectors, and a table.

use super::move_chunk;
use crate::head::is_name_byte;
use crate::scan::LF;

const ONES: u64 = 0x0101_0101_0101_0101;
const LFS: u64 = 0x0a0a_0a0a_0a0a_0a0a;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bytes in which an LF is searched by words: short lines end there.
const NEAR: usize = 32;

/// Bytes that are compared at once behind those. As many as one iteration of memchr's takes with
/// the vectors that every x86-64 has; the compiler makes the same of the loop here.
const CHUNK: usize = 64;

/// The index of the first LF at or after `from`.
#[inline]
pub(crate) fn find_lf(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let (words, tail) = rest.as_chunks::<8>();
    let mut at = 0_usize;
    for word in words {
        if let Some(offset) = lf_in_word(u64::from_le_bytes(*word)) {
            return Some(from.saturating_add(at).saturating_add(offset));
        }
        at = at.saturating_add(8);
        if at == NEAR {
            return lf_by_chunks(bytes, from.saturating_add(NEAR));
        }
    }
    let offset = tail.iter().position(|&byte| byte == LF)?;
    Some(from.saturating_add(at).saturating_add(offset))
}

/// The same, in chunks. Out of line: few lines are long.
#[inline(never)]
fn lf_by_chunks(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let (chunks, _) = rest.as_chunks::<CHUNK>();
    let is_lf = |byte: &u8| u8::from(*byte == LF);
    let has_lf = |chunk: &[u8; CHUNK]| chunk.iter().map(is_lf).fold(0, |any, is| any | is) != 0;
    let clean = chunks.iter().take_while(|chunk| !has_lf(chunk)).count().saturating_mul(CHUNK);
    let offset = rest.get(clean..)?.iter().position(|&byte| byte == LF)?;
    Some(from.saturating_add(clean).saturating_add(offset))
}

/// A byte of `x` is zero where the word has LF; the lowest set high bit marks the first such.
fn lf_in_word(word: u64) -> Option<usize> {
    let x = word ^ LFS;
    let zeros = x.wrapping_sub(ONES) & !x & HIGHS;
    (zeros != 0).then_some((zeros.trailing_zeros() / 8) as usize)
}

/// How many bytes at the front can stand in a name.
#[inline]
pub(crate) fn name_len(bytes: &[u8]) -> usize {
    let ends = |&byte: &u8| NAME_BYTES.get(usize::from(byte)) != Some(&true);
    bytes.iter().position(ends).unwrap_or(bytes.len())
}

/// [`is_name_byte`] of each byte: one load a byte.
static NAME_BYTES: [bool; 256] = name_bytes();

const fn name_bytes() -> [bool; 256] {
    let mut is = [false; 256];
    let mut left: &mut [bool] = &mut is;
    let mut byte = 0_u8;
    while let [first, rest @ ..] = left {
        *first = is_name_byte(byte);
        byte = byte.wrapping_add(1);
        left = rest;
    }
    is
}

/// Moves what stands behind the first `gap` bytes to the front, as `copy_within(gap.., 0)` would.
pub(crate) fn move_down(bytes: &mut [u8], gap: usize) {
    let mut at = 0_usize;
    while move_chunk::<32>(bytes, at, gap) {
        at = at.saturating_add(32);
    }
    while move_chunk::<8>(bytes, at, gap) {
        at = at.saturating_add(8);
    }
    while move_chunk::<1>(bytes, at, gap) {
        at = at.saturating_add(1);
    }
}
