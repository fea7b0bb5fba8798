//! Finding line ends: eight bytes at a step, in safe code.

pub(crate) const LF: u8 = b'\n';
pub(crate) const CR: u8 = b'\r';

const ONES: u64 = 0x0101_0101_0101_0101;
const LFS: u64 = 0x0a0a_0a0a_0a0a_0a0a;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The index of the first LF at or after `from`.
pub(crate) fn find_lf(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    // A device, whose words are shorter, makes do with the second loop.
    let (words, tail) =
        if cfg!(target_os = "none") { ([].as_slice(), rest) } else { rest.as_chunks::<8>() };
    let mut at = from;
    for word in words {
        if let Some(offset) = lf_in_word(u64::from_le_bytes(*word)) {
            return Some(at.saturating_add(offset));
        }
        at = at.saturating_add(8);
    }
    tail.iter().position(|&byte| byte == LF).map(|offset| at.saturating_add(offset))
}

/// A byte of `x` is zero where the word has LF; the lowest set high bit marks the first such.
fn lf_in_word(word: u64) -> Option<usize> {
    let x = word ^ LFS;
    let zeros = x.wrapping_sub(ONES) & !x & HIGHS;
    (zeros != 0).then_some((zeros.trailing_zeros() / 8) as usize)
}

/// The line without the one CR that may stand just before its LF.
pub(crate) fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(&[CR]).unwrap_or(line)
}

/// The bytes that a line begun so is sure to have: a CR at its end may yet be dropped.
pub(crate) fn least_len(seen: usize, last: Option<u8>) -> usize {
    seen.saturating_sub(usize::from(last == Some(CR)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(
            bytes in proptest::collection::vec(prop_oneof![Just(LF), Just(0x8a), Just(0x0b), any::<u8>()], 0..40),
            from in 0usize..42,
        ) {
            let naive = (from..bytes.len()).find(|&at| bytes[at] == LF);
            prop_assert_eq!(find_lf(&bytes, from), naive);
        }
    }

    #[test]
    fn drops_one_cr_at_the_end_alone() {
        assert_eq!(trim_cr(b"a\r"), b"a");
        assert_eq!(trim_cr(b"a\r\r"), b"a\r");
        assert_eq!(trim_cr(b"\ra"), b"\ra");
        assert_eq!(least_len(3, Some(CR)), 2);
        assert_eq!(least_len(3, Some(LF)), 3);
    }
}
