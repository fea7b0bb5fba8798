//! A server's steady path allocates nothing for a request: docs/PERFORMANCE.md.

use std::alloc::System;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use linecard_demo::{Complex, Demo, table};
use linecard_std::{Config, Server};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The system's allocator, counted.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Batches of the steady state, and requests to a batch.
const BATCHES: usize = 500;
const BATCH: usize = 64;

/// Requests of a batch, and as many bytes as their replies have.
struct Exchange {
    requests: Vec<u8>,
    replies: Vec<u8>,
}

fn exchange(request: &[u8], reply_len: usize) -> Exchange {
    Exchange { requests: request.repeat(BATCH), replies: vec![0; BATCH * reply_len] }
}

fn string() -> Exchange {
    exchange(b"STRING\nAdditional data.\n", "OK\nThank you.\n".len())
}

fn complex() -> Exchange {
    let body = postcard::to_allocvec(&Complex::sample()).expect("an encoding");
    let request = [format!("COMPLEX {}\n", body.len()).as_bytes(), &body, b"\n"].concat();
    exchange(&request, "OK 87\n".len() + body.len() + 1)
}

/// The test's own side of it allocates nothing either.
fn run(tcp: &mut TcpStream, Exchange { requests, replies }: &mut Exchange) -> io::Result<()> {
    tcp.write_all(requests)?;
    tcp.read_exact(replies)?;
    assert_eq!(replies.first_chunk(), Some(b"OK"));
    Ok(())
}

/// Allocations of all threads so far.
fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// The whole program, without a test harness, whose own thread allocates now and then. And one worker,
/// because another may start late.
fn main() {
    let config = Config { workers: 1, ..Config::default() };
    let server = Server::bind("127.0.0.1:0", config).expect("a port");
    let (addr, handle) = (server.local_addr(), server.handle());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| server.run(table().bind(Demo)));
        let counted = TcpStream::connect(addr).and_then(count);
        handle.stop();
        running.join().expect("no panic").expect("a clean stop");
        let Counts { steady, parked } = counted.expect("all replies");
        assert_eq!(steady, 0, "for {} requests", 2 * BATCHES * BATCH);
        assert!(parked > 0, "what is parked is allocated, and counted");
    });
    println!("no allocation for {} requests", 2 * BATCHES * BATCH);
}

/// Allocations on the steady path, and for a request that comes in two pieces.
struct Counts {
    steady: usize,
    parked: usize,
}

fn count(mut tcp: TcpStream) -> io::Result<Counts> {
    tcp.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut steady = 0;
    for mut exchange in [string(), complex()] {
        // The first may make room that is kept.
        run(&mut tcp, &mut exchange)?;
        let before = allocations();
        for _batch in 0..BATCHES {
            run(&mut tcp, &mut exchange)?;
        }
        steady += allocations() - before;
    }
    Ok(Counts { steady, parked: count_parked(&mut tcp)? })
}

fn count_parked(tcp: &mut TcpStream) -> io::Result<usize> {
    let Exchange { requests, mut replies } = string();
    let (whole, cut) = requests.split_at(requests.len() - 5);
    let last = replies.len() / BATCH * (BATCH - 1);
    let before = allocations();
    tcp.write_all(whole)?;
    // The replies to those before it show that the cut request was read, too.
    tcp.read_exact(&mut replies[..last])?;
    tcp.write_all(cut)?;
    tcp.read_exact(&mut replies[last..])?;
    Ok(allocations() - before)
}
