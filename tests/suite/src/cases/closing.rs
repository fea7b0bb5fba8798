//! The last reply arrives before the close, whatever the peer still sends (docs/PROTOCOL.md §8.1).

use super::{Case, Check};
use crate::oracle::Reply;
use crate::peer::Peer;
use crate::target::Target;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (start, code, tag) in [
        ("9 lives\n", "bad-head", None),
        ("STRING 4294967295 #7\n", "too-large", Some(7)),
        ("STRING 1 #7\nab", "desync", Some(7)),
    ] {
        let want = Reply::refusal(code, tag);
        let want_too = want.clone();
        cases.push(Case::new(
            "8.1",
            &format!("{code} and a clean end arrive while the peer floods"),
            move |target| flood_while_reading(target, start.as_bytes(), &want_too),
        ));
        cases.push(Case::new(
            "8.1",
            &format!("{code} arrives when it is read only after a flood"),
            move |target| read_after_flood(target, start.as_bytes(), &want),
        ));
    }
    cases.push(Case::new(
        "5",
        "no request after an error that closes is carried out",
        nothing_runs_after_close,
    ));
    cases.push(Case::new(
        "8.1",
        "peers that disconnect at any byte don't harm others",
        disconnect_anywhere,
    ));
    cases
}

/// Frames that would be answered if the connection were open.
fn flood(target: &Target) -> Vec<u8> {
    b"STRING\nx\n".repeat(target.flood / 9)
}

fn flood_while_reading(target: &Target, start: &[u8], want: &Reply) -> Check {
    let mut peer = Peer::connect(target)?;
    let sending = peer.send_in_background([start, &flood(target)].concat(), false)?;
    peer.expect_end(std::slice::from_ref(want))?;
    // The server drains it, so all of it is sent.
    if sending.join().is_ok_and(|sent| sent) {
        Ok(())
    } else {
        Err("the flood was cut off".to_owned())
    }
}

fn read_after_flood(target: &Target, start: &[u8], want: &Reply) -> Check {
    let mut peer = Peer::connect(target)?;
    peer.send(start)?;
    // The server drains it, so all of it is sent.
    peer.send(&flood(target))?;
    peer.expect_end(std::slice::from_ref(want))
}

fn nothing_runs_after_close(target: &Target) -> Check {
    for start in ["STRING #1\nx\n!\n", "STRING #1\nx\nSTRING 3\nabcd"] {
        let mut peer = Peer::connect(target)?;
        peer.send(&[start.as_bytes(), &b"STRING #2\nx\n".repeat(50)].concat())?;
        let replies = peer.rest()?;
        if replies.len() != 2 {
            return Err(format!("{} replies instead of 2 after {start:?}", replies.len()));
        }
    }
    Ok(())
}

fn disconnect_anywhere(target: &Target) -> Check {
    let whole = b"STRING #1\nx\nCOMPLEX 5 #2\n\0\0\0\0\0\nSTRING 99 #3\nabc";
    for cut in 0..=whole.len() {
        // Dropped with its replies unread, which resets the connection.
        Peer::connect(target)?.send(&whole[..cut])?;
    }
    Peer::connect(target)?.is_alive()
}
