//! Many requests in flight (docs/PROTOCOL.md §2.5, §8.2 and §8.4).

use std::time::Duration;

use super::{Case, Check};
use crate::generate::{Random, complex, frame};
use crate::oracle::complex::Complex;
use crate::oracle::{Body, Reply, serve};
use crate::peer::Peer;
use crate::target::Target;

/// No server may buffer that much for a peer that doesn't read.
const MORE_THAN_ANY_QUEUE: usize = 256 << 20;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("2.5", "500 requests in one write are answered in order", in_one_write),
        Case::new("8.2", "pending replies arrive after a half-close", after_half_close),
        Case::new(
            "8.2",
            "a frame truncated by the end gets no reply, those before it do",
            truncated,
        ),
        Case::new(
            "8.4",
            "a peer that doesn't read delays only itself, and loses nothing",
            |target| slow_reader(target, Duration::from_millis(500)),
        ),
        Case::new("9.2", "seeded values are returned unchanged", values_are_returned),
    ]
}

fn requests(count: u32) -> Vec<u8> {
    let mut random = Random::new(6);
    let request = |tag: u32| match tag % 4 {
        0 => frame("STRING", Some(tag), &Body::of_text(random.text(60).as_bytes())),
        1 | 2 => frame("COMPLEX", Some(tag), &Body::Counted(complex(&mut random).encode())),
        _ => frame("FROB", Some(tag), &Body::Line(b"x".to_vec())),
    };
    (0..count).flat_map(request).collect()
}

fn in_one_write(target: &Target) -> Check {
    let bytes = requests(500);
    let want = serve(&bytes, false, &target.limits).replies;
    let mut peer = Peer::connect(target)?;
    peer.send_in_background(bytes, false)?;
    peer.expect(&want)?;
    peer.is_alive()
}

fn after_half_close(target: &Target) -> Check {
    let bytes = requests(500);
    let want = serve(&bytes, true, &target.limits).replies;
    let mut peer = Peer::connect(target)?;
    peer.send_in_background(bytes, true)?;
    peer.expect_end(&want)
}

fn truncated(target: &Target) -> Check {
    let last = frame("COMPLEX", Some(9), &Body::Counted(Complex::default().encode()));
    for cut in 0..=last.len() {
        let bytes = [&requests(3), &last[..cut]].concat();
        let want = serve(&bytes, true, &target.limits).replies;
        let mut peer = Peer::connect(target)?;
        peer.send(&bytes)?;
        peer.half_close()?;
        peer.expect_end(&want).map_err(|error| format!("cut after {cut} bytes: {error}"))?;
    }
    Ok(())
}

/// While the server waits for the peer to read, the frame deadline and the idle timeout are paused.
pub(super) fn timed(target: &Target) -> Vec<Case> {
    let name = "a peer that reads only after its deadlines still gets its replies";
    let check = |target: &Target| {
        let idle = target.idle_timeout().unwrap_or_default();
        slow_reader(target, target.frame_deadline()?.max(idle).mul_f64(1.5))
    };
    vec![Case::new("8.3", name, check).needs(target.frame_deadline())]
}

/// Reads nothing until the server has taken no more bytes for `pause`, and then everything.
fn slow_reader(target: &Target, pause: Duration) -> Check {
    let longest = Complex { s: "s".repeat(64), p: vec![10; 64], ..Complex::default() };
    let request = |tag: u32| frame("COMPLEX", Some(tag), &Body::Counted(longest.encode()));
    let mut peer = Peer::connect(target)?;
    let (mut sent, mut tags) = (0, 0);
    let unsent = loop {
        let batch: Vec<u8> = (tags..tags + 1_000).flat_map(request).collect();
        tags += 1_000;
        let taken = peer.send_until_blocked(&batch, pause)?;
        sent += taken;
        if taken < batch.len() {
            break batch[taken..].to_vec();
        }
        if sent > MORE_THAN_ANY_QUEUE {
            return Err(format!("{sent} bytes were taken while no reply was read"));
        }
    };
    Peer::connect(target)?.is_alive().map_err(|error| format!("another connection: {error}"))?;
    peer.send_in_background(unsent, true)?;
    let result = Ok(Body::Counted(longest.encode()));
    for tag in 0..tags {
        let want = Reply { tag: Some(tag), result: result.clone() };
        peer.expect(&[want]).map_err(|error| format!("reply {tag} of {tags}: {error}"))?;
    }
    peer.expect_end(&[])
}

fn values_are_returned(target: &Target) -> Check {
    let mut peer = Peer::connect(target)?;
    for seed in 0..200 {
        let value = complex(&mut Random::new(seed));
        let body = Body::Counted(value.encode());
        let want = Reply { tag: Some(7), result: Ok(body.clone()) };
        peer.send(&frame("COMPLEX", Some(7), &body))?;
        peer.expect(&[want]).map_err(|error| format!("seed {seed}: {error}"))?;
    }
    Ok(())
}
