//! The load on the servers: the whole-system suite, and many seeded frames, valid and hostile.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use linecard_suite::cases::{self, Case, CaseResult};
use linecard_suite::generate::{Random, frame_in_sync, stream_end};
use linecard_suite::oracle::{Limits, serve};
use linecard_suite::peer::Peer;
use linecard_suite::target::Target;

use crate::Result;

/// Connections that the Ethernet server serves at once.
pub const CONNECTIONS: usize = 4;

/// Frames sent at once, before the first reply is read.
const BATCH: usize = 10;

/// The Ethernet server as the suite's target. Floods are small: when a peer closes, QEMU's network
/// still sends the rest of its flood to the slot, and a few of these would leave no slot free.
#[must_use]
pub fn target(addr: SocketAddr) -> Target {
    let connections = CONNECTIONS;
    Target {
        flood: 16 << 10,
        connections,
        connection_limit: Some(connections),
        single_busy: true,
        ..Target::device(addr)
    }
}

/// A part of the whole-system suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All cases that don't wait for a deadline.
    Busy,
    /// Every `of`-th case that does, beginning with number `part`. Parts may run in parallel, each
    /// on a board of its own.
    Waiting {
        /// The number of this part, from 0.
        part: usize,
        /// The number of parts.
        of: usize,
    },
}

/// Runs a part of the whole-system suite. `report` gets one line per case.
///
/// # Errors
/// The names of the cases that failed, and why.
pub fn suite(target: &Target, part: Part, mut report: impl FnMut(&str)) -> Result<()> {
    let mut failures = Vec::new();
    for case in cases_of(part, target) {
        wait_for_slots(target)?;
        let start = Instant::now();
        let mut report_case = |outcome: &str, name: &str, why: &str| {
            report(&format!("{outcome} {:5.1} s  {name} {why}", start.elapsed().as_secs_f32()));
        };
        failures.extend(cases::run(target, &[case], |case, verdict| match verdict {
            CaseResult::Passed => report_case("ok     ", &case.name, ""),
            CaseResult::Skipped(why) => report_case("skipped", &case.name, why),
            CaseResult::Failed(why) => report_case("FAILED ", &case.name, why),
        }));
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn cases_of(part: Part, target: &Target) -> Vec<Case> {
    let waiting = cases::timed(target);
    match part {
        Part::Waiting { part, of } => waiting.into_iter().skip(part).step_by(of).collect(),
        Part::Busy => {
            let waits = |case: &Case| waiting.iter().any(|other| other.name == case.name);
            cases::all(target).into_iter().filter(|case| !waits(case)).collect()
        }
    }
}

/// Waits until every slot is free again: connections of the case before may still be closing.
fn wait_for_slots(target: &Target) -> Result<()> {
    let deadline = Instant::now() + target.patience;
    loop {
        match every_slot(target) {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Sends `frames` seeded frames over several connections at once, some of which end with hostile
/// bytes. Compares each reply with the oracle's. Then every slot must still answer.
///
/// # Errors
/// A reply is wrong; the error names the seed.
pub fn frames(target: &Target, frames: usize, seed: u64) -> Result<()> {
    let share = frames.div_ceil(CONNECTIONS);
    let seeds = (0..CONNECTIONS as u64).map(|at| seed + at);
    thread::scope(|scope| {
        let senders: Vec<_> = seeds
            .map(|seed| {
                scope.spawn(move || {
                    send_frames(target, share, seed)
                        .map_err(|error| format!("seed {seed}: {error}"))
                })
            })
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().map_err(|_| "a sender panicked")?)
    })?;
    every_slot(target)
}

/// Uses one connection after the other until `frames` frames are answered.
fn send_frames(target: &Target, frames: usize, seed: u64) -> Result<()> {
    let mut random = Random::new(seed);
    let mut left = frames;
    while left > 0 {
        let mut peer = Peer::connect(target)?;
        for _ in 0..random.below(40) {
            batch(&mut peer, &mut random, &target.limits)?;
            left = left.saturating_sub(BATCH);
        }
        let last = stream_end(&mut random, &target.limits);
        let expected = serve(&last, true, &target.limits).replies;
        // Sending fails only after the server has closed. Its replies show whether it was right to.
        let sent = peer.send(&last).and_then(|()| peer.half_close());
        peer.expect_end(&expected).map_err(|error| format!("the end ({sent:?}): {error}"))?;
    }
    Ok(())
}

fn batch(peer: &mut Peer, random: &mut Random, limits: &Limits) -> Result<()> {
    let bytes: Vec<u8> = (0..BATCH).flat_map(|_| frame_in_sync(random, limits)).collect();
    peer.send(&bytes)?;
    peer.expect(&serve(&bytes, false, limits).replies)
}

/// Opens as many connections as there are slots. All of them must answer.
///
/// # Errors
/// One does not.
pub fn every_slot(target: &Target) -> Result<()> {
    let peers = (0..CONNECTIONS).map(|_| Peer::connect(target)).collect::<Result<Vec<_>>>();
    peers?.iter_mut().try_for_each(Peer::is_alive)
}

/// The same frames for a link that can't close, without hostile ends, which would take ten seconds
/// of silence each.
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

/// Sends bytes to the echo over all sockets at once, and expects them back.
///
/// # Errors
/// They don't come back.
pub fn echo(addr: SocketAddr) -> Result<()> {
    const LEN: usize = 100_000;
    let once = move || -> std::io::Result<()> {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut sender = stream.try_clone()?;
        let sending = thread::spawn(move || {
            sender.write_all(&vec![b'x'; LEN]).and_then(|()| sender.shutdown(Shutdown::Write))
        });
        let mut received = Vec::new();
        stream.read_to_end(&mut received)?;
        let sent = sending.join().is_ok_and(|sent| sent.is_ok());
        if sent && received.len() == LEN {
            Ok(())
        } else {
            Err(std::io::Error::other("lost bytes"))
        }
    };
    let senders: Vec<_> = (0..CONNECTIONS).map(|_| thread::spawn(once)).collect();
    senders.into_iter().try_for_each(|sender| match sender.join() {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("a sender panicked".into()),
    })
}
