//! Loops written twice: [`fast`] for speed, [`small`] for size (feature `small`). Both do the same,
//! and the tests run with both.

#[cfg(not(feature = "small"))]
mod fast;
#[cfg(feature = "small")]
mod small;

#[cfg(not(feature = "small"))]
pub(crate) use fast::{find_lf, move_down, name_len};
#[cfg(feature = "small")]
pub(crate) use small::{find_lf, move_down, name_len};

/// Moves `LEN` bytes down by `gap` to `at`, if so many are there. All are read before the first is
/// written.
fn move_chunk<const LEN: usize>(bytes: &mut [u8], at: usize, gap: usize) -> bool {
    let Some(from) = bytes.get(at.saturating_add(gap)..) else { return false };
    let Some(&chunk) = from.first_chunk::<LEN>() else { return false };
    if let Some(to) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *to = chunk;
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::head::is_name_byte;
    use crate::scan::LF;

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(
            bytes in proptest::collection::vec(
                prop_oneof![Just(LF), Just(0x8a), Just(0x0b), any::<u8>()],
                0..300,
            ),
            from in 0usize..310,
        ) {
            let naive = (from..bytes.len()).find(|&at| bytes[at] == LF);
            prop_assert_eq!(find_lf(&bytes, from), naive);
        }

        /// Wherever it is relative to the words and chunks.
        #[test]
        fn finds_the_only_one(len in 0usize..300, at in 0usize..300, from in 0usize..300) {
            let mut bytes = std::vec![0x8a; len];
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = LF);
            prop_assert_eq!(find_lf(&bytes, from), (from <= at && at < len).then_some(at));
        }
    }

    #[test]
    fn a_name_ends_at_the_first_other_byte() {
        for byte in 0..=u8::MAX {
            let len = if is_name_byte(byte) { 3 } else { 1 };
            assert_eq!(name_len(&[b'A', byte, b'z']), len, "{byte:#04x}");
        }
        assert_eq!(name_len(b""), 0);
    }

    #[test]
    fn bytes_move_down_as_copy_within_moves_them() {
        for len in 0..40_usize {
            for gap in 0..=len {
                let mut moved: std::vec::Vec<u8> = (0..40).take(len).collect();
                let mut expected = moved.clone();
                move_down(&mut moved, gap);
                expected.copy_within(gap.., 0);
                expected.truncate(len - gap);
                moved.truncate(len - gap);
                assert_eq!(moved, expected, "{len} bytes, gap {gap}");
            }
        }
    }
}
