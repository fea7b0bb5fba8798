//! Writing one frame into a borrowed buffer: docs/PROTOCOL.md §2.
//!
//! ```text
//! ├─ space for the head ─┤ body ──────────┤        encoded behind space for the longest head,
//! ├─ head ─┤ body ──────────┤ LF                   because a value's length isn't known before;
//!                                                  then the gap is closed
//! ```

use core::fmt;

use serde::Serialize;

use crate::head::MAX_DIGITS;
use crate::out_buf::ByteWriter;
use crate::part::part_mut;
use crate::scan::LF;
use crate::serialize::Serializer;
use crate::tuning::move_down;

/// Why a frame was not written. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The body is longer than this side's limit.
    TooLong {
        /// The limit in bytes.
        limit: u32,
    },
    /// It does not fit the free part of the output.
    NoRoom,
    /// The value's own `Serialize` failed, or a sequence or map does not know its length.
    Value,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => write!(f, "the body is over {limit} bytes"),
            Self::NoRoom => f.write_str("the frame does not fit the output"),
            Self::Value => f.write_str("the value can't be serialized"),
        }
    }
}

impl core::error::Error for EncodeError {}

/// Proof that a frame was written, once.
#[derive(Debug)]
#[must_use]
pub struct Encoded {
    pub(crate) len: usize,
}

/// Writes one frame. Its name and tag are fixed; the method chosen gives the body.
#[derive(Debug)]
pub struct Encoder<'s> {
    name: &'s str,
    tag: Option<u32>,
    max_len: u32,
    free: &'s mut [u8],
}

impl<'s> Encoder<'s> {
    pub(crate) const fn new(
        name: &'s str,
        tag: Option<u32>,
        max_len: u32,
        free: &'s mut [u8],
    ) -> Self {
        Self { name, tag, max_len, free }
    }

    /// A text: as a line, or counted where it holds LF or ends in CR.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::NoRoom`].
    pub fn text(self, text: &str) -> Result<Encoded, EncodeError> {
        let bytes = text.as_bytes();
        if bytes.last() == Some(&b'\r') || crate::scan::find_lf(bytes, 0).is_some() {
            self.bytes(bytes)
        } else {
            self.body(bytes, None)
        }
    }

    /// Any bytes, counted.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::NoRoom`].
    pub fn bytes(self, bytes: &[u8]) -> Result<Encoded, EncodeError> {
        let limit = self.max_len;
        let len = u32::try_from(bytes.len()).map_err(|_| EncodeError::TooLong { limit })?;
        self.body(bytes, Some(len))
    }

    fn body(self, bytes: &[u8], len: Option<u32>) -> Result<Encoded, EncodeError> {
        if bytes.len() > self.max_len as usize {
            return Err(EncodeError::TooLong { limit: self.max_len });
        }
        let mut writer = ByteWriter::new(self.free);
        writer.put_head(self.name, len, self.tag);
        writer.put(bytes);
        writer.put_byte(LF);
        writer.finish().map(|len| Encoded { len }).ok_or(EncodeError::NoRoom)
    }

    /// The postcard encoding of a value, counted. The whole value is serialized even if it does not
    /// fit.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], [`EncodeError::NoRoom`], [`EncodeError::Value`].
    pub fn postcard<T: Serialize + ?Sized>(self, value: &T) -> Result<Encoded, EncodeError> {
        let head_room = self.name.len().saturating_add(MAX_HEAD_TAIL_LEN);
        let (head, rest) = self.free.split_at_mut_checked(head_room).ok_or(EncodeError::NoRoom)?;
        let room = rest.len().saturating_sub(1).min(self.max_len as usize);
        let body = part_mut(rest, ..room);
        let mut writer = ByteWriter::new(body);
        value.serialize(Serializer(&mut writer)).map_err(|_| EncodeError::Value)?;
        let Some(body_len) = writer.finish() else {
            let too_long = room == self.max_len as usize;
            return Err(if too_long {
                EncodeError::TooLong { limit: self.max_len }
            } else {
                EncodeError::NoRoom
            });
        };
        if let Some(end) = rest.get_mut(body_len) {
            *end = LF;
        }
        let mut writer = ByteWriter::new(head);
        writer.put_head(self.name, u32::try_from(body_len).ok(), self.tag);
        let head_len = writer.finish().ok_or(EncodeError::NoRoom)?;
        let frame_len = head_len.saturating_add(body_len).saturating_add(1);
        close_gap(self.free, head_len, head_room, frame_len);
        Ok(Encoded { len: frame_len })
    }
}

/// The longest head behind its name: ` 4294967295 #4294967295` LF.
pub(crate) const MAX_HEAD_TAIL_LEN: usize = 1 + MAX_DIGITS + 2 + MAX_DIGITS + 1;

/// Moves what stands from `from` on to `to`, so that the frame has `frame_len` bytes.
fn close_gap(bytes: &mut [u8], to: usize, from: usize, frame_len: usize) {
    let gap = from.saturating_sub(to);
    move_down(part_mut(bytes, to..frame_len.saturating_add(gap)), gap);
}
