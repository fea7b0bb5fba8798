//! A reply that is not, octet for octet, the one that was expected.

use linecard_std::protocol::{Frame, HEAD_LINE_CAP, Head, Refusal};

/// The longest reply that is waited for, in octets.
pub(super) const REPLY_CAP: usize = 128 * 1024;

/// What stands at the front of the octets of a stray reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stray {
    /// A reply framed otherwise, with the expected body.
    Right(usize),
    /// The server's no, or another body; its kind, and the octets of the frame.
    Wrong(&'static str, usize),
    /// An event, which answers nothing.
    Event(usize),
    /// Not all of a frame.
    Partial,
    /// Not a frame.
    Broken,
}

/// Reads one frame.
pub(super) fn look_at(octets: &[u8], expected: &[u8]) -> Stray {
    let Some((frame, len)) = Frame::parse(octets) else {
        return if may_become_a_frame(octets) { Stray::Partial } else { Stray::Broken };
    };
    match (frame.name, frame.body) {
        ("OK", body) if body.octets() == expected => Stray::Right(len),
        ("OK", _) => Stray::Wrong("another reply", len),
        ("ERR", body) => match Refusal::parse(body) {
            Some(refusal) => Stray::Wrong(refusal.code.as_str(), len),
            None => Stray::Broken,
        },
        _ => Stray::Event(len),
    }
}

fn may_become_a_frame(octets: &[u8]) -> bool {
    let Some(lf) = octets.iter().position(|&octet| octet == b'\n') else {
        return octets.len() < HEAD_LINE_CAP;
    };
    match Head::parse(&octets[..lf]) {
        None => false,
        Some(Head { len: None, .. }) => octets.len() < REPLY_CAP,
        // With its last octet there it would be a frame, or none.
        Some(Head { len: Some(len), .. }) => {
            let whole = lf + 1 + len as usize + 1;
            octets.len() < whole && whole <= REPLY_CAP
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reply_is_what_it_is() {
        for (octets, stray) in [
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
            assert_eq!(look_at(octets.as_bytes(), b"yes"), stray, "{octets:?}");
        }
        assert_eq!(look_at(&[b'a'; HEAD_LINE_CAP], b"yes"), Stray::Broken);
    }
}
