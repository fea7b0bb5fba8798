//! A server allocates nothing for a request that arrives whole: docs/PERFORMANCE.md.

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

/// Batches that are counted, and requests in a batch.
const BATCHES: usize = 500;
const BATCH: usize = 64;

/// The requests of a batch, and a buffer for their replies.
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

/// Sends a batch and reads its replies, without an allocation.
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

/// Without a test harness, whose own thread allocates now and then. With one worker, because
/// another may start late.
fn main() {
    let config = Config { workers: 1, ..Config::default() };
    let server = Server::bind("127.0.0.1:0", config).expect("a port");
    let (addr, handle) = (server.local_addr(), server.handle());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| server.run(table().bind(Demo)));
        let counted = TcpStream::connect(addr).and_then(count);
        handle.stop();
        running.join().expect("no panic").expect("a clean stop");
        let Counts { whole, cut } = counted.expect("all replies");
        assert_eq!(whole, 0, "for {} requests", 2 * BATCHES * BATCH);
        assert!(cut > 0, "what is buffered is allocated, and counted");
    });
    println!("no allocation for {} requests", 2 * BATCHES * BATCH);
}

/// Allocations for requests that arrive whole, and for one that arrives in two pieces.
struct Counts {
    whole: usize,
    cut: usize,
}

fn count(mut tcp: TcpStream) -> io::Result<Counts> {
    tcp.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut whole = 0;
    for mut exchange in [string(), complex()] {
        // The first batch may allocate what is kept.
        run(&mut tcp, &mut exchange)?;
        let before = allocations();
        for _batch in 0..BATCHES {
            run(&mut tcp, &mut exchange)?;
        }
        whole += allocations() - before;
    }
    Ok(Counts { whole, cut: count_cut(&mut tcp)? })
}

fn count_cut(tcp: &mut TcpStream) -> io::Result<usize> {
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
