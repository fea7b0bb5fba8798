//! A real server and a real client over a simulated stream, in simulated time, all from one seed.
//!
//! The stream cuts and delays bytes as TCP over a lossy network does. The connection is reset or
//! goes silent; the server is stopped; its clock jumps; the client stops reading until all buffers
//! are full. In every case:
//! - no handler runs twice or out of order;
//! - each call gets its own reply, or none;
//! - a call that was answered `stopping` or `timeout` was not carried out;
//! - every call ends, and no session outlives its deadlines.

mod async_end;
mod ends;
mod pipe;

use linecard_suite::generate::Random;

use async_end::AsyncEnd;
use ends::{ClientEnd, Outcome, RecordingService, ServerEnd};
use pipe::Pipe;

/// Seeds in a run.
const SEEDS: u64 = 500;

/// A server's end: the session itself, or behind a front.
trait Server {
    fn new(random: &mut Random) -> Self;

    /// Does all that can be done at `now`.
    fn run(&mut self, now: u64, up: &mut Pipe, down: &mut Pipe, random: &mut Random);

    /// When it wants to run even if nothing is received.
    fn next_at(&self) -> Option<u64>;

    fn service(&self) -> &RecordingService;

    fn is_over(&self) -> bool;

    /// It learns that the connection is gone.
    fn reset(&mut self);

    fn stop(&mut self, now: u64);

    /// Its clock jumps by so many milliseconds.
    fn set_clock_ahead(&mut self, by: u64);
}

/// What goes wrong during a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Both ends learn at once that the connection is gone. Bytes in flight are lost.
    Reset,
    /// Nothing arrives any more, and neither end is notified.
    HalfOpen,
    /// The server stops.
    Stop,
    /// The client closes its direction in the middle of what it was sending.
    HalfClose,
}

/// Prints the seed when an assertion fails.
struct SeedOnPanic(u64);

impl Drop for SeedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "to run this again: LINECARD_SEED={} cargo test -p linecard-core link",
                self.0
            );
        }
    }
}

#[test]
fn server_and_client_keep_the_protocol_over_any_link() {
    over_all_seeds(connection::<ServerEnd>);
}

#[test]
fn the_async_front_keeps_the_protocol_over_any_link() {
    over_all_seeds(connection::<AsyncEnd>);
}

fn over_all_seeds(connection: fn(u64) -> u64) {
    let seeds = match std::env::var("LINECARD_SEED") {
        Ok(seed) => seed.parse().map(|seed| seed..seed + 1).expect("a number"),
        Err(_) => 0..SEEDS,
    };
    let mut answered = 0;
    for seed in seeds.clone() {
        let _on_panic = SeedOnPanic(seed);
        answered += connection(seed);
    }
    assert!(answered > 5 * (seeds.end - seeds.start), "only {answered} calls were answered");
}

/// Runs one connection to its end. Returns how many calls were answered.
fn connection<S: Server>(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let fault =
        random.pick(&[Fault::None, Fault::Reset, Fault::HalfOpen, Fault::Stop, Fault::HalfClose]);
    let fault_at = random.below(20_000) as u64;
    let jumps = random.one_in(3);
    let mut up = Pipe::new(&mut random);
    let mut down = Pipe::new(&mut random);
    let mut server = S::new(&mut random);
    let mut client = ClientEnd::new(&mut random, fault != Fault::None);
    let mut now = 0;
    let mut injected = fault == Fault::None;
    for step in 0.. {
        assert!(step < 100_000, "it loops without end at {now} ms");
        if !injected && now >= fault_at {
            injected = true;
            inject(fault, now, &mut up, &mut down, &mut server, &mut client);
        }
        if jumps && random.one_in(50) {
            server.set_clock_ahead(random.below(700) as u64);
        }
        client.run(now, &mut up, &mut down, &mut random);
        server.run(now, &mut up, &mut down, &mut random);
        let next = [
            (!injected).then_some(fault_at),
            up.next_at(now),
            down.next_at(now),
            client.next_at(now),
            server.next_at(),
        ];
        match next.into_iter().flatten().min() {
            Some(at) => now = at.max(now + 1),
            None => break,
        }
    }
    assert!(server.is_over(), "a session outlives its connection");
    check(fault, jumps, &server, &client)
}

fn inject(
    fault: Fault,
    now: u64,
    up: &mut Pipe,
    down: &mut Pipe,
    server: &mut impl Server,
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

/// Compares what the client saw with what the server did.
fn check(fault: Fault, jumps: bool, server: &impl Server, client: &ClientEnd) -> u64 {
    let RecordingService { ran, timed_out } = server.service();
    assert!(ran.is_sorted_by(|a, b| a < b), "out of order, or twice: {ran:?}");
    let mut answered = 0;
    for (id, call) in client.calls().iter().enumerate() {
        let ran = ran.contains(&id);
        match call.outcome.as_ref() {
            Some(Outcome::Answered(got)) => {
                answered += 1;
                assert_eq!(*got, call.expected, "call {id}");
                assert_eq!(ran, call.reaches_a_handler(), "call {id}");
            }
            Some(Outcome::Disconnected) => {
                assert!(!ran, "call {id} was carried out after all");
            }
            Some(Outcome::TimedOut | Outcome::Lost) => {
                let is_expected = fault != Fault::None || jumps || *timed_out;
                assert!(is_expected, "call {id} got no reply on a sound connection");
            }
            None => panic!("call {id} never ended"),
        }
    }
    answered
}
