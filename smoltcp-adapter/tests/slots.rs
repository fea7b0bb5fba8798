//! The server over slots, in fair weather: full, closing, stopping, and every way in which a slot
//! could be held for ever.

mod world;

use linecard_core::Limits;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use world::peer::{End, Peer};
use world::{LIMITS, Plan, SLOTS, World, replies_to};

const SECOND: Duration = Duration::from_secs(1);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn peer(world: &mut World, bytes: impl Into<Vec<u8>>) -> Peer {
    Peer::new(world.connect(), bytes.into())
}

/// Runs until the peer has got so much.
fn gets(world: &mut World, peer: &mut Peer, bytes: &[u8]) {
    let got = world.run(seconds(70), |world| {
        peer.drive(world);
        peer.got.len() >= bytes.len()
    });
    assert!(got && peer.got == bytes, "{:?}, {:?}", String::from_utf8_lossy(&peer.got), peer.end);
}

/// Runs until the peer's connection is over, and says how.
fn ends(world: &mut World, peer: &mut Peer, limit: Duration) -> End {
    world.run(limit, |world| {
        peer.drive(world);
        peer.is_done()
    });
    peer.end.unwrap_or_else(|| panic!("not over after {limit}: {:?}", world.server))
}

/// Takes every slot.
fn fill(world: &mut World) -> Vec<Peer> {
    let mut peers: Vec<_> = (0..SLOTS).map(|_| peer(world, *b"STRING\nhi\n")).collect();
    for peer in &mut peers {
        gets(world, peer, b"OK\nThank you.\n");
    }
    assert_eq!(world.server.connections(), SLOTS);
    peers
}

#[test]
fn a_frame_is_answered_wherever_it_wraps_in_its_ring() {
    let mut world = World::fair();
    // Lengths that share no factor with the ring's, so that every cut is seen.
    let frame = [b"STRING 997 #1\n", &[b'x'; 997][..], b"\n"].concat();
    let all = frame.repeat(50);
    let mut peer = peer(&mut world, all.clone());
    let replies = replies_to(&LIMITS, &all);
    gets(&mut world, &mut peer, &replies);
}

#[test]
fn a_line_is_answered_byte_by_byte_and_wherever_it_wraps() {
    let mut world = World::fair();
    let all = b"STRING #12\nA line with some text in it.\r\n".repeat(120);
    let mut peer = peer(&mut world, all.clone());
    peer.piece = 1;
    let replies = replies_to(&LIMITS, &all);
    let got = world.run(seconds(60), |world| {
        peer.drive(world);
        world.pass(Some(Duration::from_millis(1)));
        peer.got.len() >= replies.len()
    });
    assert!(got && peer.got == replies);
}

#[test]
fn a_frame_that_wraps_is_whole_with_a_fin_behind_it_too() {
    for first in (900..LIMITS.max_body_len as usize).step_by(61) {
        let mut world = World::fair();
        // The ring begins anew with each connection: the first frame moves on the place where the
        // second one wraps.
        let mut peer = peer(&mut world, counted(first));
        gets(&mut world, &mut peer, b"OK #1\nThank you.\n");
        world.socket(peer.handle).send_slice(&counted(1_200)).unwrap();
        world.socket(peer.handle).close();
        gets(&mut world, &mut peer, b"OK #1\nThank you.\nOK #1\nThank you.\n");
    }
}

#[test]
fn a_frame_that_wraps_and_is_whole_at_its_deadline_is_taken() {
    let mut world = World::fair();
    let mut peer = peer(&mut world, counted(1_500));
    gets(&mut world, &mut peer, b"OK #1\nThank you.\n");
    let frame = counted(1_200);
    let (begun, rest) = frame.split_at(900);
    world.socket(peer.handle).send_slice(begun).unwrap();
    world.run(SECOND, |world| world.socket(peer.handle).send_queue() == 0);
    let due = world.server.deadline().unwrap();
    // The rest comes with the deadline, and the server sees both in one poll.
    world.now = Instant::from_millis(due.as_millis().cast_signed());
    world.socket(peer.handle).send_slice(rest).unwrap();
    world.client.poll(world.now, |_, _| false);
    gets(&mut world, &mut peer, b"OK #1\nThank you.\nOK #1\nThank you.\n");
}

fn counted(len: usize) -> Vec<u8> {
    [format!("STRING {len} #1\n").as_bytes(), &vec![b'x'; len], b"\n"].concat()
}

#[test]
fn clients_that_come_in_the_moment_others_go_are_all_taken() {
    let mut world = World::fair();
    let mut peers = fill(&mut world);
    for round in 0..300 {
        for peer in &peers {
            world.socket(peer.handle).abort();
        }
        // Four resets and behind them four SYNs are on the wire before the server sees any.
        world.client.poll(world.now, |_, _| false);
        let gone: Vec<_> = peers.iter().map(|peer| peer.handle).collect();
        peers = (0..SLOTS).map(|_| peer(&mut world, *b"STRING\nhi\n")).collect();
        world.client.poll(world.now, |_, _| false);
        for peer in &mut peers {
            gets(&mut world, peer, b"OK\nThank you.\n");
        }
        assert_eq!(world.server.connections(), SLOTS, "round {round}");
        for handle in gone {
            world.client.sockets.remove(handle);
        }
    }
}

#[test]
fn one_connection_too_many_is_told_so_and_a_place_given_up_is_taken() {
    let mut world = World::fair();
    let mut peers = fill(&mut world);
    for _ in 0..3 {
        let mut late = peer(&mut world, *b"STRING\nhi\n");
        assert_eq!(ends(&mut world, &mut late, seconds(5)), End::Closed);
        assert_eq!(late.got, b"ERR\nbusy\n");
        world.run_for(SECOND);
    }
    let leaver = peers.pop().unwrap();
    world.socket(leaver.handle).close();
    world.run_for(SECOND);
    let mut next = peer(&mut world, *b"STRING\nhi\n");
    gets(&mut world, &mut next, b"OK\nThank you.\n");
    for peer in &peers {
        assert_eq!(world.socket(peer.handle).state(), State::Established);
    }
}

#[test]
fn the_error_that_closes_arrives_with_megabytes_behind_it() {
    let mut world = World::fair();
    let mut flood = b"NO GOOD HEAD\n".to_vec();
    flood.resize(3 << 20, b'x');
    let mut peer = peer(&mut world, flood);
    gets(&mut world, &mut peer, b"ERR\nbad-head\n");
    assert_eq!(ends(&mut world, &mut peer, seconds(5)), End::Closed);
    assert!(peer.got == b"ERR\nbad-head\n");
    world.assert_alive();
}

#[test]
fn what_is_behind_an_error_that_closes_is_taken_so_that_the_close_is_clean() {
    let mut world = World::fair();
    let mut peer = peer(&mut world, [&b"NO GOOD HEAD\n"[..], &vec![b'x'; 40_000]].concat());
    peer.closes = true;
    let begun = world.now;
    assert_eq!(ends(&mut world, &mut peer, seconds(5)), End::Closed);
    assert_eq!(peer.got, b"ERR\nbad-head\n");
    assert!(world.run(seconds(5), |world| world.server.connections() == 0));
    assert!(world.now - begun < SECOND, "{}", world.now - begun);
    assert_eq!(world.socket(peer.handle).send_queue(), 0);
}

#[test]
fn a_peer_that_does_not_close_is_forgotten_after_two_seconds() {
    let mut world = World::fair();
    let mut peer = peer(&mut world, *b"NO GOOD HEAD\n");
    peer.reads = false;
    let begun = world.now;
    let mut came = false;
    assert!(world.run(seconds(10), |world| {
        peer.drive(world);
        came |= world.server.connections() == 1;
        came && world.server.connections() == 0
    }));
    let took = world.now - begun;
    assert!((seconds(2)..seconds(3)).contains(&took), "{took}");
    // What it was told is still there to be read.
    peer.reads = true;
    gets(&mut world, &mut peer, b"ERR\nbad-head\n");
    world.assert_alive();
}

#[test]
fn a_half_close_is_answered_and_then_closed() {
    let mut world = World::fair();
    let mut peer = peer(&mut world, *b"STRING\nhi\nSTRING\nho\nSTRI");
    peer.closes = true;
    assert_eq!(ends(&mut world, &mut peer, seconds(5)), End::Closed);
    assert_eq!(peer.got, b"OK\nThank you.\nOK\nThank you.\n");
    world.assert_alive();
}

#[test]
fn a_silent_peer_times_out_in_a_frame_and_between_frames() {
    for (bytes, limit) in [(&b"STRING 5\nhi"[..], 10), (b"", 60)] {
        let mut world = World::fair();
        let mut peer = peer(&mut world, bytes);
        let begun = world.now;
        gets(&mut world, &mut peer, b"ERR\ntimeout\n");
        let took = world.now - begun;
        assert!((seconds(limit)..seconds(limit + 1)).contains(&took), "{took}");
        assert_eq!(ends(&mut world, &mut peer, SECOND), End::Closed);
        world.assert_alive();
    }
}

/// Limits whose timeouts a handler of 8 s exceeds.
fn short_timeouts() -> Limits {
    let timeout = core::time::Duration::from_secs(5);
    Limits { frame_timeout: timeout, idle_timeout: timeout, ..LIMITS }
}

#[test]
fn the_time_that_a_handler_takes_is_not_counted_as_idle() {
    let mut world = World::new(Plan { limits: short_timeouts(), ..Plan::fair() });
    world.handler_time = seconds(8);
    let mut peer = peer(&mut world, *b"STRING\nhi\n");
    gets(&mut world, &mut peer, b"OK\nThank you.\n");
    world.run_for(seconds(4));
    world.socket(peer.handle).send_slice(b"STRING\nhi\n").unwrap();
    gets(&mut world, &mut peer, b"OK\nThank you.\nOK\nThank you.\n");
    let answered = world.now;
    gets(&mut world, &mut peer, b"OK\nThank you.\nOK\nThank you.\nERR\ntimeout\n");
    assert_eq!(world.now - answered, seconds(5), "the timeout itself is as long as ever");
}

#[test]
fn the_time_that_a_handler_takes_is_not_counted_for_the_frame_behind_its_request() {
    let mut world = World::new(Plan { limits: short_timeouts(), ..Plan::fair() });
    world.handler_time = seconds(8);
    let mut peer = peer(&mut world, *b"STRING\nhi\nSTRING\nh");
    gets(&mut world, &mut peer, b"OK\nThank you.\n");
    world.run_for(seconds(4));
    world.socket(peer.handle).send_slice(b"i\n").unwrap();
    gets(&mut world, &mut peer, b"OK\nThank you.\nOK\nThank you.\n");
}

#[test]
fn a_frame_that_trickles_in_times_out_though_its_bytes_are_skipped() {
    let mut world = World::fair();
    let mut peer = peer(&mut world, [&b"STRING 60000\n"[..], &vec![b'x'; 60_000]].concat());
    peer.piece = 100;
    let begun = world.now;
    while peer.got.is_empty() {
        peer.drive(&mut world);
        world.run_for(Duration::from_millis(500));
        assert!(world.now - begun < seconds(12), "no timeout: {:?}", world.server);
    }
    assert_eq!(peer.got, b"ERR\ntimeout\n");
}

#[test]
fn a_peer_that_vanishes_is_reaped_in_a_frame_between_frames_and_with_replies_owed() {
    for bytes in [&b"STRING 5\nhi"[..], b"", b"STRING\nhi\n"] {
        let mut world = World::fair();
        let mut peer = peer(&mut world, bytes);
        assert!(world.run(seconds(5), |world| {
            peer.drive(world);
            world.server.connections() == 1 && world.socket(peer.handle).send_queue() == 0
        }));
        world.client.device.cut();
        assert!(world.run(seconds(75), |world| world.server.connections() == 0), "{bytes:?}");
    }
}

#[test]
fn a_window_that_stays_shut_is_reset_and_holds_up_nobody() {
    let mut world = World::fair();
    // Its own ring is full after a few replies, and it never reads.
    let handle = world.connect_with(64);
    let mut stuck = Peer::new(handle, b"STRING\nhi\n".repeat(2_000));
    stuck.reads = false;
    let begun = world.now;
    let mut others = 0;
    while world.now < begun + seconds(25) {
        stuck.drive(&mut world);
        let mut other = peer(&mut world, *b"STRING\nhi\n");
        gets(&mut world, &mut other, b"OK\nThank you.\n");
        world.socket(other.handle).close();
        world.run_for(SECOND);
        others += 1;
        stuck.drive(&mut world);
    }
    assert!(others > 20 && world.server.connections() == 1);
    assert!(world.run(seconds(20), |world| world.server.connections() == 0));
    let took = world.now - begun;
    assert!((seconds(30)..seconds(35)).contains(&took), "{took}");
    assert_eq!(world.socket(handle).state(), State::Closed, "it was told, by a reset");
    world.assert_alive();
}

#[test]
fn backpressure_closes_the_window_and_opens_it_again() {
    let mut world = World::fair();
    let all = b"STRING #1\nhi\n".repeat(3_000);
    let handle = world.connect_with(512);
    let mut peer = Peer::new(handle, all.clone());
    peer.reads = false;
    // Far less than the write timeout, far more than everything takes when it is read.
    let end = world.now + seconds(10);
    world.run(seconds(10), |world| {
        peer.drive(world);
        world.now >= end
    });
    assert!(world.socket(handle).send_queue() > 20_000, "held back at the sender");
    peer.reads = true;
    let replies = replies_to(&LIMITS, &all);
    gets(&mut world, &mut peer, &replies);
}

#[test]
fn time_stands_still_for_a_frame_while_its_sender_is_not_read() {
    // Frame deadline 10 s; blocked for 20 s with half a frame behind what is answered.
    let mut world = World::fair();
    let handle = world.connect_with(64);
    let mut peer = Peer::new(handle, [&b"STRING\nhi\n".repeat(300)[..], b"STRING 5\nab"].concat());
    peer.reads = false;
    let end = world.now + seconds(20);
    world.run(seconds(20), |world| {
        peer.drive(world);
        world.now >= end
    });
    peer.reads = true;
    let replies = b"OK\nThank you.\n".repeat(300);
    gets(&mut world, &mut peer, &replies);
    world.socket(handle).send_slice(b"cde\n").unwrap();
    gets(&mut world, &mut peer, &[&replies[..], b"OK\nThank you.\n"].concat());
}

#[test]
fn stopping_answers_what_was_begun_tells_all_and_ends() {
    let mut world = World::fair();
    let mut idle = peer(&mut world, *b"STRING\nhi\n");
    gets(&mut world, &mut idle, b"OK\nThank you.\n");
    let mut begun = peer(&mut world, *b"STRING 5\nab");
    world.run(SECOND, |world| {
        begun.drive(world);
        false
    });
    world.server.stop(world.now + seconds(5));
    assert!(!world.server.is_stopped());
    gets(&mut world, &mut idle, b"OK\nThank you.\nERR\nstopping\n");
    world.socket(begun.handle).send_slice(b"cde\n").unwrap();
    gets(&mut world, &mut begun, b"OK\nThank you.\nERR\nstopping\n");
    let mut late = peer(&mut world, *b"STRING\nhi\n");
    assert_eq!(ends(&mut world, &mut late, SECOND), End::Reset);
    assert_eq!(ends(&mut world, &mut idle, SECOND), End::Closed);
    assert_eq!(ends(&mut world, &mut begun, SECOND), End::Closed);
    assert!(world.run(seconds(3), |world| world.server.is_stopped()));
}

#[test]
fn stopping_does_not_wait_for_those_who_dawdle() {
    let mut world = World::fair();
    let mut begun = peer(&mut world, *b"STRING 5\nab");
    begun.reads = false;
    world.run(SECOND, |world| {
        begun.drive(world);
        false
    });
    world.server.stop(world.now + seconds(3));
    let asked = world.now;
    assert!(world.run(seconds(20), |world| world.server.is_stopped()));
    assert!(world.now - asked < seconds(6));
}

#[test]
fn limits_of_another_size_work_as_well() {
    let limits = Limits { max_body_len: 16, max_reply_len: 10, skip_budget: 32, ..LIMITS };
    let mut world = World::new(Plan { limits, ring_slack: 0, ..Plan::fair() });
    let all = [
        &b"STRING\nhi\n"[..],
        b"STRING 17 #2\n12345678901234567\n",
        b"FROB\n\n",
        b"STRING 33 #4\n",
    ]
    .concat();
    let mut peer = peer(&mut world, all.repeat(1));
    assert_eq!(ends(&mut world, &mut peer, seconds(30)), End::Closed);
    assert_eq!(peer.got, replies_to(&limits, &all));
}
