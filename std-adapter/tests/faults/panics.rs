//! An application that panics.

use linecard_std::protocol::Code;

use crate::support::{App, Running, bytes, refusal};

#[test]
fn the_caller_gets_failed_and_everyone_goes_on() {
    let server = Running::start(App::new().0, 1, |_| ());
    let (mut caller, mut other) = (server.served(), server.served());
    caller.send(b"PANIC #1\n\nECHO 2 #2\nhi\nPANIC #3\n\nECHO 0 #4\n\n").expect("sent");
    other.send(b"ECHO 2 #5\nho\n").expect("sent");
    let replies = [
        refusal("failed", Some(1)),
        bytes(b"hi", Some(2)),
        refusal("failed", Some(3)),
        bytes(b"", Some(4)),
    ];
    caller.expect(&replies).expect("in sync");
    other.expect(&[bytes(b"ho", Some(5))]).expect("served by the same worker");
    let counters = server.stop();
    assert_eq!((counters.panics, counters.errors(Code::Failed)), (2, 2));
}

#[test]
fn one_that_panics_when_told_of_a_refusal_serves_on() {
    let app = App { touchy: true, ..App::new().0 };
    let server = Running::start(app, 1, |_| ());
    let mut other = server.served();
    let mut rude = server.peer();
    rude.send(b"\0\n").expect("sent");
    rude.expect_end(&[refusal("bad-head", None)]).expect("told");
    other.is_alive().expect("served by the same worker");
    // Told of `stopping`, it panics once more.
    assert_eq!(server.stop().panics, 2);
}

/// The last resort: whatever kills a worker ends the server, rather than leave connections unserved.
#[test]
fn a_worker_that_dies_ends_the_server() {
    let server = Running::start(App::new().0, 2, |_| ());
    let mut others: Vec<_> = (0..3).map(|_| server.served()).collect();
    let mut bomber = server.peer();
    bomber.send(b"BOMB\n\n").expect("sent");
    assert!(server.end().is_err(), "a clean end");
    drop(bomber);
    for other in &mut others {
        // Told by the worker that lives, or cut off by the end of the other.
        let _ended = other.rest();
    }
}
