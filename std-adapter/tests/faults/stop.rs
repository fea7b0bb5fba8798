//! Stopping a server under load.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use linecard_suite::oracle;

use crate::support::{App, Running, SOON, bytes, refusal};

/// With more connections than may linger otherwise.
#[test]
fn every_handled_request_is_answered_and_every_client_notified() {
    const PEERS: usize = 150;
    const REQUESTS: u32 = 20_000;
    let (app, _came) = App::new();
    let server = Running::start(app.clone(), 2, |config| {
        config.stop_timeout = SOON;
    });
    let requests: Vec<u8> =
        (0..REQUESTS).flat_map(|tag| format!("ECHO 0 #{tag}\n\n").into_bytes()).collect();
    let threads: Vec<_> = (0..PEERS)
        .map(|_| {
            let mut peer = server.peer();
            let sending = peer.send_in_background(requests.clone(), false).expect("a thread");
            thread::spawn(move || {
                let replies = peer.rest();
                drop(peer);
                let _all_taken = sending.join();
                replies
            })
        })
        .collect();
    while app.handled.load(Relaxed) < u64::from(REQUESTS) {
        thread::yield_now();
    }
    server.stop();
    let handled = app.handled.load(Relaxed);
    let mut answered = 0;
    for thread in threads {
        let replies = thread.join().expect("no panic").expect("whole replies and a clean end");
        answered += count_in_order(&replies);
    }
    println!("{answered} of {} were answered before the stop", PEERS as u64 * u64::from(REQUESTS));
    assert!(
        answered < PEERS as u64 * u64::from(REQUESTS),
        "the stop came too late to test anything"
    );
    assert_eq!(answered, handled);
}

fn count_in_order(replies: &[oracle::Reply]) -> u64 {
    let (last, replies) = replies.split_last().expect("a reply");
    assert!(refusal("stopping", None).matches(last), "not notified, but {last:?}");
    for (reply, tag) in replies.iter().zip(0..) {
        assert_eq!(*reply, bytes(b"", Some(tag)));
    }
    replies.len() as u64
}

/// Also those that connect at the same moment, and although the server's handle still exists.
#[test]
fn every_connection_ends() {
    for _round in 0..20 {
        let server = Running::start(App::new().0, 2, |_| ());
        let addr = server.addr;
        let connecting = thread::spawn(move || {
            let connections = std::iter::from_fn(|| TcpStream::connect(addr).ok());
            // Without a listener a socket may connect to itself.
            let is_ours = |stream: &TcpStream| stream.local_addr().is_ok_and(|local| local != addr);
            let ending = connections
                .take_while(is_ours)
                .take(500)
                .map(|stream| thread::spawn(move || ends(stream)));
            ending.collect::<Vec<_>>()
        });
        server.until("connecting", |counters| counters.accepted > 10);
        server.handle.stop();
        server.end().expect("a clean end");
        for ended in connecting.join().expect("no panic") {
            ended.join().expect("an end, in time");
        }
        let counters = server.handle.counters();
        assert_eq!((counters.open, counters.lingering), (0, 0));
    }
}

/// Waits for the end of a connection that is never used.
fn ends(mut stream: TcpStream) {
    let is_open = |ended: &io::Result<usize>| {
        ended.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket option");
    if !is_open(&stream.read_to_end(&mut Vec::new())) {
        return;
    }
    // If the system had just completed it when the listener was closed, Linux only resets it when
    // it sends.
    let _sent = stream.write_all(b"\n");
    stream.set_read_timeout(Some(SOON)).expect("a socket option");
    let ended = stream.read_to_end(&mut Vec::new());
    assert!(!is_open(&ended), "it is still open");
}

/// Otherwise a truncated stream of replies would look complete.
#[test]
fn a_peer_that_does_not_read_is_reset_when_the_stop_timeout_passes() {
    let server = Running::start(App::new().0, 1, |config| {
        config.stop_timeout = Duration::from_millis(200);
    });
    let mut silent = server.stream();
    silent.set_write_timeout(Some(Duration::from_millis(300))).expect("a socket");
    let request = [b"ECHO 4096\n".as_slice(), &[b'x'; 4_096], b"\n"].concat();
    while silent.write_all(&request).is_ok() {}
    server.until("blocked", |counters| counters.buffered > 0);
    assert_eq!(server.stop().resets, 1);
    let ended = silent.read_to_end(&mut Vec::new());
    assert!(
        matches!(&ended, Err(error) if error.kind() == ErrorKind::ConnectionReset),
        "{ended:?}"
    );
}
