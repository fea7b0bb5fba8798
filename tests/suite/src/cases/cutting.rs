//! How the input is cut into pieces never changes the replies (docs/PROTOCOL.md §2.5).

use super::{Case, Check};
use crate::generate::{Random, stream};
use crate::oracle::{Outcome, serve};
use crate::peer::Peer;
use crate::target::Target;

/// Frames of every kind, short enough to be cut at every byte.
const FRAMES: &[u8] = b"STRING\nAdditional data.\nSTRING #1\r\nhi\r\n\
    STRING 7 #2\na\nb\r\n\r\n\nFROB 3 #3\nabc\n\
    COMPLEX 5 #4\n\x00\x00\x00\x00\x00\nCOMPLEX #5\nline\nCOMPLEX 6 #6\n\x00\x00\x00\x00\x00\n\n\
    STRING 0\n\nSTRING\n\n\
    COMPLEX 12 #7\n\x02\x02\n\x01\x01\n\x04\x02\r\n\x00\xff\nSTRING #8\n\r\r\n";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("2.5", "the frames cut in two at every byte", at_every_byte),
        Case::new("2.5", "the frames byte by byte", byte_by_byte),
        Case::new("2.5", "seeded streams in seeded pieces", in_seeded_pieces),
    ]
}

fn at_every_byte(target: &Target) -> Check {
    let (mut peer, mut other) = (Peer::connect(target)?, Peer::connect(target)?);
    let want = serve(FRAMES, false, &target.limits).replies;
    for cut in 1..FRAMES.len() {
        let attempt = |peer: &mut Peer, other: &mut Peer| {
            peer.send(&FRAMES[..cut])?;
            other.is_alive()?;
            peer.send(&FRAMES[cut..])?;
            peer.expect(&want)
        };
        attempt(&mut peer, &mut other).map_err(|error| format!("cut at {cut}: {error}"))?;
    }
    peer.is_alive()
}

fn byte_by_byte(target: &Target) -> Check {
    let (mut peer, mut other) = (Peer::connect(target)?, Peer::connect(target)?);
    for byte in FRAMES {
        peer.send(&[*byte])?;
        // After a round trip on another connection the server has read this byte alone.
        other.is_alive()?;
    }
    peer.expect(&serve(FRAMES, false, &target.limits).replies)?;
    peer.is_alive()
}

fn in_seeded_pieces(target: &Target) -> Check {
    for seed in 0..50 {
        let mut random = Random::new(seed);
        let bytes = stream(&mut random, &target.limits);
        let Outcome { replies, .. } = serve(&bytes, true, &target.limits);
        let mut peer = Peer::connect(target)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let max = random.pick(&[3, 60, 2_000]);
            let (piece, after) = rest.split_at(rest.len().min(1 + random.below(max)));
            // The server may have closed already.
            if peer.send(piece).is_err() {
                break;
            }
            rest = after;
        }
        let ended = peer.half_close();
        peer.expect_end(&replies).map_err(|error| format!("seed {seed} ({ended:?}): {error}"))?;
    }
    Ok(())
}
