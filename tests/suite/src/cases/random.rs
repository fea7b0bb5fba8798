//! Seeded streams, valid and hostile, against the oracle.

use super::{Case, Check};
use crate::generate::{Random, frame, frame_in_sync, hostile_payload, stream};
use crate::oracle::{Body, serve};
use crate::peer::Peer;
use crate::target::Target;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("5", "300 seeded streams get what the oracle says", streams),
        Case::new("5", "2,000 frames on one connection get what the oracle says", long_connection),
        Case::new("7", "3,000 hostile payloads get what the oracle says", payloads),
    ]
}

fn streams(target: &Target) -> Check {
    for seed in 1_000..1_300 {
        let bytes = stream(&mut Random::new(seed), &target.limits);
        let want = serve(&bytes, true, &target.limits);
        let mut peer = Peer::connect(target)?;
        // Sending may fail once the server has closed. The replies show whether it was right to.
        let sent = peer.send(&bytes).and_then(|()| peer.half_close());
        peer.expect_end(&want.replies)
            .map_err(|error| format!("seed {seed} (sent: {sent:?}): {error}"))?;
    }
    Ok(())
}

fn long_connection(target: &Target) -> Check {
    let mut random = Random::new(77);
    let mut peer = Peer::connect(target)?;
    for batch in 0..200 {
        let bytes: Vec<u8> =
            (0..10).flat_map(|_| frame_in_sync(&mut random, &target.limits)).collect();
        peer.send(&bytes)?;
        peer.expect(&serve(&bytes, false, &target.limits).replies)
            .map_err(|error| format!("batch {batch}: {error}"))?;
    }
    Ok(())
}

fn payloads(target: &Target) -> Check {
    let mut random = Random::new(78);
    let mut peer = Peer::connect(target)?;
    for batch in 0..100 {
        let mut hostile =
            |_| frame("COMPLEX", Some(1), &Body::Counted(hostile_payload(&mut random)));
        let bytes: Vec<u8> = (0..30).flat_map(&mut hostile).collect();
        peer.send(&bytes)?;
        peer.expect(&serve(&bytes, false, &target.limits).replies)
            .map_err(|error| format!("batch {batch}: {error}"))?;
    }
    peer.is_alive()
}
