//! More connections to tell and to drain than there are places for.

use std::io::Write;
use std::net::TcpStream;

use linecard_std::protocol::Code;

use crate::support::{App, Running, nothing_left, refusal};

/// The end comes at once; the close waits for the peer's.
#[test]
fn a_reply_is_followed_by_the_end_and_then_by_the_close() {
    let server = Running::start(App::new().0, 1, |_| ());
    let mut rude = server.peer();
    rude.send(b"\0\nand more of it").expect("sent");
    rude.expect_end(&[refusal("bad-head", None)]).expect("told");
    let counters = server.handle.counters();
    assert_eq!((counters.open, counters.lingering), (0, 1));
    drop(rude);
    server.until("closed", nothing_left);
    server.stop();
}

#[test]
fn at_most_64_linger_and_not_for_long() {
    let server = Running::start(App::new().0, 2, |_| ());
    let mut rude: Vec<TcpStream> = (0..200).map(|_| server.stream()).collect();
    for stream in &mut rude {
        stream.write_all(b"\0\n").expect("sent");
    }
    let mut most = 0;
    server.until("all told", |counters| {
        most.max(counters.lingering) <= 64 && counters.errors(Code::BadHead) == 200
    });
    most = server.handle.counters().lingering;
    assert!((1..=64).contains(&most), "{most} linger");
    // They don't leave, and go on sending. It takes the drain's 2 s, and no more.
    server.until("all closed", nothing_left);
    server.served();
    drop(rude);
    assert_eq!(server.stop().accepted, 201);
}

#[test]
fn a_flood_that_is_turned_away_leaves_those_inside_alone() {
    let server = Running::start(App::new().0, 2, |config| config.max_connections = 4);
    let mut inside: Vec<_> = (0..4).map(|_| server.served()).collect();
    for round in 0..10 {
        let turned_away: Vec<_> = (0..100).map(|_| server.peer()).collect();
        inside.iter_mut().for_each(|peer| peer.is_alive().expect("served"));
        if round == 0 {
            // The first of them find a place to be told in.
            let told = turned_away.into_iter().take(32);
            for mut peer in told {
                peer.expect_end(&[refusal("busy", None)]).expect("told");
            }
        }
    }
    drop(inside.pop());
    server.until("a free place", |counters| {
        (counters.accepted, counters.open, counters.lingering) == (1_004, 3, 0)
    });
    server.served();
    drop(inside);
    server.until("all closed", nothing_left);
    let counters = server.stop();
    assert_eq!(counters.accepted, 1_005);
    assert!(counters.errors(Code::Busy) >= 64, "{counters:?}");
}
