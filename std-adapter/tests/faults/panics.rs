//! A service that panics.

use linecard_std::protocol::Code;

use crate::support::{App, Running, bytes, refusal};

#[test]
fn a_panic_in_a_handler_is_answered_failed_and_its_worker_goes_on() {
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
fn a_panic_in_refused_costs_nobody_anything() {
    let mut app = App::new().0;
    app.panics_in_refused = true;
    let server = Running::start(app, 1, |_| ());
    let mut other = server.served();
    let mut malformed = server.peer();
    malformed.send(b"\0\n").expect("sent");
    malformed.expect_end(&[refusal("bad-head", None)]).expect("a reply, and the end");
    other.is_alive().expect("served by the same worker");
    // Once for `bad-head` and once for `stopping`.
    assert_eq!(server.stop().panics, 2);
}

/// Whatever ends a worker ends the server, so that no connection is left unserved.
#[test]
fn a_worker_that_panics_ends_the_server() {
    let server = Running::start(App::new().0, 2, |_| ());
    let mut others: Vec<_> = (0..3).map(|_| server.served()).collect();
    let mut caller = server.peer();
    caller.send(b"PANIC-TWICE\n\n").expect("sent");
    assert!(server.end().is_err(), "a clean end");
    drop(caller);
    for other in &mut others {
        // Notified by the other worker, or cut off by the end of this one.
        let _ended = other.rest();
    }
}
