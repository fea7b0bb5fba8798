//! The reply before a close arrives, whatever is still on its way (docs/PROTOCOL.md §8.1).

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
        let beside = want.clone();
        cases.push(Case::new(
            "8.1",
            &format!("{code} arrives, and a clean end, with a flood behind it"),
            move |target| flood_beside(target, start.as_bytes(), &beside),
        ));
        cases.push(Case::new(
            "8.1",
            &format!("{code} arrives although it is read only after the flood"),
            move |target| flood_first(target, start.as_bytes(), &want),
        ));
    }
    cases.push(Case::new(
        "5",
        "nothing behind an error that closes is carried out",
        nothing_behind,
    ));
    cases.push(Case::new(
        "8.1",
        "a peer that leaves in the middle of anything hurts nobody",
        leaves,
    ));
    cases
}

/// Frames that would be answered, if they were read as such.
fn flood(target: &Target) -> Vec<u8> {
    b"STRING\nx\n".repeat(target.flood / 9)
}

fn flood_beside(target: &Target, start: &[u8], want: &Reply) -> Check {
    let mut peer = Peer::connect(target)?;
    let sending = peer.send_beside([start, &flood(target)].concat(), false)?;
    peer.expect_end(std::slice::from_ref(want))?;
    // It is drained, so all of it is taken.
    if sending.join().is_ok_and(|sent| sent) {
        Ok(())
    } else {
        Err("the flood broke off".to_owned())
    }
}

fn flood_first(target: &Target, start: &[u8], want: &Reply) -> Check {
    let mut peer = Peer::connect(target)?;
    peer.send(start)?;
    // It is drained, so all of it is taken.
    peer.send(&flood(target))?;
    peer.expect_end(std::slice::from_ref(want))
}

fn nothing_behind(target: &Target) -> Check {
    for start in ["STRING #1\nx\n!\n", "STRING #1\nx\nSTRING 3\nabcd"] {
        let mut peer = Peer::connect(target)?;
        peer.send(&[start.as_bytes(), &b"STRING #2\nx\n".repeat(50)].concat())?;
        let replies = peer.rest()?;
        if replies.len() != 2 {
            return Err(format!("{} replies instead of 2 behind {start:?}", replies.len()));
        }
    }
    Ok(())
}

fn leaves(target: &Target) -> Check {
    let whole = b"STRING #1\nx\nCOMPLEX 5 #2\n\0\0\0\0\0\nSTRING 99 #3\nabc";
    for cut in 0..=whole.len() {
        // Dropped with its replies unread, which resets the connection.
        Peer::connect(target)?.send(&whole[..cut])?;
    }
    Peer::connect(target)?.is_alive()
}
