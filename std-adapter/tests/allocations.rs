//! A server's steady path allocates nothing for a request: docs/PERFORMANCE.md.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use linecard_commands::{Complex, Demo, table};
use linecard_std::{Config, Server};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The system's allocator, counted.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Batches of the steady state, and requests to a batch.
const BATCHES: usize = 500;
const BATCH: usize = 64;

/// Requests of a batch, and as many octets as their replies have.
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
    let body = postcard::to_allocvec(&Complex::article()).expect("an encoding");
    let request = [format!("COMPLEX {}\n", body.len()).as_bytes(), &body, b"\n"].concat();
    exchange(&request, "OK 87\n".len() + body.len() + 1)
}

/// The test's own side of it allocates nothing either.
fn run(tcp: &mut TcpStream, Exchange { requests, replies }: &mut Exchange) {
    tcp.write_all(requests).expect("sent");
    tcp.read_exact(replies).expect("all replies");
    assert!(replies.starts_with(b"OK"), "refused");
}

/// Allocations of all threads so far.
fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// The one test of this program: what others allocate at the same time would be counted too.
#[test]
fn the_steady_path_allocates_nothing() {
    let server = Server::bind("127.0.0.1:0", Config::default()).expect("a port");
    let (addr, handle) = (server.local_addr(), server.handle());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| server.run(table().bind(Demo)));
        let mut tcp = TcpStream::connect(addr).expect("a connection");
        tcp.set_read_timeout(Some(Duration::from_mins(1))).expect("a time-out");
        for mut exchange in [string(), complex()] {
            // The first may make room that is kept.
            run(&mut tcp, &mut exchange);
            let before = allocations();
            (0..BATCHES).for_each(|_| run(&mut tcp, &mut exchange));
            assert_eq!(allocations() - before, 0, "for {} requests", BATCHES * BATCH);
        }
        a_cut_request_is_parked_and_counted(&mut tcp);
        drop(tcp);
        handle.stop();
        running.join().expect("no panic").expect("a clean stop");
    });
}

/// The counter counts: what is parked is allocated.
fn a_cut_request_is_parked_and_counted(tcp: &mut TcpStream) {
    let Exchange { requests, mut replies } = string();
    let (whole, cut) = requests.split_at(requests.len() - 5);
    let last = replies.len() / BATCH * (BATCH - 1);
    let before = allocations();
    tcp.write_all(whole).expect("sent");
    // The replies to those before it show that the cut request was read, too.
    tcp.read_exact(&mut replies[..last]).expect("the replies to whole requests");
    tcp.write_all(cut).expect("sent");
    tcp.read_exact(&mut replies[last..]).expect("the last");
    assert!(allocations() > before, "parking allocates");
}
