//! What the servers are put under: the whole-system suite, and many seeded frames, good and hostile.

use std::net::SocketAddr;
use std::thread;

use linecard_suite::cases::{self, Verdict};
use linecard_suite::generate::{Random, frame_in_sync, last_words};
use linecard_suite::oracle::{Limits, serve};
use linecard_suite::peer::Peer;
use linecard_suite::target::Target;

use crate::Result;

/// Connections that the Ethernet server serves at once.
pub const CONNECTIONS: usize = 4;

/// Frames sent at once, before the first reply is read.
const BATCH: usize = 10;

/// The Ethernet server as the suite should see it.
#[must_use]
pub fn target(addr: SocketAddr) -> Target {
    Target::device(addr)
}

/// Runs the whole-system suite; `report` gets a line for each case.
///
/// # Errors
/// Cases fail; their names and why.
pub fn suite(target: &Target, mut report: impl FnMut(&str)) -> Result<()> {
    let failures = cases::run(target, &cases::all(target), |case, verdict| match verdict {
        Verdict::Passed => report(&format!("ok       {}", case.name)),
        Verdict::Skipped(why) => report(&format!("skipped  {}: {why}", case.name)),
        Verdict::Failed(why) => report(&format!("FAILED   {}: {why}", case.name)),
    });
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// Sends `frames` seeded frames over several connections at once, a hostile end to a connection among them now and then; each reply is
/// compared with what the oracle says. Then every slot still answers.
///
/// # Errors
/// A reply is not as it should be; with the seed that shows it again.
pub fn frames(target: &Target, frames: usize, seed: u64) -> Result<()> {
    let share = frames.div_ceil(CONNECTIONS);
    let seeds = (0..CONNECTIONS as u64).map(|at| seed + at);
    thread::scope(|scope| {
        let senders: Vec<_> = seeds
            .map(|seed| {
                scope.spawn(move || {
                    many(target, share, seed).map_err(|error| format!("seed {seed}: {error}"))
                })
            })
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().map_err(|_| "a sender panicked")?)
    })?;
    every_slot(target)
}

/// One connection after the other, until `frames` frames are answered.
fn many(target: &Target, frames: usize, seed: u64) -> Result<()> {
    let mut random = Random::new(seed);
    let mut left = frames;
    while left > 0 {
        let mut peer = Peer::connect(target)?;
        for _ in 0..random.below(40) {
            batch(&mut peer, &mut random, &target.limits)?;
            left = left.saturating_sub(BATCH);
        }
        let last = last_words(&mut random, &target.limits);
        let want = serve(&last, true, &target.limits).replies;
        // Sending fails only once the server has closed; then its replies say whether it may have.
        let sent = peer.send(&last).and_then(|()| peer.half_close());
        peer.expect_end(&want).map_err(|error| format!("the end ({sent:?}): {error}"))?;
    }
    Ok(())
}

fn batch(peer: &mut Peer, random: &mut Random, limits: &Limits) -> Result<()> {
    let octets: Vec<u8> = (0..BATCH).flat_map(|_| frame_in_sync(random, limits)).collect();
    peer.send(&octets)?;
    peer.expect(&serve(&octets, false, limits).replies)
}

/// As many connections as there are slots, all open, all answer.
///
/// # Errors
/// One doesn't.
pub fn every_slot(target: &Target) -> Result<()> {
    let peers = (0..CONNECTIONS).map(|_| Peer::connect(target)).collect::<Result<Vec<_>>>();
    peers?.iter_mut().try_for_each(Peer::is_alive)
}

/// The same frames for a link that can't close: no hostile ends, which would cost ten seconds of silence each.
///
/// # Errors
/// As for [`frames`].
pub fn frames_on_a_link(target: &Target, frames: usize, seed: u64) -> Result<()> {
    let mut random = Random::new(seed);
    let mut peer = Peer::connect(target)?;
    for _ in 0..frames / BATCH {
        batch(&mut peer, &mut random, &target.limits)
            .map_err(|error| format!("seed {seed}: {error}"))?;
    }
    peer.is_alive()
}
