//! Several connections, as many as there may be, and one more (docs/PROTOCOL.md §8.5).

use std::thread;
use std::time::{Duration, Instant};

use super::{Case, Check};
use crate::peer::Peer;
use crate::target::Target;

pub(super) fn cases(target: &Target) -> Vec<Case> {
    let limit =
        target.connection_limit.ok_or("the connection limit is not known, or beyond trying");
    let limit = limit.map_err(str::to_owned);
    vec![
        Case::new("8.5", "several connections take turns", take_turns),
        Case::new("8.5", "300 connections come and go", come_and_go),
        Case::new(
            "8.5",
            "one connection too many is told so; a place given up is taken",
            one_too_many,
        )
        .needs(limit),
    ]
}

fn take_turns(target: &Target) -> Check {
    let mut peers =
        (0..target.connections).map(|_| Peer::connect(target)).collect::<Result<Vec<_>, _>>()?;
    for (at, peer) in peers.iter_mut().enumerate() {
        peer.send(format!("STRING #{at}\nhalf a").as_bytes())?;
    }
    for (at, peer) in peers.iter_mut().enumerate().rev() {
        let reply = peer.ask(b" line\n")?.to_bytes();
        if reply != format!("OK #{at}\nThank you.\n").as_bytes() {
            return Err(format!("connection {at} got {}", reply.escape_ascii()));
        }
    }
    peers.iter_mut().try_for_each(Peer::is_alive)
}

fn come_and_go(target: &Target) -> Check {
    for round in 0..300 {
        let mut peer = Peer::connect(target).map_err(|error| format!("round {round}: {error}"))?;
        peer.is_alive().map_err(|error| format!("round {round}: {error}"))?;
        match round % 3 {
            0 => {
                peer.half_close()?;
                peer.expect_end(&[]).map_err(|error| format!("round {round}: {error}"))?;
            }
            1 => peer.send(b"STRING #1\nwhose reply nobody reads\n")?,
            _ => {}
        }
    }
    Ok(())
}

fn one_too_many(target: &Target) -> Check {
    let limit = target.connection_limit.expect("checked before");
    let mut peers = (0..limit).map(|_| Peer::connect(target)).collect::<Result<Vec<_>, _>>()?;
    for _ in 0..3 {
        told_busy(target)?;
    }
    let mut leaver = peers.pop().expect("a limit of at least one");
    leaver.half_close()?;
    leaver.expect_end(&[])?;
    Peer::connect(target)?;
    peers.iter_mut().try_for_each(Peer::is_alive)
}

/// Exactly `busy`, and the end. Where that has one place alone, the one told before may not have left it: then it ends without a word,
/// and is tried again.
fn told_busy(target: &Target) -> Check {
    let deadline = Instant::now() + target.patience;
    loop {
        let bytes = Peer::connect_once(target)?.bytes_to_the_end()?;
        match bytes.as_slice() {
            b"ERR\nbusy\n" => return Ok(()),
            [] if target.lone_busy && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(20));
            }
            _ => return Err(format!("instead of `busy`: {:?}", bytes.escape_ascii().to_string())),
        }
    }
}
