//! Segments and frames that no honest peer sends: none causes a panic, and none blocks a slot.

// Numbers here are random or small.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

mod sim;

use smoltcp::time::Duration;
use smoltcp::wire::{EthernetProtocol, Ipv4Address, TcpControl};

use sim::peer::Peer;
use sim::raw_station::{RawStation, STATION, ethernet, segment, tcp};
use sim::rng::Rng;
use sim::{SERVER, Sim};

#[test]
fn a_handshake_that_is_never_completed_times_out() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    let start = sim.now;
    station.send(sim.now, &segment(1, TcpControl::Syn, 1, None));
    assert!(sim.run_until(Duration::from_secs(1), |sim| sim.server.connections() == 1));
    assert!(sim.run_until(Duration::from_secs(10), |sim| sim.server.connections() == 0));
    assert_eq!(sim.now - start, Duration::from_secs(5));
    sim.assert_all_slots_work();
}

#[test]
fn during_a_flood_of_syns_clients_are_served() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    let mut served = 0;
    for second in 0..120_u16 {
        if second % 20 == 0 {
            station.send_arp(sim.now);
        }
        for syn in 0..2 {
            station.send(sim.now, &segment(2 * second + syn + 1, TcpControl::Syn, 7, None));
            sim.run_for(Duration::from_millis(500));
        }
        let mut peer = Peer::new(sim.connect(), b"STRING\nhi\n".to_vec());
        sim.run_until(Duration::from_secs(1), |sim| {
            peer.poll(sim);
            peer.is_done() || peer.received == b"OK\nThank you.\n"
        });
        served += usize::from(peer.received == b"OK\nThank you.\n");
        sim.socket(peer.handle).abort();
    }
    // It would be half of them if handshakes didn't time out sooner while no slot is free.
    assert!(served > 110, "{served} of 120 clients were served");
    sim.assert_all_slots_work();
}

#[test]
fn thousands_of_syns_at_once_block_no_slot() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    for port in 1..5_000 {
        station.send(sim.now, &segment(port, TcpControl::Syn, 7, None));
    }
    sim.run_for(Duration::from_secs(1));
    sim.assert_all_slots_work();
}

#[test]
fn thousands_of_handshakes_reset_at_every_point_block_no_slot() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    let mut rng = Rng::new(3);
    for round in 0..4_000_u16 {
        if round % 500 == 0 {
            station.send_arp(sim.now);
        }
        let port = 1_000 + round;
        let ack = station.send_syn(&mut sim, port);
        let ack = ack.unwrap_or_else(|| panic!("round {round}: no SYN ACK: {:?}", sim.server));
        if rng.chance(50) {
            station.send(sim.now, &segment(port, TcpControl::None, 101, Some(ack)));
        }
        if rng.chance(50) {
            sim.run_for(Duration::from_millis(1));
        }
        station.send(sim.now, &segment(port, TcpControl::Rst, 101, Some(ack)));
        sim.run_for(Duration::from_millis(1));
        assert_eq!(sim.server.connections(), 0, "round {round}");
    }
    sim.assert_all_slots_work();
}

#[test]
fn thousands_of_connects_in_a_row_are_all_served() {
    let mut sim = Sim::new();
    for round in 0..3_000 {
        let handle = sim.connect();
        let mut peer = Peer::new(handle, b"STRING\nhi\n".to_vec());
        // Without a pause: each connects while the last one is still closing.
        let served = sim.run_until(Duration::from_secs(5), |sim| {
            peer.poll(sim);
            peer.is_done() || peer.received == b"OK\nThank you.\n"
        });
        assert!(served && peer.received == b"OK\nThank you.\n", "round {round}: {:?}", peer.end);
        match round % 3 {
            0 => sim.socket(handle).abort(),
            _ => sim.socket(handle).close(),
        }
        sim.run_until(Duration::from_millis(1), |_| true);
        if round % 3 == 0 {
            sim.run_for(Duration::from_millis(1));
        }
        if round > 20 {
            remove_a_closed_socket(&mut sim);
        }
    }
    sim.assert_all_slots_work();
}

/// Closed sockets of the client would slow the test.
fn remove_a_closed_socket(sim: &mut Sim) {
    let closed = sim.client_stack.sockets.iter().find_map(|(handle, socket)| match socket {
        smoltcp::socket::Socket::Tcp(socket) => (!socket.is_open()).then_some(handle),
    });
    if let Some(handle) = closed {
        sim.client_stack.sockets.remove(handle);
    }
}

#[test]
fn a_duplicate_syn_does_not_disturb_the_connection_of_the_first() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    // Slot 0 is in use, so the station's SYN gets slot 1. Then slot 0 becomes free, which smoltcp
    // offers a SYN to first.
    let first = sim.connect();
    assert!(sim.run_until(Duration::from_secs(1), |sim| sim.server.connections() == 1));
    let ack = station.send_syn(&mut sim, 5).expect("a SYN ACK");
    assert_eq!(sim.server.connections(), 2);
    sim.socket(first).abort();
    assert!(sim.run_until(Duration::from_secs(1), |sim| sim.server.connections() == 1));

    station.send(sim.now, &segment(5, TcpControl::Syn, 100, None));
    sim.run_for(Duration::from_millis(1));
    let mut request = segment(5, TcpControl::Psh, 101, Some(ack));
    request.payload = b"STRING\nhi\n";
    station.send(sim.now, &request);
    sim.run_for(Duration::from_millis(20));
    let answers = station.take_all(sim.now);
    assert!(answers.iter().all(|segment| !segment.rst), "reset: {answers:?}");
    assert!(answers.iter().any(|segment| segment.ack == 111), "not received: {answers:?}");
    assert_eq!(sim.server.connections(), 1);
}

#[test]
fn two_syns_of_one_connection_in_one_poll_get_one_slot() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    let first = sim.connect();
    assert!(sim.run_until(Duration::from_secs(1), |sim| sim.server.connections() == 1));
    // In one poll: a SYN for slot 1, a reset of slot 0's connection, and the SYN again, for slot 0.
    station.send(sim.now, &segment(5, TcpControl::Syn, 100, None));
    sim.socket(first).abort();
    sim.client_stack.poll(sim.now, |_, _| false);
    station.send(sim.now, &segment(5, TcpControl::Syn, 100, None));
    sim.run_for(Duration::from_millis(1));
    assert_eq!(sim.server.connections(), 1);
    let answers = station.take_all(sim.now);
    assert_eq!(answers.iter().filter(|segment| segment.syn).count(), 1, "{answers:?}");
}

#[test]
fn a_peer_that_never_acknowledges_our_fin_is_reset_even_if_it_sends() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    let (ack, reply_len) = send_bad_head(&mut sim, &station);
    let start = sim.now;
    let mut segments = vec![];
    while sim.server.connections() > 0 {
        station.send_arp(sim.now);
        // Several ACKs, then silence for longer than the keep-alive interval.
        let acks = if (sim.now - start).secs().is_multiple_of(16) { 6 } else { 0 };
        for _ in 0..acks {
            let ack = segment(5, TcpControl::None, 114, Some(ack.wrapping_add(reply_len)));
            station.send(sim.now, &ack);
        }
        sim.run_for(Duration::from_secs(1));
        segments.extend(station.take_all(sim.now));
        assert!(sim.now - start < Duration::from_secs(35), "{:?}", sim.server);
    }
    assert!(segments.iter().any(|segment| segment.rst), "no reset");
    // After so many equal ACKs smoltcp no longer repeats the FIN; a keep-alive makes it do so.
    let fin = ack.wrapping_add(reply_len);
    assert!(segments.iter().any(|segment| segment.fin && segment.seq == fin), "{segments:?}");
    assert!(segments.iter().all(|segment| segment.payload.is_empty()), "{segments:?}");
    sim.assert_all_slots_work();
}

/// Connects and sends a bad head, which the server answers before it closes. Returns the sequence
/// number of the reply and its length.
fn send_bad_head(sim: &mut Sim, station: &RawStation) -> (i32, i32) {
    let ack = station.send_syn(sim, 5).expect("a SYN ACK");
    let mut head = segment(5, TcpControl::Psh, 101, Some(ack));
    head.payload = b"NO GOOD HEAD\n";
    station.send(sim.now, &head);
    sim.run_for(Duration::from_millis(1));
    let reply = b"ERR\nbad-head\n";
    assert!(station.take_all(sim.now).iter().any(|segment| segment.payload == reply));
    (ack, reply.len() as i32)
}

#[test]
fn the_last_bytes_before_a_fin_are_acknowledged_although_time_wait_is_cut_short() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    let (ack, reply_len) = send_bad_head(&mut sim, &station);
    let all = Some(ack.wrapping_add(reply_len + 1));
    station.send(sim.now, &segment(5, TcpControl::None, 114, all));
    let mut last = segment(5, TcpControl::Fin, 114, all);
    last.payload = b"leftovers";
    station.send(sim.now, &last);
    sim.run_for(Duration::from_millis(1));
    assert_eq!(sim.server.connections(), 0);
    let acks: Vec<_> = station.take_all(sim.now).into_iter().map(|segment| segment.ack).collect();
    assert!(acks.contains(&(114 + 9 + 1)), "{acks:?}");
}

#[test]
fn garbage_from_the_link_causes_no_panic_and_blocks_no_slot() {
    for seed in 0..20 {
        let mut sim = Sim::new();
        let station = RawStation::add(&mut sim);
        let mut rng = Rng::new(seed);
        for round in 0..2_000 {
            station.0.send(sim.now, &garbage(&mut rng));
            if round % 16 == 0 {
                sim.run_for(Duration::from_millis(rng.within(0..=30)));
            }
        }
        sim.run_for(Duration::from_secs(1));
        assert!(sim.run_until(Duration::from_secs(120), |sim| sim.server.connections() == 0));
        sim.assert_all_slots_work();
    }
}

/// Random bytes, truncated or altered frames, and well-formed segments that fit no connection.
fn garbage(rng: &mut Rng) -> Vec<u8> {
    let kind = rng.within(0..=9);
    let mut frame = if kind == 0 {
        let len = rng.usize_within(0..=200);
        let bytes: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        let protocols = [EthernetProtocol::Ipv4, EthernetProtocol::Arp, EthernetProtocol::Ipv6];
        ethernet(protocols[rng.usize_within(0..=2)], &bytes)
    } else {
        random_segment(rng)
    };
    if kind < 4 {
        for _ in 0..rng.within(1..=4) {
            let at = rng.usize_within(0..=frame.len() - 1);
            frame[at] = rng.next() as u8;
        }
        frame.truncate(rng.usize_within(1..=frame.len()));
    }
    frame
}

fn random_segment(rng: &mut Rng) -> Vec<u8> {
    let controls =
        [TcpControl::None, TcpControl::Psh, TcpControl::Syn, TcpControl::Fin, TcpControl::Rst];
    // Few ports, so that segments meet connections in many states. Sequence numbers are near each
    // other, at the ends of their range, or anywhere.
    let number = |rng: &mut Rng| match rng.within(0..=3) {
        0 => rng.next() as i32,
        1 => i32::MAX.wrapping_add(rng.within(0..=4) as i32),
        _ => rng.within(0..=3_000) as i32,
    };
    let control = controls[rng.usize_within(0..=4)];
    let (seq, ack) = (number(rng), rng.chance(50).then(|| number(rng)));
    let mut segment = segment(rng.within(1..=6) as u16, control, seq, ack);
    segment.window_len = [0, 1, 1_000, 65_535][rng.usize_within(0..=3)];
    segment.payload = [&b""[..], b"STRING\nhi\n", b"x", b"STRING 9\n"][rng.usize_within(0..=3)];
    if control == TcpControl::Syn {
        segment.payload = b"";
        segment.max_seg_size =
            [None, Some(0), Some(1), Some(536), Some(65_535)][rng.usize_within(0..=4)];
        segment.window_scale = [None, Some(0), Some(14)][rng.usize_within(0..=2)];
        segment.sack_permitted = rng.chance(50);
    }
    let senders =
        [STATION, SERVER, Ipv4Address::BROADCAST, Ipv4Address::UNSPECIFIED, Ipv4Address::LOCALHOST];
    let sender = if rng.chance(90) { STATION } else { senders[rng.usize_within(0..=4)] };
    tcp(sender, &segment)
}

#[test]
fn a_connection_survives_forged_resets() {
    let mut sim = Sim::new();
    let station = RawStation::add(&mut sim);
    let mut rng = Rng::new(11);
    let mut peer = Peer::new(sim.connect(), b"STRING\nhi\n".repeat(200));
    peer.max_write = 10;
    let end = sim.run_until(Duration::from_secs(60), |sim| {
        peer.poll(sim);
        // With the client's address and port, and random sequence numbers.
        let (seq, ack) = (rng.next() as i32, Some(rng.next() as i32));
        let forged = segment(49_152, TcpControl::Rst, seq, ack);
        station.0.send(sim.now, &tcp(Ipv4Address::new(10, 0, 0, 2), &forged));
        peer.is_done() || peer.received.len() == 200 * b"OK\nThank you.\n".len()
    });
    assert!(end && peer.end.is_none(), "{:?}", peer.end);
}
