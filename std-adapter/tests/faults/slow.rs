//! A handler that is slow: what the others see.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{App, Running, SOON, bytes, text};

#[test]
fn connections_of_its_worker_wait_and_others_dont() {
    let (app, came) = App::new();
    let server = Running::start(app.clone(), 2, |_| ());
    // Dealt in turn: the first and the third are the same worker's.
    let (mut slow, mut beside, mut behind) = (server.served(), server.served(), server.stream());
    let mut alive = [0; 9];
    behind.write_all(b"ECHO 1\nx\n").expect("sent");
    behind.read_exact(&mut alive[..7]).expect("served");
    slow.send(b"DOOR #1\n\n").expect("sent");
    came.recv_timeout(SOON).expect("a handler that waits");
    behind.write_all(b"ECHO 3\nbeh\n").expect("sent");
    for tag in 0..1_000 {
        beside.send(format!("ECHO 0 #{tag}\n\n").as_bytes()).expect("sent");
        beside.expect(&[bytes(b"", Some(tag))]).expect("served meanwhile");
    }
    behind.set_nonblocking(true).expect("a socket");
    let waits = behind.read(&mut alive).expect_err("no reply yet");
    assert_eq!(waits.kind(), ErrorKind::WouldBlock);
    behind.set_nonblocking(false).expect("a socket");
    app.door.open();
    behind.read_exact(&mut alive).expect("served at last");
    assert_eq!(&alive, b"OK 3\nbeh\n");
    slow.expect(&[text("open", Some(1))]).expect("answered");
    server.stop();
}

/// The times that the documentation speaks of: printed with `--nocapture`.
#[test]
fn how_long_others_wait() {
    const SLOW: Duration = Duration::from_millis(200);
    let server = Running::start(App::new().0, 2, |_| ());
    let (mut slow, mut beside, mut behind) = (server.served(), server.served(), server.served());
    slow.send(format!("SLEEP\n{}\n", SLOW.as_millis()).as_bytes()).expect("sent");
    // When the handler sleeps, one of its worker's connections has to wait.
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

/// Idle is who owes a request, not who is owed a reply.
#[test]
fn its_caller_is_not_idle_meanwhile() {
    let idle = Duration::from_millis(500);
    let server = Running::start(App::new().0, 1, |config| {
        config.limits.idle_timeout = Duration::from_millis(500);
    });
    let mut peer = server.served();
    peer.send(b"SLEEP #1\n800\n").expect("sent");
    peer.expect(&[text("slept", Some(1))]).expect("answered");
    thread::sleep(idle / 5);
    peer.is_alive().expect("not timed out");
    server.stop();
}

/// One connection that never stops gets its turns, and no more: behind a request of another there are at
/// most the few batches that were read before it.
#[test]
fn one_that_pipelines_for_ever_starves_nobody() {
    /// Requests in one read of 64 KiB.
    const BATCH: u64 = 64 * 1024 / 8;
    let (app, _came) = App::new();
    let server = Running::start(app.clone(), 1, |_| ());
    let mut hog = server.stream();
    let mut replies = hog.try_clone().expect("a socket");
    let hogging = thread::spawn(move || {
        let requests = b"ECHO 0\n\n".repeat(10_000);
        while hog.write_all(&requests).is_ok() {}
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
    // The median: the test's own thread may be kept waiting by the system now and then.
    let [median, most] = [passed[100], passed[200]];
    println!("requests of the hog's before another's: median {median}, most {most}");
    assert!(median <= 3 * BATCH, "{median} of its requests went before another's");
    server.stop();
    hogging.join().and(reading.join()).expect("threads that end");
}
