//! Peers that hoard: frames begun and never finished, replies never read.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::support::{App, Running, bytes, nothing_left};

const KIB: usize = 1_024;

fn is_reset(mut stream: &TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn a_fair_share_for_each_even_when_one_has_taken_all() {
    let server = Running::start(App::new().0, 1, |config| {
        config.parked_budget = 8 * KIB;
        config.max_connections = 2;
    });
    let mut hog = server.stream();
    hog.write_all(&[b"ECHO 65000\n".as_slice(), &[b'x'; 7 * KIB]].concat()).expect("sent");
    server.until("taken", |counters| counters.parked >= 7 * KIB);
    let mut small = server.peer();
    let body = [b'y'; 4_000];
    small.send(b"ECHO 4000 #7\n").expect("sent");
    for piece in body.chunks(500) {
        small.send(piece).expect("sent");
        thread::sleep(Duration::from_millis(5));
    }
    small.send(b"\n").expect("sent");
    small.expect(&[bytes(&body, Some(7))]).expect("answered beside the hog");
    drop(hog);
    server.until("given back", |counters| counters.parked == 0);
    server.stop();
}

#[test]
fn hogs_are_reset() {
    const BUDGET: usize = 256 * KIB;
    let server = Running::start(App::new().0, 2, |config| {
        config.parked_budget = BUDGET;
        config.max_connections = 64;
    });
    let hogs: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut hog = server.stream();
            let frame = [b"ECHO 65000\n".as_slice(), &vec![b'x'; 60 * KIB]].concat();
            // It may be reset before all is written.
            let _taken = hog.write_all(&frame);
            hog
        })
        .collect();
    server.until("a hog reset", |counters| counters.resets >= 4);
    // 4 KiB each is fair: beside the hogs, frames within it arrive in pieces and are answered.
    let body = [b'y'; 3 * KIB];
    for _ in 0..50 {
        let mut small = server.peer();
        small.send(b"ECHO 3072 #7\n").expect("sent");
        for piece in body.chunks(KIB) {
            small.send(piece).expect("sent");
            assert!(server.handle.counters().parked <= 2 * BUDGET);
        }
        small.send(b"\n").expect("sent");
        small.expect(&[bytes(&body, Some(7))]).expect("answered beside the hogs");
    }
    let reset = hogs.iter().filter(|hog| {
        hog.set_read_timeout(Some(Duration::from_millis(1))).expect("a socket");
        is_reset(hog)
    });
    assert_eq!(reset.count() as u64, server.handle.counters().resets);
    drop(hogs);
    server.until("all given back", nothing_left);
    server.stop();
}

/// Bytes that the kernel keeps for a peer: written to the socket at its other end, and not taken.
#[cfg(target_os = "linux")]
fn unacknowledged_by(peer: &TcpStream) -> usize {
    let server = peer.peer_addr().expect("an address").port();
    let peer = peer.local_addr().expect("an address").port();
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
    let queues = table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[_, local, remote, _, queues, ..] = fields.as_slice() else { return None };
        let ends = [(local, server), (remote, peer)];
        ends.iter().all(|(end, port)| end.ends_with(&format!(":{port:04X}"))).then_some(queues)
    });
    let (unsent, _) = queues.expect("the connection").split_once(':').expect("two queues");
    usize::from_str_radix(unsent, 16).expect("a number")
}

/// Without a bound of its own the kernel would take megabytes for each.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_never_reads_costs_a_bounded_amount() {
    let server = Running::start(App::new().0, 1, |_| ());
    let mut deaf = server.stream();
    deaf.set_write_timeout(Some(Duration::from_millis(500))).expect("a socket");
    let request = [b"ECHO 4096\n".as_slice(), &[b'x'; 4_096], b"\n"].concat();
    while deaf.write_all(&request).is_ok() {}
    let counters = server.handle.counters();
    assert!(counters.parked > 0, "backpressure: {counters:?}");
    assert!(counters.parked <= 512 * KIB, "{counters:?}");
    let unsent = unacknowledged_by(&deaf);
    assert!((1..=256 * KIB).contains(&unsent), "{unsent} bytes in the kernel");
    drop(deaf);
    server.until("all given back", nothing_left);
    server.stop();
}

#[test]
fn a_peer_that_takes_little_at_a_time_gets_all_of_it() {
    let server = Running::start(App::new().0, 1, |_| ());
    let mut thin = server.stream();
    SockRef::from(&thin).set_recv_buffer_size(1).expect("the smallest there is");
    let body: Vec<u8> = (0..60_000_u32).flat_map(u32::to_le_bytes).take(60_000).collect();
    let request = [b"ECHO 60000\n".as_slice(), &body, b"\n"].concat();
    let mut sending = thin.try_clone().expect("a socket");
    let requests = request.repeat(2);
    let sent = thread::spawn(move || sending.write_all(&requests));
    let want = [b"OK 60000\n".as_slice(), &body, b"\n"].concat().repeat(2);
    let mut got = vec![0; want.len()];
    for piece in got.chunks_mut(700) {
        thin.read_exact(piece).expect("the next piece");
    }
    assert!(got == want, "the same, byte for byte");
    sent.join().expect("no panic").expect("all sent");
    drop(thin);
    server.until("all given back", nothing_left);
    server.stop();
}
