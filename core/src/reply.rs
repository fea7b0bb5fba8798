//! Answering one request, once: docs/PROTOCOL.md §5.

use serde::Serialize;

use crate::code::{CODE_CAP, Code};
use crate::encode::{EncodeError, Encoder, HEAD_TAIL_CAP};
use crate::head::DIGITS_CAP;
use crate::out::{Out, Pen};
use crate::payload::Payload;

/// The most words for a person that an error carries, in octets.
pub const WORDS_CAP: usize = 96;

/// The longest head of an `OK` reply.
pub(crate) const OK_HEAD_CAP: usize = 2 + HEAD_TAIL_CAP;

/// The longest `ERR` frame: `ERR #4294967295` LF, a code, a space, words, LF.
pub(crate) const ERR_FRAME_CAP: usize = 3 + 2 + DIGITS_CAP + 1 + CODE_CAP + 1 + WORDS_CAP + 1;

/// Whether a reply is owed, and with which tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    Nothing,
    Reply { tag: Option<u32> },
}

/// Proof that a request was answered.
#[derive(Debug)]
#[must_use]
pub struct Sent {
    code: Option<Code>,
}

impl Sent {
    /// `None` when the answer was `OK`, else the code of the error.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        self.code
    }
}

/// The right to answer the request at hand. One that is dropped unused becomes `ERR failed` at the
/// session's next step: every request gets exactly one reply.
#[derive(Debug)]
pub struct Reply<'s> {
    owed: &'s mut Owed,
    max_len: u32,
    tail: &'s mut [u8],
    written: &'s mut usize,
}

impl<'s> Reply<'s> {
    pub(crate) fn new(owed: &'s mut Owed, max_len: u32, out: &'s mut Out<'_>) -> Self {
        let (tail, written) = out.lend();
        Self { owed, max_len, tail, written }
    }

    /// The same right, for a wrapper around another [`Service`](crate::Service) that wants to answer
    /// itself where that does not. Only the first answer counts; a second is not written.
    pub fn reborrow(&mut self) -> Reply<'_> {
        Reply { owed: self.owed, max_len: self.max_len, tail: self.tail, written: self.written }
    }

    /// Answers `OK` with a command's reply value. One over the reply limit becomes
    /// `ERR reply-too-large`; one that can't be encoded, `ERR failed`.
    pub fn send<'p>(self, payload: &impl Payload<'p>) -> Sent {
        self.encode(|encoder| payload.encode(encoder))
    }

    /// Answers `OK` with a text.
    pub fn text(self, text: &str) -> Sent {
        self.encode(|encoder| encoder.text(text))
    }

    /// Answers `OK` with octets.
    pub fn octets(self, octets: &[u8]) -> Sent {
        self.encode(|encoder| encoder.octets(octets))
    }

    /// Answers `OK` with the postcard encoding of a value.
    pub fn postcard<T: Serialize + ?Sized>(self, value: &T) -> Sent {
        self.encode(|encoder| encoder.postcard(value))
    }

    /// Answers `ERR` with words for a person: of their octets the first 96, those outside
    /// 0x20–0x7E as `?`.
    pub fn error(self, code: Code, words: &str) -> Sent {
        self.refuse(code, &[Word::Text(words)])
    }

    fn encode(
        self,
        write: impl FnOnce(Encoder<'_>) -> Result<crate::Encoded, EncodeError>,
    ) -> Sent {
        let Owed::Reply { tag } = *self.owed else { return Sent { code: None } };
        match write(Encoder::new("OK", tag, self.max_len, self.tail)) {
            Ok(encoded) => self.sent(encoded.len, None),
            Err(EncodeError::TooLong { .. } | EncodeError::NoRoom) => {
                let limit = self.max_len;
                self.refuse(Code::ReplyTooLarge, &over(limit))
            }
            Err(EncodeError::Value) => self.error(Code::Failed, "the reply can't be encoded"),
        }
    }

    pub(crate) fn refuse(self, code: Code, words: &[Word<'_>]) -> Sent {
        let Owed::Reply { tag } = *self.owed else { return Sent { code: None } };
        match write_error(self.tail, tag, code, words) {
            Some(len) => self.sent(len, Some(code)),
            // The caller lent less than the session asked for: the reply stays owed.
            None => Sent { code: Some(code) },
        }
    }

    fn sent(self, len: usize, code: Option<Code>) -> Sent {
        *self.owed = Owed::Nothing;
        *self.written = self.written.saturating_add(len);
        Sent { code }
    }
}

/// Writes an untagged `ERR`, for a connection that gets no session: `busy`. Says whether it fitted.
pub fn refuse(code: Code, out: &mut Out<'_>) -> bool {
    let len = write_error(out.tail(), None, code, &[]);
    out.advance(len.unwrap_or_default());
    len.is_some()
}

/// A part of an error's words.
#[derive(Clone, Copy)]
pub(crate) enum Word<'w> {
    Text(&'w str),
    Number(u32),
}

/// The words of an error about a limit.
pub(crate) const fn over(limit: u32) -> [Word<'static>; 2] {
    [Word::Text("over "), Word::Number(limit)]
}

/// `ERR [SP "#" tag] LF code [SP words] LF`; `None` where it doesn't fit.
pub(crate) fn write_error(
    octets: &mut [u8],
    tag: Option<u32>,
    code: Code,
    words: &[Word<'_>],
) -> Option<usize> {
    let mut pen = Pen::new(octets);
    pen.put_head("ERR", None, tag);
    pen.put(code.as_str().as_bytes());
    let mut left = WORDS_CAP;
    let mut gap: &[u8] = b" ";
    for word in words {
        match *word {
            Word::Text("") => {}
            Word::Text(text) => {
                pen.put(gap);
                for &octet in text.as_bytes().iter().take(left) {
                    pen.put_octet(printable(octet));
                }
                left = left.saturating_sub(text.len());
                gap = b"";
            }
            Word::Number(number) => {
                pen.put(gap);
                pen.put_number(number);
                gap = b"";
            }
        }
    }
    pen.put_octet(b'\n');
    pen.finish()
}

const fn printable(octet: u8) -> u8 {
    if matches!(octet, 0x20..=0x7e) { octet } else { b'?' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(words: &str) -> std::string::String {
        let mut buf = [0; ERR_FRAME_CAP];
        let len = write_error(&mut buf, Some(u32::MAX), Code::UnknownCommand, &[Word::Text(words)]);
        std::str::from_utf8(&buf[..len.unwrap()]).unwrap().into()
    }

    #[test]
    fn the_longest_error_just_fits() {
        let words = "w".repeat(500);
        let frame = error(&words);
        assert_eq!(frame.len(), ERR_FRAME_CAP);
        assert!(frame.ends_with(" wwww\n") || frame.ends_with("w\n"));
    }

    #[test]
    fn words_can_forge_nothing() {
        assert_eq!(error("a\nOK\r\u{e9}"), "ERR #4294967295\nunknown-command a?OK???\n");
        assert_eq!(error(""), "ERR #4294967295\nunknown-command\n");
    }
}
