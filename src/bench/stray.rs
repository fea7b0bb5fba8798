//! A reply that is not, byte for byte, the one that was expected.

use linecard_std::protocol::wire::{Head, MAX_HEAD_LINE_LEN};
use linecard_std::protocol::{Frame, Refusal};

/// The longest reply that is waited for, in bytes.
pub(super) const REPLY_CAP: usize = 128 * 1024;

/// What stands at the front of the bytes of a stray reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stray {
    /// A reply framed otherwise, with the expected body.
    Right(usize),
    /// The server's no, or another body; its kind, and the bytes of the frame.
    Wrong(&'static str, usize),
    /// An event, which answers nothing.
    Event(usize),
    /// Not all of a frame.
    Partial,
    /// Not a frame.
    Broken,
}

/// Reads one frame.
pub(super) fn look_at(bytes: &[u8], expected: &[u8]) -> Stray {
    let Some((frame, len)) = Frame::parse(bytes) else {
        return if may_become_a_frame(bytes) { Stray::Partial } else { Stray::Broken };
    };
    match (frame.name, frame.body) {
        ("OK", body) if body.bytes() == expected => Stray::Right(len),
        ("OK", _) => Stray::Wrong("another reply", len),
        ("ERR", body) => match Refusal::parse(body) {
            Some(refusal) => Stray::Wrong(refusal.code.as_str(), len),
            None => Stray::Broken,
        },
        _ => Stray::Event(len),
    }
}

fn may_become_a_frame(bytes: &[u8]) -> bool {
    let Some(lf) = bytes.iter().position(|&byte| byte == b'\n') else {
        return bytes.len() < MAX_HEAD_LINE_LEN;
    };
    match Head::parse(&bytes[..lf]) {
        None => false,
        Some(Head { len: None, .. }) => bytes.len() < REPLY_CAP,
        // With its last byte there it would be a frame, or none.
        Some(Head { len: Some(len), .. }) => {
            let whole = lf + 1 + len as usize + 1;
            bytes.len() < whole && whole <= REPLY_CAP
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reply_is_what_it_is() {
        for (bytes, stray) in [
            ("OK 3\nyes\nOK", Stray::Right(9)),
            ("OK\r\nyes\r\n", Stray::Right(9)),
            ("OK\nno\n", Stray::Wrong("another reply", 6)),
            ("ERR\nbusy\n", Stray::Wrong("busy", 9)),
            ("ERR\nquaint words\n", Stray::Wrong("failed", 17)),
            ("NEWS\nnone\n", Stray::Event(10)),
            ("", Stray::Partial),
            ("O", Stray::Partial),
            ("OK\nye", Stray::Partial),
            ("OK 3\nye", Stray::Partial),
            ("OK 3\nyesx", Stray::Broken),
            ("OK 4294967295\n", Stray::Broken),
            ("ERR 4\nbusy\n", Stray::Broken),
            ("HTTP/1.1 400 Bad Request\r\n", Stray::Broken),
        ] {
            assert_eq!(look_at(bytes.as_bytes(), b"yes"), stray, "{bytes:?}");
        }
        assert_eq!(look_at(&[b'a'; MAX_HEAD_LINE_LEN], b"yes"), Stray::Broken);
    }
}
