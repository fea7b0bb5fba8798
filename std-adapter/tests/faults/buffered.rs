//! Peers that make the server buffer: frames begun and never finished, replies never read.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use linecard_suite::peer::Peer;
use socket2::SockRef;

use crate::support::{App, Running, bytes, nothing_left};

const KIB: usize = 1_024;

/// A sixteenth of the default budget, and more frames of 64 KiB than it takes, on each of two
/// workers.
const BUDGET: usize = 4 * KIB * KIB;
const LARGE_COUNT: u64 = 70;

/// Begins a frame of 64 KiB. The server may reset it before all is written.
fn begin_large_frame(mut stream: &TcpStream) {
    let frame = [b"ECHO 65536\n".as_slice(), &vec![b'x'; 65_000]].concat();
    let _written = stream.write_all(&frame);
}

/// A request of 20 KB is sent in two pieces by each of them. The second pieces follow when the
/// server has read all first ones.
fn send_in_two_pieces<'p>(server: &Running, peers: impl IntoIterator<Item = &'p mut Peer>) {
    let mut peers: Vec<_> = peers.into_iter().collect();
    let body = vec![b'y'; 20_000];
    let request = [b"ECHO 20000 #7\n".as_slice(), &body, b"\n"].concat();
    let (first, second) = request.split_at(10_000);
    let bytes_in = server.handle.counters().bytes_in + (peers.len() * first.len()) as u64;
    peers.iter_mut().for_each(|peer| peer.send(first).expect("sent"));
    server.until("first pieces read", |counters| counters.bytes_in >= bytes_in);
    for peer in peers {
        peer.send(second).expect("sent");
        peer.expect(&[bytes(&body, Some(7))]).expect("an answer");
    }
}

fn is_reset(mut stream: &TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn the_connections_that_buffer_most_are_reset() {
    let server = Running::start(App::new().0, 2, |config| config.buffer_budget = BUDGET);
    let large: Vec<TcpStream> = (0..LARGE_COUNT).map(|_| server.stream()).collect();
    large.iter().for_each(begin_large_frame);
    server.until("budget used", |counters| counters.resets > 0);
    for _ in 0..50 {
        send_in_two_pieces(&server, [&mut server.peer()]);
        assert!(server.handle.counters().buffered <= 2 * BUDGET);
    }
    let reset = large.iter().filter(|stream| {
        stream.set_read_timeout(Some(Duration::from_millis(1))).expect("a socket option");
        is_reset(stream)
    });
    assert_eq!(reset.count() as u64, server.handle.counters().resets, "large ones alone");
    drop(large);
    server.until("all given back", nothing_left);
    server.stop();
}

/// A worker within its share of the budget takes more, whatever the others hold.
#[test]
fn connections_of_one_worker_dont_use_up_the_share_of_another() {
    let server = Running::start(App::new().0, 2, |config| config.buffer_budget = BUDGET);
    // Connections are dealt to the workers in turn.
    let (large, mut small): (Vec<_>, Vec<_>) =
        (0..LARGE_COUNT).map(|_| (server.stream(), server.peer())).unzip();
    large.iter().for_each(begin_large_frame);
    server.until("budget used", |counters| counters.resets > 0);
    send_in_two_pieces(&server, &mut small);
    drop((large, small));
    server.until("all given back", nothing_left);
    server.stop();
}

/// Bytes that the system keeps for a peer: written to the socket and not acknowledged.
#[cfg(target_os = "linux")]
fn unacknowledged_by(peer: &TcpStream) -> usize {
    let server = peer.peer_addr().expect("an address").port();
    let peer = peer.local_addr().expect("an address").port();
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the system's table");
    let queues = table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[_, local, remote, _, queues, ..] = fields.as_slice() else { return None };
        let ends = [(local, server), (remote, peer)];
        ends.iter().all(|(end, port)| end.ends_with(&format!(":{port:04X}"))).then_some(queues)
    });
    let (unsent, _) = queues.expect("the connection").split_once(':').expect("two queues");
    usize::from_str_radix(unsent, 16).expect("a number")
}

/// Without a limit of ours the system would take megabytes for each.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_never_reads_costs_a_bounded_amount() {
    let server = Running::start(App::new().0, 1, |_| ());
    let mut silent = server.stream();
    silent.set_write_timeout(Some(Duration::from_millis(500))).expect("a socket option");
    let request = [b"ECHO 4096\n".as_slice(), &[b'x'; 4_096], b"\n"].concat();
    while silent.write_all(&request).is_ok() {}
    let counters = server.handle.counters();
    assert!(counters.buffered > 0, "backpressure: {counters:?}");
    assert!(counters.buffered <= 512 * KIB, "{counters:?}");
    let unsent = unacknowledged_by(&silent);
    assert!((1..=256 * KIB).contains(&unsent), "{unsent} bytes in the system");
    drop(silent);
    server.until("all given back", nothing_left);
    server.stop();
}

#[test]
fn a_peer_that_takes_little_at_a_time_gets_all_of_it() {
    let server = Running::start(App::new().0, 1, |_| ());
    let mut slow = server.stream();
    SockRef::from(&slow).set_recv_buffer_size(1).expect("the smallest there is");
    let body: Vec<u8> = (0..60_000_u32).flat_map(u32::to_le_bytes).take(60_000).collect();
    let request = [b"ECHO 60000\n".as_slice(), &body, b"\n"].concat();
    let mut sending = slow.try_clone().expect("a socket");
    let requests = request.repeat(2);
    let sent = thread::spawn(move || sending.write_all(&requests));
    let want = [b"OK 60000\n".as_slice(), &body, b"\n"].concat().repeat(2);
    let mut got = vec![0; want.len()];
    for piece in got.chunks_mut(700) {
        slow.read_exact(piece).expect("the next piece");
    }
    assert!(got == want, "the same, byte for byte");
    sent.join().expect("no panic").expect("all sent");
    drop(slow);
    server.until("all given back", nothing_left);
    server.stop();
}
