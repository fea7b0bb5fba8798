//! Answering one request, once: docs/PROTOCOL.md §5.

use serde::Serialize;

use crate::code::{Code, MAX_CODE_LEN};
use crate::encode::{EncodeError, Encoded, Encoder, MAX_HEAD_TAIL_LEN};
use crate::head::MAX_DIGITS;
use crate::out_buf::{ByteWriter, OutBuf};
use crate::payload::Payload;

/// The longest message that an error carries, in bytes.
pub const MAX_MESSAGE_LEN: usize = 96;

/// The longest head of an `OK` reply.
pub(crate) const MAX_OK_HEAD_LEN: usize = 2 + MAX_HEAD_TAIL_LEN;

/// The longest `ERR` frame: `ERR #4294967295` LF, a code, a space, message, LF.
pub(crate) const MAX_ERR_FRAME_LEN: usize =
    3 + 2 + MAX_DIGITS + 1 + MAX_CODE_LEN + 1 + MAX_MESSAGE_LEN + 1;

/// Whether a reply is owed, and with which tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PendingReply {
    None,
    Owed { tag: Option<u32> },
}

/// Proof that a request was answered.
#[derive(Debug)]
#[must_use]
pub struct Answered {
    code: Option<Code>,
}

impl Answered {
    /// `None` when the answer was `OK`, else the code of the error.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        self.code
    }
}

/// The reply to the request at hand. If it is dropped unused, the session's next step sends
/// `ERR failed`: every request gets exactly one reply.
#[derive(Debug)]
pub struct Reply<'s> {
    pending: &'s mut PendingReply,
    max_len: u32,
    tail: &'s mut [u8],
    written: &'s mut usize,
}

impl<'s> Reply<'s> {
    /// Writes to the front of `tail`, and adds how much to `written`.
    pub(crate) const fn new(
        pending: &'s mut PendingReply,
        max_len: u32,
        (tail, written): (&'s mut [u8], &'s mut usize),
    ) -> Self {
        Self { pending, max_len, tail, written }
    }

    /// The same reply, for a wrapper around another [`Service`](crate::Service) that answers itself
    /// if that does not. Only the first answer counts; a second is not written.
    pub fn reborrow(&mut self) -> Reply<'_> {
        Reply {
            pending: self.pending,
            max_len: self.max_len,
            tail: self.tail,
            written: self.written,
        }
    }

    /// Answers `OK` with a command's reply value. One over the reply limit becomes
    /// `ERR reply-too-large`; one that can't be encoded, `ERR failed`.
    pub fn send<'p>(self, payload: &impl Payload<'p>) -> Answered {
        self.encode(|encoder| payload.encode(encoder))
    }

    /// Answers `OK` with a text.
    pub fn text(self, text: &str) -> Answered {
        self.encode(|encoder| encoder.text(text))
    }

    /// Answers `OK` with bytes.
    pub fn bytes(self, bytes: &[u8]) -> Answered {
        self.encode(|encoder| encoder.bytes(bytes))
    }

    /// Answers `OK` with the postcard encoding of a value.
    pub fn postcard<T: Serialize + ?Sized>(self, value: &T) -> Answered {
        self.encode(|encoder| encoder.postcard(value))
    }

    /// Answers `ERR` with a message for a person: its first 96 bytes, those outside 0x20 to 0x7E as
    /// `?`.
    pub fn error(self, code: Code, message: &str) -> Answered {
        self.refuse(code, &[Fragment::Text(message)])
    }

    fn encode(self, write: impl FnOnce(Encoder<'_>) -> Result<Encoded, EncodeError>) -> Answered {
        let PendingReply::Owed { tag } = *self.pending else { return Answered { code: None } };
        match write(Encoder::new("OK", tag, self.max_len, self.tail)) {
            Ok(encoded) => self.sent(encoded.len, None),
            Err(EncodeError::TooLong { .. } | EncodeError::NoRoom) => {
                let limit = self.max_len;
                self.refuse(Code::ReplyTooLarge, &over(limit))
            }
            Err(EncodeError::Value) => self.error(Code::Failed, "the reply can't be encoded"),
        }
    }

    pub(crate) fn refuse(self, code: Code, message: &[Fragment<'_>]) -> Answered {
        let PendingReply::Owed { tag } = *self.pending else { return Answered { code: None } };
        match write_error(self.tail, tag, code, message) {
            Some(len) => self.sent(len, Some(code)),
            // The output has less space than the session asked for: the reply stays owed.
            None => Answered { code: Some(code) },
        }
    }

    fn sent(self, len: usize, code: Option<Code>) -> Answered {
        *self.pending = PendingReply::None;
        *self.written = self.written.saturating_add(len);
        Answered { code }
    }
}

/// Writes an untagged `ERR`, for a connection that gets no session: `busy`. Says whether it fitted.
pub fn refuse(code: Code, out: &mut OutBuf<'_>) -> bool {
    let len = write_error(out.tail(), None, code, &[]);
    out.advance(len.unwrap_or_default());
    len.is_some()
}

/// A part of an error's message.
#[derive(Clone, Copy)]
pub(crate) enum Fragment<'w> {
    Text(&'w str),
    Number(u32),
}

/// The message of an error about a limit.
pub(crate) const fn over(limit: u32) -> [Fragment<'static>; 2] {
    [Fragment::Text("over "), Fragment::Number(limit)]
}

/// `ERR [SP "#" tag] LF code [SP message] LF`; `None` where it doesn't fit.
pub(crate) fn write_error(
    bytes: &mut [u8],
    tag: Option<u32>,
    code: Code,
    message: &[Fragment<'_>],
) -> Option<usize> {
    let mut writer = ByteWriter::new(bytes);
    writer.put_head("ERR", None, tag);
    writer.put(code.as_str().as_bytes());
    let mut left = MAX_MESSAGE_LEN;
    let mut gap: &[u8] = b" ";
    for word in message {
        match *word {
            Fragment::Text("") => {}
            Fragment::Text(text) => {
                writer.put(gap);
                for &byte in text.as_bytes().iter().take(left) {
                    writer.put_byte(printable(byte));
                }
                left = left.saturating_sub(text.len());
                gap = b"";
            }
            Fragment::Number(number) => {
                writer.put(gap);
                writer.put_number(number);
                gap = b"";
            }
        }
    }
    writer.put_byte(b'\n');
    writer.finish()
}

const fn printable(byte: u8) -> u8 {
    if matches!(byte, 0x20..=0x7e) { byte } else { b'?' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str) -> std::string::String {
        let mut buf = [0; MAX_ERR_FRAME_LEN];
        let len =
            write_error(&mut buf, Some(u32::MAX), Code::UnknownCommand, &[Fragment::Text(message)]);
        std::str::from_utf8(&buf[..len.unwrap()]).unwrap().into()
    }

    #[test]
    fn the_longest_error_just_fits() {
        let message = "w".repeat(500);
        let frame = error(&message);
        assert_eq!(frame.len(), MAX_ERR_FRAME_LEN);
        assert!(frame.ends_with(" wwww\n") || frame.ends_with("w\n"));
    }

    #[test]
    fn message_can_forge_nothing() {
        assert_eq!(error("a\nOK\r\u{e9}"), "ERR #4294967295\nunknown-command a?OK???\n");
        assert_eq!(error(""), "ERR #4294967295\nunknown-command\n");
    }
}
