//! The server's slots over a link without faults: frames that wrap, clients that come and go, a
//! full server, and the end of a connection.

mod sim;

use linecard_core::Limits;
use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use sim::peer::{End, Peer};
use sim::{LIMITS, SLOTS, Sim, SimConfig, replies_to};

const SECOND: Duration = Duration::from_secs(1);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Connects to every slot.
fn fill(sim: &mut Sim) -> Vec<Peer> {
    let mut peers: Vec<_> = (0..SLOTS).map(|_| Peer::connect(sim, *b"STRING\nhi\n")).collect();
    for peer in &mut peers {
        peer.wait_for(sim, b"OK\nThank you.\n");
    }
    assert_eq!(sim.server.connections(), SLOTS);
    peers
}

#[test]
fn a_frame_is_answered_wherever_it_wraps_in_its_ring() {
    let mut sim = Sim::new();
    // The lengths of frame and ring share no factor, so the frame wraps at each of its bytes.
    let frame = [b"STRING 997 #1\n", &[b'x'; 997][..], b"\n"].concat();
    let all = frame.repeat(50);
    let mut peer = Peer::connect(&mut sim, all.clone());
    let replies = replies_to(&LIMITS, &all);
    peer.wait_for(&mut sim, &replies);
}

#[test]
fn a_line_is_answered_byte_by_byte_and_wherever_it_wraps() {
    let mut sim = Sim::new();
    let all = b"STRING #12\nA line with some text in it.\r\n".repeat(120);
    let mut peer = Peer::connect(&mut sim, all.clone());
    peer.max_write = 1;
    let replies = replies_to(&LIMITS, &all);
    let received = sim.run_until(seconds(60), |sim| {
        peer.poll(sim);
        sim.sleep(Some(Duration::from_millis(1)));
        peer.received.len() >= replies.len()
    });
    assert!(received && peer.received == replies);
}

#[test]
fn a_frame_that_wraps_is_answered_with_a_fin_behind_it() {
    for first in (900..LIMITS.max_body_len as usize).step_by(61) {
        let mut sim = Sim::new();
        // A connection begins with an empty ring. The length of the first frame decides where the
        // second one wraps.
        let mut peer = Peer::connect(&mut sim, counted(first));
        peer.wait_for(&mut sim, b"OK #1\nThank you.\n");
        sim.socket(peer.handle).send_slice(&counted(1_200)).unwrap();
        sim.socket(peer.handle).close();
        peer.wait_for(&mut sim, b"OK #1\nThank you.\nOK #1\nThank you.\n");
    }
}

#[test]
fn a_frame_that_wraps_and_is_complete_at_its_deadline_is_answered() {
    let mut sim = Sim::new();
    let mut peer = Peer::connect(&mut sim, counted(1_500));
    peer.wait_for(&mut sim, b"OK #1\nThank you.\n");
    let frame = counted(1_200);
    let (begun, rest) = frame.split_at(900);
    sim.socket(peer.handle).send_slice(begun).unwrap();
    sim.run_until(SECOND, |sim| sim.socket(peer.handle).send_queue() == 0);
    let due = sim.server.deadline().unwrap();
    // The rest comes with the deadline, and the server sees both in one poll.
    sim.now = Instant::from_millis(due.as_millis().cast_signed());
    sim.socket(peer.handle).send_slice(rest).unwrap();
    sim.client_stack.poll(sim.now, |_, _| false);
    peer.wait_for(&mut sim, b"OK #1\nThank you.\nOK #1\nThank you.\n");
}

fn counted(len: usize) -> Vec<u8> {
    [format!("STRING {len} #1\n").as_bytes(), &vec![b'x'; len], b"\n"].concat()
}

#[test]
fn clients_that_connect_at_the_moment_others_leave_are_all_served() {
    let mut sim = Sim::new();
    let mut peers = fill(&mut sim);
    for round in 0..300 {
        for peer in &peers {
            sim.socket(peer.handle).abort();
        }
        // Four resets and then four SYNs are on the link before the server receives any.
        sim.client_stack.poll(sim.now, |_, _| false);
        let closed: Vec<_> = peers.iter().map(|peer| peer.handle).collect();
        peers = (0..SLOTS).map(|_| Peer::connect(&mut sim, *b"STRING\nhi\n")).collect();
        sim.client_stack.poll(sim.now, |_, _| false);
        for peer in &mut peers {
            peer.wait_for(&mut sim, b"OK\nThank you.\n");
        }
        assert_eq!(sim.server.connections(), SLOTS, "round {round}");
        for handle in closed {
            sim.client_stack.sockets.remove(handle);
        }
    }
}

#[test]
fn one_connection_too_many_is_answered_busy_and_a_free_slot_is_used_again() {
    let mut sim = Sim::new();
    let mut peers = fill(&mut sim);
    for _ in 0..3 {
        let mut late = Peer::connect(&mut sim, *b"STRING\nhi\n");
        assert_eq!(late.wait_for_end(&mut sim, seconds(5)), End::Closed);
        assert_eq!(late.received, b"ERR\nbusy\n");
        sim.run_for(SECOND);
    }
    let left = peers.pop().unwrap();
    sim.socket(left.handle).close();
    sim.run_for(SECOND);
    let mut next = Peer::connect(&mut sim, *b"STRING\nhi\n");
    next.wait_for(&mut sim, b"OK\nThank you.\n");
    for peer in &peers {
        assert_eq!(sim.socket(peer.handle).state(), State::Established);
    }
}

#[test]
fn the_error_that_closes_arrives_with_megabytes_behind_it() {
    let mut sim = Sim::new();
    let mut flood = b"NO GOOD HEAD\n".to_vec();
    flood.resize(3 << 20, b'x');
    let mut peer = Peer::connect(&mut sim, flood);
    peer.wait_for(&mut sim, b"ERR\nbad-head\n");
    assert_eq!(peer.wait_for_end(&mut sim, seconds(5)), End::Closed);
    assert!(peer.received == b"ERR\nbad-head\n");
    sim.assert_all_slots_work();
}

#[test]
fn bytes_behind_an_error_that_closes_are_discarded_so_that_the_close_is_clean() {
    let mut sim = Sim::new();
    let mut peer = Peer::connect(&mut sim, [&b"NO GOOD HEAD\n"[..], &vec![b'x'; 40_000]].concat());
    peer.half_closes = true;
    let start = sim.now;
    assert_eq!(peer.wait_for_end(&mut sim, seconds(5)), End::Closed);
    assert_eq!(peer.received, b"ERR\nbad-head\n");
    assert!(sim.run_until(seconds(5), |sim| sim.server.connections() == 0));
    assert!(sim.now - start < SECOND, "{}", sim.now - start);
    assert_eq!(sim.socket(peer.handle).send_queue(), 0);
}

#[test]
fn a_half_close_is_answered_and_then_closed() {
    let mut sim = Sim::new();
    let mut peer = Peer::connect(&mut sim, *b"STRING\nhi\nSTRING\nho\nSTRI");
    peer.half_closes = true;
    assert_eq!(peer.wait_for_end(&mut sim, seconds(5)), End::Closed);
    assert_eq!(peer.received, b"OK\nThank you.\nOK\nThank you.\n");
    sim.assert_all_slots_work();
}

#[test]
fn other_limits_work_as_well() {
    let limits = Limits { max_body_len: 16, max_reply_len: 10, skip_budget: 32, ..LIMITS };
    let mut sim = Sim::with_config(SimConfig { limits, ring_slack: 0, ..SimConfig::default() });
    let all = [
        &b"STRING\nhi\n"[..],
        b"STRING 17 #2\n12345678901234567\n",
        b"FROB\n\n",
        b"STRING 33 #4\n",
    ]
    .concat();
    let mut peer = Peer::connect(&mut sim, all.clone());
    assert_eq!(peer.wait_for_end(&mut sim, seconds(30)), End::Closed);
    assert_eq!(peer.received, replies_to(&limits, &all));
}
