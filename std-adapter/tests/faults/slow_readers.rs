//! Peers that read their replies slowly, or not at all.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{App, Running, nothing_left};

const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// A peer with a small receive buffer that sends requests until the server takes no more, because
/// every buffer is full of replies.
fn peer_with_full_buffers(server: &Running) -> TcpStream {
    let mut stream = server.stream_with_receive_buffer(4_096);
    let request = [b"ECHO 4096\n".as_slice(), &[b'x'; 4_096], b"\n"].concat();
    stream.set_write_timeout(Some(Duration::from_millis(100))).expect("a socket option");
    while stream.write_all(&request).is_ok() {}
    stream
}

/// It reads 60 KiB in a write timeout, as one that reads 2 KiB a second does in 30 s. The system
/// reports a socket as writable only once a third of its send buffer is free: that takes longer.
#[test]
fn one_that_keeps_reading_slowly_is_not_reset() {
    let server = Running::start(App::new().0, 1, |config| config.write_timeout = WRITE_TIMEOUT);
    let mut slow = peer_with_full_buffers(&server);
    let mut piece = [0; 2 * 1_024];
    let start = Instant::now();
    for count in 0..150 {
        let due = start + WRITE_TIMEOUT / 30 * count;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        slow.read_exact(&mut piece).expect("more replies");
    }
    assert_eq!(server.handle.counters().resets, 0);
    drop(slow);
    server.until("all given back", nothing_left);
    server.stop();
}

#[test]
fn one_that_stops_reading_is_reset() {
    let server = Running::start(App::new().0, 1, |config| config.write_timeout = WRITE_TIMEOUT);
    let silent = peer_with_full_buffers(&server);
    let mut once = peer_with_full_buffers(&server);
    once.read_exact(&mut [0; 16 * 1_024]).expect("replies");
    let start = Instant::now();
    let counters = server.until("both reset", |counters| counters.resets == 2);
    assert!(start.elapsed() < 4 * WRITE_TIMEOUT, "{counters:?}");
    server.until("all given back", nothing_left);
    drop((silent, once));
    server.stop();
}
