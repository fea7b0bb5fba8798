//! A reply that differs, byte for byte, from the expected one.

use linecard_std::protocol::wire::{Head, MAX_HEAD_LINE_LEN};
use linecard_std::protocol::{Code, Frame, Refusal};

/// The longest reply or event that is buffered, in bytes. A longer one ends the connection.
pub(super) const MAX_REPLY_LEN: usize = 128 * 1024;

/// What stands at the front of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inspected {
    /// A reply with the expected body, framed in another way; its length.
    Right(usize),
    /// A refusal, or another body; its kind, and its length.
    Wrong(&'static str, usize),
    /// A frame that answers none of the requests, which are all untagged: an event, or a reply with
    /// a tag (docs/PROTOCOL.md §10.2, §10.3); its length.
    Skipped(usize),
    /// A refusal behind which the server closes the connection: nothing more is read (§10.4).
    Last(&'static str),
    /// A frame of which bytes are missing.
    Partial,
    /// Not a frame, or one that is too long.
    Broken,
}

/// Parses one frame.
pub(super) fn inspect(bytes: &[u8], expected: &[u8]) -> Inspected {
    let Some((frame, len)) = Frame::parse(bytes) else {
        return if may_become_a_frame(bytes) { Inspected::Partial } else { Inspected::Broken };
    };
    match (frame.name, frame.tag, frame.body) {
        ("OK", None, body) if body.bytes() == expected => Inspected::Right(len),
        ("OK", None, _) => Inspected::Wrong("another reply", len),
        ("ERR", tag, body) => match (Refusal::parse(body), tag) {
            (None, _) => Inspected::Broken,
            (Some(_), Some(_)) => Inspected::Skipped(len),
            (Some(refusal), None) if closes(refusal.code) => Inspected::Last(refusal.code.as_str()),
            (Some(refusal), None) => Inspected::Wrong(refusal.code.as_str(), len),
        },
        _ => Inspected::Skipped(len),
    }
}

/// Whether a server always closes behind this code, also when the request was untagged (§5).
/// `too-large` isn't among them: the connection may go on.
const fn closes(code: Code) -> bool {
    matches!(code, Code::BadHead | Code::Desync | Code::Busy | Code::Timeout | Code::Stopping)
}

fn may_become_a_frame(bytes: &[u8]) -> bool {
    let Some(lf) = bytes.iter().position(|&byte| byte == b'\n') else {
        return bytes.len() < MAX_HEAD_LINE_LEN;
    };
    match Head::parse(&bytes[..lf]) {
        None => false,
        Some(Head { len: None, .. }) => bytes.len() < MAX_REPLY_LEN,
        // If the last byte had arrived, this would be a whole frame, or a broken one.
        Some(Head { len: Some(len), .. }) => {
            let whole = lf + 1 + len as usize + 1;
            bytes.len() < whole && whole <= MAX_REPLY_LEN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_is_recognised() {
        for (bytes, inspected) in [
            ("OK 3\nyes\nOK", Inspected::Right(9)),
            ("OK\r\nyes\r\n", Inspected::Right(9)),
            ("OK\nno\n", Inspected::Wrong("another reply", 6)),
            ("ERR\nbad-text\n", Inspected::Wrong("bad-text", 13)),
            ("ERR\nquaint words\n", Inspected::Wrong("failed", 17)),
            ("ERR\nbusy\n", Inspected::Last("busy")),
            ("ERR\nstopping soon\n", Inspected::Last("stopping")),
            ("NEWS\nnone\n", Inspected::Skipped(10)),
            ("OK #7\nyes\n", Inspected::Skipped(10)),
            ("ERR #7\nbusy\n", Inspected::Skipped(12)),
            ("", Inspected::Partial),
            ("O", Inspected::Partial),
            ("OK\nye", Inspected::Partial),
            ("OK 3\nye", Inspected::Partial),
            ("OK 3\nyesx", Inspected::Broken),
            ("OK 4294967295\n", Inspected::Broken),
            ("ERR 4\nbusy\n", Inspected::Broken),
            ("ERR 4 #7\nbusy\n", Inspected::Broken),
            ("HTTP/1.1 400 Bad Request\r\n", Inspected::Broken),
        ] {
            assert_eq!(inspect(bytes.as_bytes(), b"yes"), inspected, "{bytes:?}");
        }
        assert_eq!(inspect(&[b'a'; MAX_HEAD_LINE_LEN], b"yes"), Inspected::Broken);
    }
}
