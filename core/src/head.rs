//! The grammar of a frame's first line: docs/PROTOCOL.md §2.1.
//!
//! ```text
//! name          [SP length]      [SP "#" tag]     [CR] LF
//! 1 to 32       1 to 10 digits   1 to 10 digits
//! ```

use crate::scan::{CR, LF, find_lf};

/// The longest name, in octets.
pub const NAME_CAP: usize = 32;

/// The longest head line, in octets: 55 of the longest head, CR and LF.
pub const HEAD_LINE_CAP: usize = NAME_CAP + 1 + DIGITS_CAP + 2 + DIGITS_CAP + 2;

/// Decimal digits of the largest length or tag, 4294967295.
pub(crate) const DIGITS_CAP: usize = 10;

/// What a head line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'i> {
    /// The command, or `OK` or `ERR`: a letter, then letters, digits, `-`, `_`, `.`; 1 to 32 octets.
    pub name: &'i str,
    /// The octets in the body, where they are counted.
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

    /// A whole head line, and its octets.
    #[inline]
    pub(crate) fn line_at_front_of(input: &'i [u8]) -> Option<(Self, usize)> {
        let window = input.get(..HEAD_LINE_CAP).unwrap_or(input);
        match Self::at_front_of(window)? {
            (head, [LF, after @ ..] | [CR, LF, after @ ..]) => {
                Some((head, window.len().saturating_sub(after.len())))
            }
            _ => None,
        }
    }

    /// Reads as far as the grammar goes; gives back what stands there, which should be the line's end.
    #[inline]
    fn at_front_of(octets: &'i [u8]) -> Option<(Self, &'i [u8])> {
        let (name, rest) = name(octets)?;
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
fn name(octets: &[u8]) -> Option<(&str, &[u8])> {
    let ends = |&octet: &u8| {
        // A table for speed; a device makes do without its 256 octets.
        if cfg!(target_os = "none") {
            !is_name_octet(octet)
        } else {
            NAME_OCTETS.get(usize::from(octet)) != Some(&true)
        }
    };
    let len = octets.iter().position(ends).unwrap_or(octets.len());
    let (name, rest) = octets.split_at_checked(len)?;
    if len > NAME_CAP || !name.first()?.is_ascii_alphabetic() {
        return None;
    }
    Some((core::str::from_utf8(name).ok()?, rest))
}

/// Whether `name` is a legal name of a command (or of a reply).
#[must_use]
pub const fn is_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    match rest.first() {
        Some(first) if first.is_ascii_alphabetic() && rest.len() <= NAME_CAP => {}
        _ => return false,
    }
    while let [octet, after @ ..] = rest {
        if !is_name_octet(*octet) {
            return false;
        }
        rest = after;
    }
    true
}

const fn is_name_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.')
}

/// [`is_name_octet`] of each octet: for a name that is read, one load an octet.
static NAME_OCTETS: [bool; 256] = name_octets();

const fn name_octets() -> [bool; 256] {
    let mut is = [false; 256];
    let mut left: &mut [bool] = &mut is;
    let mut octet = 0_u8;
    while let [first, rest @ ..] = left {
        *first = is_name_octet(octet);
        octet = octet.wrapping_add(1);
        left = rest;
    }
    is
}

/// A decimal number of at most 32 bits without leading zeros, and what follows it.
fn number(octets: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0_u32;
    let mut rest = octets;
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value.checked_mul(10)?.checked_add(u32::from(digit & 0x0f))?;
        rest = after;
    }
    match octets {
        [b'0', b'0'..=b'9', ..] => None,
        [b'0'..=b'9', ..] => Some((value, rest)),
        _ => None,
    }
}

/// What the front of an input holds of a head line.
pub(crate) enum HeadLine<'i> {
    /// A head, and the octets of its line.
    Whole(Head<'i>, usize),
    /// No LF yet, and it may still come.
    Partial,
    /// Not the grammar's, or longer than the longest legal one.
    Bad,
}

impl<'i> HeadLine<'i> {
    /// Judges at the LF, or after [`HEAD_LINE_CAP`] octets without one; never earlier.
    #[inline]
    pub(crate) fn at_front_of(input: &'i [u8]) -> Self {
        if let Some((head, len)) = Head::line_at_front_of(input) {
            return Self::Whole(head, len);
        }
        let window = input.get(..HEAD_LINE_CAP).unwrap_or(input);
        if window.len() == HEAD_LINE_CAP || find_lf(window, 0).is_some() {
            Self::Bad
        } else {
            Self::Partial
        }
    }
}
