//! Every way in which a peer could hold a slot for ever has a time limit, and so has stopping.

mod sim;

use linecard_core::Limits;
use smoltcp::socket::tcp::State;
use smoltcp::time::Duration;

use sim::peer::{End, Peer};
use sim::{LIMITS, Sim, SimConfig, replies_to};

const SECOND: Duration = Duration::from_secs(1);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_peer_that_does_not_close_is_dropped_after_two_seconds() {
    let mut sim = Sim::new();
    let mut peer = Peer::connect(&mut sim, *b"NO GOOD HEAD\n");
    peer.reads = false;
    let start = sim.now;
    let mut connected = false;
    assert!(sim.run_until(seconds(10), |sim| {
        peer.poll(sim);
        connected |= sim.server.connections() == 1;
        connected && sim.server.connections() == 0
    }));
    let elapsed = sim.now - start;
    assert!((seconds(2)..seconds(3)).contains(&elapsed), "{elapsed}");
    // The reply can still be read.
    peer.reads = true;
    peer.wait_for(&mut sim, b"ERR\nbad-head\n");
    sim.assert_all_slots_work();
}

#[test]
fn a_silent_peer_times_out_in_a_frame_and_between_frames() {
    for (bytes, limit) in [(&b"STRING 5\nhi"[..], 10), (b"", 60)] {
        let mut sim = Sim::new();
        let mut peer = Peer::connect(&mut sim, bytes);
        let start = sim.now;
        peer.wait_for(&mut sim, b"ERR\ntimeout\n");
        let elapsed = sim.now - start;
        assert!((seconds(limit)..seconds(limit + 1)).contains(&elapsed), "{elapsed}");
        assert_eq!(peer.wait_for_end(&mut sim, SECOND), End::Closed);
        sim.assert_all_slots_work();
    }
}

/// Limits whose timeouts a handler of 8 s exceeds.
fn short_timeouts() -> Limits {
    let timeout = core::time::Duration::from_secs(5);
    Limits { frame_timeout: timeout, idle_timeout: timeout, ..LIMITS }
}

#[test]
fn the_time_that_a_handler_takes_is_not_counted_as_idle() {
    let mut sim = Sim::with_config(SimConfig { limits: short_timeouts(), ..SimConfig::default() });
    sim.handler_time = seconds(8);
    let mut peer = Peer::connect(&mut sim, *b"STRING\nhi\n");
    peer.wait_for(&mut sim, b"OK\nThank you.\n");
    sim.run_for(seconds(4));
    sim.socket(peer.handle).send_slice(b"STRING\nhi\n").unwrap();
    peer.wait_for(&mut sim, b"OK\nThank you.\nOK\nThank you.\n");
    let answered = sim.now;
    peer.wait_for(&mut sim, b"OK\nThank you.\nOK\nThank you.\nERR\ntimeout\n");
    assert_eq!(sim.now - answered, seconds(5), "the timeout itself is as long as ever");
}

#[test]
fn the_time_that_a_handler_takes_is_not_counted_for_the_frame_behind_its_request() {
    let mut sim = Sim::with_config(SimConfig { limits: short_timeouts(), ..SimConfig::default() });
    sim.handler_time = seconds(8);
    let mut peer = Peer::connect(&mut sim, *b"STRING\nhi\nSTRING\nh");
    peer.wait_for(&mut sim, b"OK\nThank you.\n");
    sim.run_for(seconds(4));
    sim.socket(peer.handle).send_slice(b"i\n").unwrap();
    peer.wait_for(&mut sim, b"OK\nThank you.\nOK\nThank you.\n");
}

#[test]
fn a_frame_that_trickles_in_times_out_though_its_bytes_are_skipped() {
    let mut sim = Sim::new();
    let mut peer = Peer::connect(&mut sim, [&b"STRING 60000\n"[..], &vec![b'x'; 60_000]].concat());
    peer.max_write = 100;
    let start = sim.now;
    while peer.received.is_empty() {
        peer.poll(&mut sim);
        sim.run_for(Duration::from_millis(500));
        assert!(sim.now - start < seconds(12), "no timeout: {:?}", sim.server);
    }
    assert_eq!(peer.received, b"ERR\ntimeout\n");
}

#[test]
fn a_peer_that_vanishes_is_dropped_in_a_frame_between_frames_and_with_replies_unacknowledged() {
    for bytes in [&b"STRING 5\nhi"[..], b"", b"STRING\nhi\n"] {
        let mut sim = Sim::new();
        let mut peer = Peer::connect(&mut sim, bytes);
        assert!(sim.run_until(seconds(5), |sim| {
            peer.poll(sim);
            sim.server.connections() == 1 && sim.socket(peer.handle).send_queue() == 0
        }));
        sim.client_stack.device.disconnect();
        assert!(sim.run_until(seconds(75), |sim| sim.server.connections() == 0), "{bytes:?}");
    }
}

#[test]
fn a_peer_whose_window_stays_closed_is_reset_and_delays_nobody() {
    let mut sim = Sim::new();
    // Its ring is full after a few replies, and it never reads.
    let handle = sim.connect_with(64);
    let mut stuck = Peer::new(handle, b"STRING\nhi\n".repeat(2_000));
    stuck.reads = false;
    let start = sim.now;
    let mut others = 0;
    while sim.now < start + seconds(25) {
        stuck.poll(&mut sim);
        let mut other = Peer::connect(&mut sim, *b"STRING\nhi\n");
        other.wait_for(&mut sim, b"OK\nThank you.\n");
        sim.socket(other.handle).close();
        sim.run_for(SECOND);
        others += 1;
        stuck.poll(&mut sim);
    }
    assert!(others > 20 && sim.server.connections() == 1);
    assert!(sim.run_until(seconds(20), |sim| sim.server.connections() == 0));
    let elapsed = sim.now - start;
    assert!((seconds(30)..seconds(35)).contains(&elapsed), "{elapsed}");
    assert_eq!(sim.socket(handle).state(), State::Closed, "it got a reset");
    sim.assert_all_slots_work();
}

#[test]
fn backpressure_closes_the_window_and_opens_it_again() {
    let mut sim = Sim::new();
    let all = b"STRING #1\nhi\n".repeat(3_000);
    let handle = sim.connect_with(512);
    let mut peer = Peer::new(handle, all.clone());
    peer.reads = false;
    // Far less than the write timeout, far more than all replies take when they are read.
    let end = sim.now + seconds(10);
    sim.run_until(seconds(10), |sim| {
        peer.poll(sim);
        sim.now >= end
    });
    assert!(sim.socket(handle).send_queue() > 20_000, "the window was closed");
    peer.reads = true;
    let replies = replies_to(&LIMITS, &all);
    peer.wait_for(&mut sim, &replies);
}

#[test]
fn the_frame_timeout_is_paused_while_the_sender_is_blocked() {
    // The frame timeout is 10 s. Replies are blocked for 20 s, with half a frame behind their
    // requests.
    let mut sim = Sim::new();
    let handle = sim.connect_with(64);
    let mut peer = Peer::new(handle, [&b"STRING\nhi\n".repeat(300)[..], b"STRING 5\nab"].concat());
    peer.reads = false;
    let end = sim.now + seconds(20);
    sim.run_until(seconds(20), |sim| {
        peer.poll(sim);
        sim.now >= end
    });
    peer.reads = true;
    let replies = b"OK\nThank you.\n".repeat(300);
    peer.wait_for(&mut sim, &replies);
    sim.socket(handle).send_slice(b"cde\n").unwrap();
    peer.wait_for(&mut sim, &[&replies[..], b"OK\nThank you.\n"].concat());
}

#[test]
fn stopping_answers_frames_that_were_begun_notifies_every_client_and_ends() {
    let mut sim = Sim::new();
    let mut idle = Peer::connect(&mut sim, *b"STRING\nhi\n");
    idle.wait_for(&mut sim, b"OK\nThank you.\n");
    let mut begun = Peer::connect(&mut sim, *b"STRING 5\nab");
    sim.run_until(SECOND, |sim| {
        begun.poll(sim);
        false
    });
    sim.server.stop(sim.now + seconds(5));
    assert!(!sim.server.is_stopped());
    idle.wait_for(&mut sim, b"OK\nThank you.\nERR\nstopping\n");
    sim.socket(begun.handle).send_slice(b"cde\n").unwrap();
    begun.wait_for(&mut sim, b"OK\nThank you.\nERR\nstopping\n");
    let mut late = Peer::connect(&mut sim, *b"STRING\nhi\n");
    assert_eq!(late.wait_for_end(&mut sim, SECOND), End::Reset);
    assert_eq!(idle.wait_for_end(&mut sim, SECOND), End::Closed);
    assert_eq!(begun.wait_for_end(&mut sim, SECOND), End::Closed);
    assert!(sim.run_until(seconds(3), |sim| sim.server.is_stopped()));
}

#[test]
fn stopping_does_not_wait_for_slow_clients() {
    let mut sim = Sim::new();
    let mut begun = Peer::connect(&mut sim, *b"STRING 5\nab");
    begun.reads = false;
    sim.run_until(SECOND, |sim| {
        begun.poll(sim);
        false
    });
    sim.server.stop(sim.now + seconds(3));
    let start = sim.now;
    assert!(sim.run_until(seconds(20), |sim| sim.server.is_stopped()));
    assert!(sim.now - start < seconds(6));
}
