//! Two real ends over a simulated stream, in simulated time, everything from one seed.
//!
//! The stream cuts, delays and holds bytes back as a lossy network under TCP does; the connection is
//! reset or falls silent; the server is stopped; clocks jump; a reader stops reading until all buffers
//! are full. Whatever happens: no handler runs twice or out of turn, a reply is its call's own, what
//! was `stopping` or `timeout` was not carried out, every call comes to something, and no
//! session outlives its deadlines.

mod ends;
mod pipe;

use linecard_suite::generate::Random;

use ends::{ClientEnd, Outcome, ServerEnd};
use pipe::Pipe;

/// Seeds in a run.
const SEEDS: u64 = 500;

/// What happens to a connection, in the middle of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Both ends learn at once that the connection is gone, and so is what was on its way.
    Reset,
    /// Nothing arrives any more, and nobody is told.
    HalfOpen,
    /// The server is told to stop.
    Stop,
    /// The client ends its direction, in the middle of what it was sending.
    HalfClose,
}

/// Names the seed of the world that a failed assertion was about.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "to see this again: LINECARD_SEED={} cargo test -p linecard-core link",
                self.0
            );
        }
    }
}

#[test]
fn two_ends_keep_their_promises_over_any_link() {
    let seeds = match std::env::var("LINECARD_SEED") {
        Ok(seed) => seed.parse().map(|seed| seed..seed + 1).expect("a number"),
        Err(_) => 0..SEEDS,
    };
    let mut answered = 0;
    for seed in seeds.clone() {
        let _named = Named(seed);
        answered += connection(seed);
    }
    assert!(answered > 5 * (seeds.end - seeds.start), "only {answered} calls were answered");
}

/// One connection, from its first byte until nothing is left of it; the calls answered.
fn connection(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let fault =
        random.pick(&[Fault::None, Fault::Reset, Fault::HalfOpen, Fault::Stop, Fault::HalfClose]);
    let fault_at = random.below(20_000) as u64;
    let jumps = random.one_in(3);
    let mut up = Pipe::new(&mut random);
    let mut down = Pipe::new(&mut random);
    let mut server = ServerEnd::new(&mut random);
    let mut client = ClientEnd::new(&mut random, fault != Fault::None);
    let mut now = 0;
    let mut struck = fault == Fault::None;
    for step in 0.. {
        assert!(step < 100_000, "it spins at {now} ms");
        if !struck && now >= fault_at {
            struck = true;
            strike(fault, now, &mut up, &mut down, &mut server, &mut client);
        }
        if jumps && random.one_in(50) {
            server.clock_ahead += random.below(700) as u64;
        }
        client.turn(now, &mut up, &mut down, &mut random);
        server.turn(now, &mut up, &mut down, &mut random);
        let due = [
            (!struck).then_some(fault_at),
            up.next_at(now),
            down.next_at(now),
            client.next_at(now),
            server.next_at(),
        ];
        match due.into_iter().flatten().min() {
            Some(at) => now = at.max(now + 1),
            None => break,
        }
    }
    assert!(server.is_over(), "a session outlives its connection");
    judge(fault, jumps, &server, &client)
}

fn strike(
    fault: Fault,
    now: u64,
    up: &mut Pipe,
    down: &mut Pipe,
    server: &mut ServerEnd,
    client: &mut ClientEnd,
) {
    match fault {
        Fault::None => {}
        Fault::Reset => {
            up.cut();
            down.cut();
            server.reset();
        }
        Fault::HalfOpen => {
            up.silence();
            down.silence();
        }
        Fault::Stop => server.stop(now),
        Fault::HalfClose => client.half_close(now, up),
    }
}

/// Holds what the client saw against what the server did.
fn judge(fault: Fault, jumps: bool, server: &ServerEnd, client: &ClientEnd) -> u64 {
    assert!(server.ran().is_sorted_by(|a, b| a < b), "out of turn, or twice: {:?}", server.ran());
    let mut answered = 0;
    for (id, call) in client.calls().iter().enumerate() {
        let ran = server.ran().contains(&id);
        match call.outcome.as_ref() {
            Some(Outcome::Answered(got)) => {
                answered += 1;
                assert_eq!(*got, call.expected, "call {id}");
                assert_eq!(ran, call.reaches_a_handler(), "call {id}");
            }
            Some(Outcome::Disconnected) => {
                assert!(!ran, "call {id} was carried out, but told not to be");
            }
            Some(Outcome::GivenUp | Outcome::Lost) => {
                let excused = fault != Fault::None || jumps || server.timed_out();
                assert!(excused, "call {id} came to nothing on a sound connection");
            }
            None => panic!("call {id} came to nothing at all"),
        }
    }
    answered
}
