//! Large frames: however they are cut, and however little of them has come.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use crate::support::{App, Running, nothing_left};

const KIB: usize = 1_024;

/// Lengths of bodies: below, about and above what is read at one time.
const LENS: [usize; 8] = [60_000, 5_000, 60_000, 65_510, 1, 65_536, 150_000, 500_000];

/// Bytes that show where they come from, without LF.
fn body(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'0' + (state >> 24) as u8 % 64
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Requests of all lengths, counted or lines, and their replies.
fn exchange(counted: bool) -> (Vec<u8>, Vec<u8>) {
    let (mut requests, mut replies) = (Vec::new(), Vec::new());
    for (seed, len) in (0..).zip(LENS) {
        let body = body(len, seed);
        let head = if counted { format!("ECHO {len}\n") } else { "ECHO\n".to_owned() };
        requests.extend([head.as_bytes(), &body, b"\n"].concat());
        replies.extend([format!("OK {len}\n").as_bytes(), &body, b"\n"].concat());
    }
    (requests, replies)
}

fn large(config: &mut linecard_std::Config) {
    config.limits.max_body_len = 1 << 20;
    config.limits.max_reply_len = 1 << 20;
}

/// Sends in pieces, each once the server has read the one before, and reads all replies meanwhile.
fn send_in_pieces(server: &Running, requests: &[u8], len: usize) -> Vec<u8> {
    let mut stream = server.stream();
    stream.set_nodelay(true).expect("a socket option");
    let mut reading = stream.try_clone().expect("a socket");
    let read = thread::spawn(move || {
        let mut got = Vec::new();
        reading.read_to_end(&mut got).map(|_| got)
    });
    for piece in requests.chunks(len) {
        let before = server.handle.counters().bytes_in;
        stream.write_all(piece).expect("sent");
        let all = before + piece.len() as u64;
        server.until("a piece read", |counters| counters.bytes_in >= all);
    }
    stream.shutdown(std::net::Shutdown::Write).expect("no more");
    read.join().expect("no panic").expect("all replies")
}

#[test]
fn frames_in_pieces_of_any_length_are_answered() {
    let server = Running::start(App::new().0, 1, large);
    for counted in [true, false] {
        let (requests, replies) = exchange(counted);
        for len in [9_973, 40_000, 65_536, 65_600, 131_072, 300_000, requests.len()] {
            let got = send_in_pieces(&server, &requests, len);
            assert!(got == replies, "pieces of {len} bytes, counted: {counted}");
        }
    }
    server.until("all given back", nothing_left);
    server.stop();
}

/// A peer's declaration takes no memory; what it sends takes at most twice as much.
#[test]
fn memory_follows_what_came_and_not_what_was_declared() {
    let server = Running::start(App::new().0, 1, large);
    let mut stream: TcpStream = server.stream();
    stream.write_all(b"ECHO 1000000\n").expect("sent");
    let mut sent = 13;
    let body = body(900_000, 1);
    for piece in body.chunks(30_011) {
        let read = server.until("a piece read", |counters| counters.bytes_in == sent);
        let most = (2 * KIB).max(2 * usize::try_from(sent).expect("a few"));
        assert!(read.buffered <= most, "{} of {sent} bytes", read.buffered);
        stream.write_all(piece).expect("sent");
        sent += piece.len() as u64;
    }
    drop(stream);
    server.until("all given back", nothing_left);
    server.stop();
}
