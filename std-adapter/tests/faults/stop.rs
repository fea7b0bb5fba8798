//! Stopping under load.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use linecard_suite::oracle;

use crate::support::{App, Running, SOON, bytes, refusal};

/// More than may linger. What was carried out was answered, all of it, and everybody was told.
#[test]
fn what_was_carried_out_was_answered_and_everybody_told() {
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
    let carried_out = app.handled.load(Relaxed);
    let mut answered = 0;
    for thread in threads {
        let replies = thread.join().expect("no panic").expect("whole replies and a clean end");
        answered += in_order_and_told(&replies);
    }
    println!("{answered} of {} were answered before the stop", PEERS as u64 * u64::from(REQUESTS));
    assert!(
        answered < PEERS as u64 * u64::from(REQUESTS),
        "the stop came too late to show a thing"
    );
    assert_eq!(answered, carried_out);
}

fn in_order_and_told(replies: &[oracle::Reply]) -> u64 {
    let (last, replies) = replies.split_last().expect("a reply");
    assert!(refusal("stopping", None).matches(last), "not told, but {last:?}");
    for (reply, tag) in replies.iter().zip(0..) {
        assert_eq!(*reply, bytes(b"", Some(tag)));
    }
    replies.len() as u64
}

/// Also those that connect in the very moment: each connection ends, though the server's handle lives on.
#[test]
fn nobody_is_left_behind() {
    for _round in 0..20 {
        let server = Running::start(App::new().0, 2, |_| ());
        let addr = server.addr;
        let connecting = thread::spawn(move || {
            let connections = std::iter::from_fn(|| TcpStream::connect(addr).ok());
            // Without a listener a connection may be one with itself.
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
    let is_silent = |ended: &io::Result<usize>| matches!(ended, Err(error) if error.kind() == ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit");
    if !is_silent(&stream.read_to_end(&mut Vec::new())) {
        return;
    }
    // One that the system had just completed when the listener was closed may not know yet: Linux tells it
    // when it sends.
    let _told_now = stream.write_all(b"\n");
    stream.set_read_timeout(Some(SOON)).expect("a time limit");
    let ended = stream.read_to_end(&mut Vec::new());
    assert!(!is_silent(&ended), "it is still open");
}

/// A reply cut short must not look like a whole one.
#[test]
fn who_does_not_read_is_reset_when_the_time_is_up() {
    let server = Running::start(App::new().0, 1, |config| {
        config.stop_timeout = Duration::from_millis(200);
    });
    let mut deaf = server.stream();
    deaf.set_write_timeout(Some(Duration::from_millis(300))).expect("a socket");
    let request = [b"ECHO 4096\n".as_slice(), &[b'x'; 4_096], b"\n"].concat();
    while deaf.write_all(&request).is_ok() {}
    server.until("blocked", |counters| counters.buffered > 0);
    assert_eq!(server.stop().resets, 1);
    let ended = deaf.read_to_end(&mut Vec::new());
    assert!(
        matches!(&ended, Err(error) if error.kind() == ErrorKind::ConnectionReset),
        "{ended:?}"
    );
}
