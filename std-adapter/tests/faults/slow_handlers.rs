//! A slow handler: what other connections see, and what its own client sees.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{App, Running, SOON, bytes, text};

#[test]
fn connections_of_its_worker_wait_and_others_dont() {
    let (app, waiting) = App::new();
    let server = Running::start(app.clone(), 2, |_| ());
    // Connections are dealt in turn: the first and the third are the same worker's.
    let (mut slow, mut beside, mut behind) = (server.served(), server.served(), server.stream());
    let mut reply = [0; 9];
    behind.write_all(b"ECHO 1\nx\n").expect("sent");
    behind.read_exact(&mut reply[..7]).expect("served");
    slow.send(b"WAIT #1\n\n").expect("sent");
    waiting.recv_timeout(SOON).expect("a handler that waits");
    behind.write_all(b"ECHO 3\nbeh\n").expect("sent");
    for tag in 0..1_000 {
        beside.send(format!("ECHO 0 #{tag}\n\n").as_bytes()).expect("sent");
        beside.expect(&[bytes(b"", Some(tag))]).expect("served meanwhile");
    }
    behind.set_nonblocking(true).expect("a socket option");
    let blocked = behind.read(&mut reply).expect_err("no reply yet");
    assert_eq!(blocked.kind(), ErrorKind::WouldBlock);
    behind.set_nonblocking(false).expect("a socket option");
    app.latch.open();
    behind.read_exact(&mut reply).expect("served at last");
    assert_eq!(&reply, b"OK 3\nbeh\n");
    slow.expect(&[text("open", Some(1))]).expect("answered");
    server.stop();
}

/// The times that the documentation states: printed with `--nocapture`.
#[test]
fn how_long_others_wait() {
    const SLOW: Duration = Duration::from_millis(200);
    let server = Running::start(App::new().0, 2, |_| ());
    let (mut slow, mut beside, mut behind) = (server.served(), server.served(), server.served());
    slow.send(format!("SLEEP\n{}\n", SLOW.as_millis()).as_bytes()).expect("sent");
    // When the handler sleeps, the other connection of its worker has to wait.
    server.until("asleep", |counters| counters.requests == 4);
    let start = Instant::now();
    behind.send(b"ECHO 0\n\n").expect("sent");
    let mut longest = Duration::ZERO;
    while start.elapsed() < SLOW / 2 {
        let asked = Instant::now();
        beside.is_alive().expect("served");
        longest = longest.max(asked.elapsed());
    }
    behind.expect(&[bytes(b"", None)]).expect("served");
    let waited = start.elapsed();
    slow.expect(&[text("slept", None)]).expect("answered");
    println!("beside a handler of {SLOW:?}: {longest:?} at most; behind it: {waited:?}");
    assert!(waited >= SLOW / 2, "the same worker waits");
    server.stop();
}

/// A client that waits for a reply is not idle, nor is it slow with the frame that it has begun.
#[test]
fn its_time_does_not_count_against_its_client() {
    const TIMEOUT: Duration = Duration::from_millis(500);
    for begun in [b"".as_slice(), b"ECHO 2 #2\n"] {
        let server = Running::start(App::new().0, 1, |config| {
            config.limits.idle_timeout = TIMEOUT;
            config.limits.frame_timeout = TIMEOUT;
        });
        let mut peer = server.served();
        peer.send(&[b"SLEEP #1\n800\n", begun].concat()).expect("sent");
        peer.expect(&[text("slept", Some(1))]).expect("answered");
        thread::sleep(TIMEOUT / 5);
        if begun.is_empty() {
            peer.is_alive().expect("not timed out");
        } else {
            peer.send(b"hi\n").expect("sent");
            peer.expect(&[bytes(b"hi", Some(2))]).expect("not timed out");
        }
        server.stop();
    }
}

/// The write timeout of replies begins when they are written, not when their requests were read.
#[test]
fn its_time_does_not_count_as_time_without_reading() {
    const TIMEOUT: Duration = Duration::from_millis(400);
    let server = Running::start(App::new().0, 1, |config| config.write_timeout = TIMEOUT);
    let mut stream = server.stream_with_receive_buffer(4_096);
    // Whichever write blocks, there was a slow handler before it.
    stream.write_all(&b"SLEEP\n600\nZEROS\n60000\n".repeat(8)).expect("sent");
    server.until("blocked", |counters| counters.buffered > 1_280);
    thread::sleep(TIMEOUT / 4);
    let want_len = 8 * ("OK\nslept\n".len() + "OK 60000\n".len() + 60_000 + 1);
    stream.read_exact(&mut vec![0; want_len]).expect("all replies");
    assert_eq!(server.handle.counters().resets, 0);
    drop(stream);
    server.stop();
}

/// One connection that pipelines without end gets its turns, and no more: before a request of
/// another connection there are at most the few batches that were read before it.
#[test]
fn one_that_pipelines_without_end_starves_nobody() {
    /// Requests in one read of 64 KiB.
    const BATCH: u64 = 64 * 1024 / 8;
    let (app, _waiting) = App::new();
    let server = Running::start(app.clone(), 1, |_| ());
    let mut busy = server.stream();
    let mut replies = busy.try_clone().expect("a socket");
    let sending = thread::spawn(move || {
        let requests = b"ECHO 0\n\n".repeat(10_000);
        while busy.write_all(&requests).is_ok() {}
    });
    let reading = thread::spawn(move || {
        let mut bytes = vec![0; 64 * 1024];
        while matches!(replies.read(&mut bytes), Ok(len) if len > 0) {}
    });
    let mut other = server.served();
    let mut passed: Vec<_> = (0..201)
        .map(|_| {
            let before = app.handled.load(Relaxed);
            let reply = other.ask(b"COUNT\n\n").expect("served").to_bytes();
            let reply = String::from_utf8(reply).expect("text");
            let at: u64 = reply.lines().nth(1).and_then(|at| at.parse().ok()).expect("a count");
            at - before
        })
        .collect();
    passed.sort_unstable();
    // The median: the system may keep the test's own thread waiting now and then.
    let [median, most] = [passed[100], passed[200]];
    println!("requests of the busy connection before another's: median {median}, most {most}");
    assert!(median <= 3 * BATCH, "{median} of its requests went before another's");
    server.stop();
    sending.join().and(reading.join()).expect("threads that end");
}
