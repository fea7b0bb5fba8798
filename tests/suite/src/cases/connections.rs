//! Several connections, the most that are served, and one more (docs/PROTOCOL.md §8.5).

use std::thread;
use std::time::{Duration, Instant};

use super::{Case, Check};
use crate::peer::Peer;
use crate::target::Target;

pub(super) fn cases(target: &Target) -> Vec<Case> {
    let limit = target.connection_limit.ok_or("the connection limit is unknown or too high to try");
    let limit = limit.map_err(str::to_owned);
    vec![
        Case::new("8.5", "interleaved requests on several connections", interleaved),
        Case::new("8.5", "300 connections come and go", come_and_go),
        Case::new(
            "8.5",
            "one connection too many gets busy; after a close, a new one is served",
            one_too_many,
        )
        .needs(limit),
    ]
}

fn interleaved(target: &Target) -> Check {
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
            1 => peer.send(b"STRING #1\nwhose reply is not read\n")?,
            _ => {}
        }
    }
    Ok(())
}

fn one_too_many(target: &Target) -> Check {
    let limit = target.connection_limit.expect("checked before");
    let mut peers = (0..limit).map(|_| Peer::connect(target)).collect::<Result<Vec<_>, _>>()?;
    for _ in 0..3 {
        gets_busy(target)?;
    }
    let mut closing = peers.pop().expect("a limit of at least one");
    closing.half_close()?;
    closing.expect_end(&[])?;
    Peer::connect(target)?;
    peers.iter_mut().try_for_each(Peer::is_alive)
}

/// Checks that a connection gets exactly `busy` and the end. A server that sends `busy` to one
/// connection at a time may close this one without a reply; then another is tried.
fn gets_busy(target: &Target) -> Check {
    let deadline = Instant::now() + target.patience;
    loop {
        let bytes = Peer::connect_once(target)?.bytes_to_the_end()?;
        match bytes.as_slice() {
            b"ERR\nbusy\n" => return Ok(()),
            [] if target.single_busy && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(20));
            }
            _ => return Err(format!("instead of `busy`: {:?}", bytes.escape_ascii().to_string())),
        }
    }
}
