//! Closing connections, more of them at one time than may linger.

use std::io::Write;
use std::net::TcpStream;

use linecard_std::protocol::Code;

use crate::support::{App, Running, nothing_left, refusal};

/// The end of the stream follows at once. The connection is closed when the peer closes.
#[test]
fn a_last_reply_is_followed_by_the_end_and_then_by_the_close() {
    let server = Running::start(App::new().0, 1, |_| ());
    let mut malformed = server.peer();
    malformed.send(b"\0\nand more of it").expect("sent");
    malformed.expect_end(&[refusal("bad-head", None)]).expect("a reply, and the end");
    let counters = server.handle.counters();
    assert_eq!((counters.open, counters.lingering), (0, 1));
    drop(malformed);
    server.until("closed", nothing_left);
    server.stop();
}

#[test]
fn at_most_64_linger_and_not_for_long() {
    let server = Running::start(App::new().0, 2, |_| ());
    let mut malformed: Vec<TcpStream> = (0..200).map(|_| server.stream()).collect();
    for stream in &mut malformed {
        stream.write_all(b"\0\n").expect("sent");
    }
    let counters = server.until("all answered", |counters| {
        assert!(counters.lingering <= 64, "{counters:?}");
        counters.errors(Code::BadHead) == 200
    });
    assert!(counters.lingering > 0, "{counters:?}");
    // They don't close. It takes the 2 s of lingering, and no more.
    server.until("all closed", nothing_left);
    server.served();
    drop(malformed);
    assert_eq!(server.stop().accepted, 201);
}

#[test]
fn a_flood_of_refused_connections_leaves_the_others_alone() {
    let server = Running::start(App::new().0, 2, |config| config.max_connections = 4);
    let mut open: Vec<_> = (0..4).map(|_| server.served()).collect();
    for round in 0..10 {
        let refused: Vec<_> = (0..100).map(|_| server.peer()).collect();
        open.iter_mut().for_each(|peer| peer.is_alive().expect("served"));
        if round == 0 {
            // The first of them may linger, so they are answered.
            let answered = refused.into_iter().take(32);
            for mut peer in answered {
                peer.expect_end(&[refusal("busy", None)]).expect("a reply, and the end");
            }
        }
    }
    drop(open.pop());
    server.until("one connection fewer", |counters| {
        (counters.accepted, counters.open, counters.lingering) == (1_004, 3, 0)
    });
    server.served();
    drop(open);
    server.until("all closed", nothing_left);
    let counters = server.stop();
    assert_eq!(counters.accepted, 1_005);
    assert!(counters.errors(Code::Busy) >= 64, "{counters:?}");
}
