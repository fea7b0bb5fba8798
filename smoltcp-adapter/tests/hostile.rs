//! Segments and frames that nobody should send: none panics, and none costs a slot.

// Numbers here are noise, or small.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

mod world;

use smoltcp::time::Duration;
use smoltcp::wire::{EthernetProtocol, Ipv4Address, TcpControl};

use world::ghost::{GHOST, Ghost, ethernet, segment, tcp};
use world::peer::Peer;
use world::seed::Seed;
use world::{SERVER, World};

#[test]
fn a_syn_without_an_ack_ever_is_reaped() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    let begun = world.now;
    ghost.send(world.now, &segment(1, TcpControl::Syn, 1, None));
    assert!(world.run(Duration::from_secs(1), |world| world.server.connections() == 1));
    assert!(world.run(Duration::from_secs(10), |world| world.server.connections() == 0));
    assert_eq!(world.now - begun, Duration::from_secs(5));
    world.assert_alive();
}

#[test]
fn under_a_flood_of_syns_clients_get_through_and_afterwards_all_is_as_before() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    let mut served = 0;
    for second in 0..120_u16 {
        if second % 20 == 0 {
            ghost.announce(world.now);
        }
        for syn in 0..2 {
            ghost.send(world.now, &segment(2 * second + syn + 1, TcpControl::Syn, 7, None));
            world.run_for(Duration::from_millis(500));
        }
        let mut peer = Peer::new(world.connect(), b"STRING\nhi\n".to_vec());
        world.run(Duration::from_secs(1), |world| {
            peer.drive(world);
            peer.is_done() || peer.got == b"OK\nThank you.\n"
        });
        served += usize::from(peer.got == b"OK\nThank you.\n");
        world.socket(peer.handle).abort();
    }
    // Half of them, were half-open connections not given up the earlier the fewer slots are free.
    assert!(served > 110, "{served} of 120 clients were served");
    world.assert_alive();
}

#[test]
fn thousands_of_syns_at_once_cost_no_slot() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    for port in 1..5_000 {
        ghost.send(world.now, &segment(port, TcpControl::Syn, 7, None));
    }
    world.run_for(Duration::from_secs(1));
    world.assert_alive();
}

#[test]
fn thousands_of_handshakes_that_are_reset_at_every_point_cost_no_slot() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    let mut seed = Seed::new(3);
    for round in 0..4_000_u16 {
        if round % 500 == 0 {
            ghost.announce(world.now);
        }
        let port = 1_000 + round;
        let ours = ghost.knock(&mut world, port);
        let ours = ours.unwrap_or_else(|| panic!("round {round}: no SYN ACK: {:?}", world.server));
        if seed.percent(50) {
            ghost.send(world.now, &segment(port, TcpControl::None, 101, Some(ours)));
        }
        if seed.percent(50) {
            world.run_for(Duration::from_millis(1));
        }
        ghost.send(world.now, &segment(port, TcpControl::Rst, 101, Some(ours)));
        world.run_for(Duration::from_millis(1));
        assert_eq!(world.server.connections(), 0, "round {round}");
    }
    world.assert_alive();
}

#[test]
fn thousands_of_connects_in_a_row_are_all_served() {
    let mut world = World::fair();
    for round in 0..3_000 {
        let handle = world.connect();
        let mut peer = Peer::new(handle, b"STRING\nhi\n".to_vec());
        // Without a pause: each comes while the last one is still closing.
        let served = world.run(Duration::from_secs(5), |world| {
            peer.drive(world);
            peer.is_done() || peer.got == b"OK\nThank you.\n"
        });
        assert!(served && peer.got == b"OK\nThank you.\n", "round {round}: {:?}", peer.end);
        match round % 3 {
            0 => world.socket(handle).abort(),
            _ => world.socket(handle).close(),
        }
        // One frame's worth of time, not more.
        world.run(Duration::from_millis(1), |_| true);
        if round % 3 == 0 {
            world.run_for(Duration::from_millis(1));
        }
        if round > 20 {
            forget_the_oldest(&mut world);
        }
    }
    world.assert_alive();
}

/// Sockets of the client's that are closed would only slow the test.
fn forget_the_oldest(world: &mut World) {
    let closed = world.client.sockets.iter().find_map(|(handle, socket)| match socket {
        smoltcp::socket::Socket::Tcp(socket) => (!socket.is_open()).then_some(handle),
    });
    if let Some(handle) = closed {
        world.client.sockets.remove(handle);
    }
}

#[test]
fn a_syn_that_comes_twice_costs_the_first_ones_connection_nothing() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    // Slot 0 is taken, so the ghost's SYN gets slot 1; then slot 0 is free, and is in front of it.
    let first = world.connect();
    assert!(world.run(Duration::from_secs(1), |world| world.server.connections() == 1));
    let ours = ghost.knock(&mut world, 5).expect("a SYN ACK");
    assert_eq!(world.server.connections(), 2);
    world.socket(first).abort();
    assert!(world.run(Duration::from_secs(1), |world| world.server.connections() == 1));

    ghost.send(world.now, &segment(5, TcpControl::Syn, 100, None));
    world.run_for(Duration::from_millis(1));
    let mut ack = segment(5, TcpControl::Psh, 101, Some(ours));
    ack.payload = b"STRING\nhi\n";
    ghost.send(world.now, &ack);
    world.run_for(Duration::from_millis(20));
    let answers = ghost.take_all(world.now);
    assert!(answers.iter().all(|seen| !seen.rst), "reset: {answers:?}");
    assert!(answers.iter().any(|seen| seen.ack == 111), "the request was taken: {answers:?}");
    assert_eq!(world.server.connections(), 1);
}

#[test]
fn twins_that_come_at_once_are_one() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    let first = world.connect();
    assert!(world.run(Duration::from_secs(1), |world| world.server.connections() == 1));
    // In one poll: a SYN for slot 1, a reset of slot 0's connection, and the SYN again, for slot 0.
    ghost.send(world.now, &segment(5, TcpControl::Syn, 100, None));
    world.socket(first).abort();
    world.client.poll(world.now, |_, _| false);
    ghost.send(world.now, &segment(5, TcpControl::Syn, 100, None));
    world.run_for(Duration::from_millis(1));
    assert_eq!(world.server.connections(), 1);
    let answers = ghost.take_all(world.now);
    assert_eq!(answers.iter().filter(|seen| seen.syn).count(), 1, "{answers:?}");
}

#[test]
fn a_peer_that_never_acknowledges_our_fin_is_reset_however_lively_it_is() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    let (ours, said) = refused_head(&mut world, &ghost);
    let begun = world.now;
    let mut seen = vec![];
    while world.server.connections() > 0 {
        ghost.announce(world.now);
        // Lively, and then silent for longer than a keep-alive's interval.
        let acks = if (world.now - begun).secs().is_multiple_of(16) { 6 } else { 0 };
        for _ in 0..acks {
            let ack = segment(5, TcpControl::None, 114, Some(ours.wrapping_add(said)));
            ghost.send(world.now, &ack);
        }
        world.run_for(Duration::from_secs(1));
        seen.extend(ghost.take_all(world.now));
        assert!(world.now - begun < Duration::from_secs(35), "{:?}", world.server);
    }
    assert!(seen.iter().any(|seen| seen.rst), "it is told");
    // smoltcp forgot the FIN at so many equal ACKs; a keep-alive brings it back.
    let fin = ours.wrapping_add(said);
    assert!(seen.iter().any(|seen| seen.fin && seen.seq == fin), "{seen:?}");
    assert!(seen.iter().all(|seen| seen.payload.is_empty()), "{seen:?}");
    world.assert_alive();
}

/// A connection that was told `bad-head`, and our FIN behind it: our first byte's number, and how
/// many came.
fn refused_head(world: &mut World, ghost: &Ghost) -> (i32, i32) {
    let ours = ghost.knock(world, 5).expect("a SYN ACK");
    let mut head = segment(5, TcpControl::Psh, 101, Some(ours));
    head.payload = b"NO GOOD HEAD\n";
    ghost.send(world.now, &head);
    world.run_for(Duration::from_millis(1));
    assert!(ghost.take_all(world.now).iter().any(|seen| seen.payload == b"ERR\nbad-head\n"));
    (ours, b"ERR\nbad-head\n".len() as i32)
}

#[test]
fn the_last_bytes_before_a_fin_are_acknowledged_although_time_wait_is_cut_short() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    let (ours, said) = refused_head(&mut world, &ghost);
    let all = Some(ours.wrapping_add(said + 1));
    ghost.send(world.now, &segment(5, TcpControl::None, 114, all));
    let mut last = segment(5, TcpControl::Fin, 114, all);
    last.payload = b"leftovers";
    ghost.send(world.now, &last);
    world.run_for(Duration::from_millis(1));
    assert_eq!(world.server.connections(), 0);
    let acks: Vec<_> = ghost.take_all(world.now).into_iter().map(|seen| seen.ack).collect();
    assert!(acks.contains(&(114 + 9 + 1)), "{acks:?}");
}

#[test]
fn garbage_from_the_link_never_panics_nor_costs_a_slot() {
    for seed in 0..20 {
        let mut world = World::fair();
        let ghost = Ghost::appear(&mut world);
        let mut seed = Seed::new(seed);
        for round in 0..2_000 {
            ghost.0.send(world.now, &garbage(&mut seed));
            if round % 16 == 0 {
                world.run_for(Duration::from_millis(seed.within(0..=30)));
            }
        }
        world.run_for(Duration::from_secs(1));
        assert!(world.run(Duration::from_secs(120), |world| world.server.connections() == 0));
        world.assert_alive();
    }
}

/// Noise, cut or bent frames, and well-formed segments that make no sense.
fn garbage(seed: &mut Seed) -> Vec<u8> {
    let kind = seed.within(0..=9);
    let mut frame = if kind == 0 {
        let len = seed.size(0..=200);
        let noise: Vec<u8> = (0..len).map(|_| seed.next() as u8).collect();
        let protocols = [EthernetProtocol::Ipv4, EthernetProtocol::Arp, EthernetProtocol::Ipv6];
        ethernet(protocols[seed.size(0..=2)], &noise)
    } else {
        senseless_segment(seed)
    };
    if kind < 4 {
        for _ in 0..seed.within(1..=4) {
            let at = seed.size(0..=frame.len() - 1);
            frame[at] = seed.next() as u8;
        }
        frame.truncate(seed.size(1..=frame.len()));
    }
    frame
}

fn senseless_segment(seed: &mut Seed) -> Vec<u8> {
    let controls =
        [TcpControl::None, TcpControl::Psh, TcpControl::Syn, TcpControl::Fin, TcpControl::Rst];
    // Few ports, so that they meet again in other states; numbers near each other, at the ends, and
    // anywhere.
    let number = |seed: &mut Seed| match seed.within(0..=3) {
        0 => seed.next() as i32,
        1 => i32::MAX.wrapping_add(seed.within(0..=4) as i32),
        _ => seed.within(0..=3_000) as i32,
    };
    let control = controls[seed.size(0..=4)];
    let (seq, ack) = (number(seed), seed.percent(50).then(|| number(seed)));
    let mut segment = segment(seed.within(1..=6) as u16, control, seq, ack);
    segment.window_len = [0, 1, 1_000, 65_535][seed.size(0..=3)];
    segment.payload = [&b""[..], b"STRING\nhi\n", b"x", b"STRING 9\n"][seed.size(0..=3)];
    if control == TcpControl::Syn {
        segment.payload = b"";
        segment.max_seg_size = [None, Some(0), Some(1), Some(536), Some(65_535)][seed.size(0..=4)];
        segment.window_scale = [None, Some(0), Some(14)][seed.size(0..=2)];
        segment.sack_permitted = seed.percent(50);
    }
    let senders =
        [GHOST, SERVER, Ipv4Address::BROADCAST, Ipv4Address::UNSPECIFIED, Ipv4Address::LOCALHOST];
    let sender = if seed.percent(90) { GHOST } else { senders[seed.size(0..=4)] };
    tcp(sender, &segment)
}

#[test]
fn a_conversation_amid_guesses_at_its_numbers_goes_on() {
    let mut world = World::fair();
    let ghost = Ghost::appear(&mut world);
    let mut seed = Seed::new(11);
    let mut peer = Peer::new(world.connect(), b"STRING\nhi\n".repeat(200));
    peer.piece = 10;
    let end = world.run(Duration::from_secs(60), |world| {
        peer.drive(world);
        // As from the client: its address and port, numbers at random.
        let (seq, ack) = (seed.next() as i32, Some(seed.next() as i32));
        let forged = segment(49_152, TcpControl::Rst, seq, ack);
        ghost.0.send(world.now, &tcp(Ipv4Address::new(10, 0, 0, 2), &forged));
        peer.is_done() || peer.got.len() == 200 * b"OK\nThank you.\n".len()
    });
    assert!(end && peer.end.is_none(), "{:?}", peer.end);
}
