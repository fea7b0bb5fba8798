//! The grammar of a frame's first line: docs/PROTOCOL.md §2.1.
//!
//! ```text
//! name          [SP length]      [SP "#" tag]     [CR] LF
//! 1 to 32       1 to 10 digits   1 to 10 digits
//! ```

use crate::scan::{CR, LF, find_lf};
use crate::tuning::name_len;

/// The longest name, in bytes.
pub const MAX_NAME_LEN: usize = 32;

/// The longest head line, in bytes: 55 of the longest head, CR and LF.
pub const MAX_HEAD_LINE_LEN: usize = MAX_NAME_LEN + 1 + MAX_DIGITS + 2 + MAX_DIGITS + 2;

/// Decimal digits of the largest length or tag, 4294967295.
pub(crate) const MAX_DIGITS: usize = 10;

/// What a head line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'i> {
    /// The command, or `OK` or `ERR`: a letter, then letters, digits, `-`, `_`, `.`; 1 to 32 bytes.
    pub name: &'i str,
    /// The bytes in the body, where they are counted.
    pub len: Option<u32>,
    /// The number that a reply echoes.
    pub tag: Option<u32>,
}

impl<'i> Head<'i> {
    /// Reads a head line without its LF; one CR at its end is dropped. `None` is `bad-head`.
    #[must_use]
    pub fn parse(line: &'i [u8]) -> Option<Self> {
        match Self::at_front_of(line)? {
            (head, [] | [CR]) => Some(head),
            _ => None,
        }
    }

    /// A whole head line, and its bytes.
    #[cfg_attr(
        not(feature = "small"),
        expect(clippy::inline_always, reason = "else the head is copied"),
        inline(always)
    )]
    pub(crate) fn line_at_front_of(input: &'i [u8]) -> Option<(Self, usize)> {
        let window = input.get(..MAX_HEAD_LINE_LEN).unwrap_or(input);
        match Self::at_front_of(window)? {
            (head, [LF, after @ ..] | [CR, LF, after @ ..]) => {
                Some((head, window.len().saturating_sub(after.len())))
            }
            _ => None,
        }
    }

    /// Whether `input`, which begins with no head line, may still become one: a line is judged at
    /// its LF, or after [`MAX_HEAD_LINE_LEN`] bytes without one; never earlier.
    pub(crate) fn may_follow(input: &[u8]) -> bool {
        input.len() < MAX_HEAD_LINE_LEN && find_lf(input, 0).is_none()
    }

    /// Reads as far as the grammar goes. Returns what follows, which should be the end of the line.
    #[cfg_attr(
        not(feature = "small"),
        expect(clippy::inline_always, reason = "else the head is copied"),
        inline(always)
    )]
    fn at_front_of(bytes: &'i [u8]) -> Option<(Self, &'i [u8])> {
        let (name, rest) = name(bytes)?;
        let (len, rest) = match rest {
            [b' ', digits @ ..] if matches!(digits, [b'0'..=b'9', ..]) => {
                let (len, rest) = number(digits)?;
                (Some(len), rest)
            }
            _ => (None, rest),
        };
        let (tag, rest) = match rest {
            [b' ', b'#', digits @ ..] => {
                let (tag, rest) = number(digits)?;
                (Some(tag), rest)
            }
            _ => (None, rest),
        };
        Some((Self { name, len, tag }, rest))
    }
}

/// A name and what follows it.
#[inline]
fn name(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let len = name_len(bytes);
    let (name, rest) = bytes.split_at_checked(len)?;
    if len > MAX_NAME_LEN || !name.first()?.is_ascii_alphabetic() {
        return None;
    }
    Some((core::str::from_utf8(name).ok()?, rest))
}

/// Whether `name` is a legal name of a command (or of a reply).
#[must_use]
pub const fn is_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    match rest.first() {
        Some(first) if first.is_ascii_alphabetic() && rest.len() <= MAX_NAME_LEN => {}
        _ => return false,
    }
    while let [byte, after @ ..] = rest {
        if !is_name_byte(*byte) {
            return false;
        }
        rest = after;
    }
    true
}

pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// A decimal number of at most 32 bits without leading zeros, and what follows it.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0_u32;
    let mut rest = bytes;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value.checked_mul(10)?.checked_add(u32::from(digit & 0x0f))?;
        rest = after;
    }
    match bytes {
        [b'0', b'0'..=b'9', ..] => None,
        [b'0'..=b'9', ..] => Some((value, rest)),
        _ => None,
    }
}
