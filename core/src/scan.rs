//! Line ends.

pub(crate) use crate::tuning::find_lf;

pub(crate) const LF: u8 = b'\n';
pub(crate) const CR: u8 = b'\r';

/// The line without the one CR that may stand just before its LF.
pub(crate) fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(&[CR]).unwrap_or(line)
}

/// The least length of a line that begins so: a CR at its end may be dropped yet.
pub(crate) fn least_len(seen: usize, last: Option<u8>) -> usize {
    seen.saturating_sub(usize::from(last == Some(CR)))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn drops_one_cr_at_the_end_alone() {
        assert_eq!(trim_cr(b"a\r"), b"a");
        assert_eq!(trim_cr(b"a\r\r"), b"a\r");
        assert_eq!(trim_cr(b"\ra"), b"\ra");
        assert_eq!(least_len(3, Some(CR)), 2);
        assert_eq!(least_len(3, Some(LF)), 3);
    }
}
