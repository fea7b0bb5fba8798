//! A station beside the two stacks that sends what it likes.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress,
    IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};

use super::wire::End;
use super::{PORT, SERVER, World};

const SERVER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
const GHOST_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);
pub const GHOST: Ipv4Address = Ipv4Address::new(10, 0, 0, 9);

/// A station that sends what it likes.
pub struct Ghost(pub End);

impl Ghost {
    /// Known to the server by ARP, so that it is answered.
    pub fn appear(world: &mut World) -> Self {
        let ghost = Self(world.wire.plug(1_514));
        ghost.announce(world.now);
        world.run_for(Duration::from_millis(1));
        ghost
    }

    pub fn announce(&self, now: Instant) {
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: GHOST_MAC,
            source_protocol_addr: GHOST,
            target_hardware_addr: EthernetAddress::BROADCAST,
            target_protocol_addr: SERVER,
        };
        let mut packet = vec![0; arp.buffer_len()];
        arp.emit(&mut ArpPacket::new_unchecked(&mut packet));
        self.0.send(now, &ethernet(EthernetProtocol::Arp, &packet));
    }

    pub fn send(&self, now: Instant, segment: &TcpRepr<'_>) {
        self.0.send(now, &tcp(GHOST, segment));
    }

    /// The next segment that came.
    pub fn take(&self, now: Instant) -> Option<Seen> {
        loop {
            let frame = self.0.take(now)?;
            let ethernet = EthernetFrame::new_unchecked(&frame);
            if ethernet.dst_addr() == GHOST_MAC && ethernet.ethertype() == EthernetProtocol::Ipv4 {
                let ip = Ipv4Packet::new_unchecked(ethernet.payload());
                let tcp = TcpPacket::new_unchecked(ip.payload());
                return Some(Seen {
                    syn: tcp.syn(),
                    fin: tcp.fin(),
                    rst: tcp.rst(),
                    port: tcp.dst_port(),
                    seq: tcp.seq_number().0,
                    ack: tcp.ack_number().0,
                    payload: tcp.payload().to_vec(),
                });
            }
        }
    }

    /// All segments that came.
    pub fn take_all(&self, now: Instant) -> Vec<Seen> {
        std::iter::from_fn(|| self.take(now)).collect()
    }

    /// Sends a SYN, and gives the number of the byte that is ours to acknowledge first.
    pub fn knock(&self, world: &mut World, port: u16) -> Option<i32> {
        self.send(world.now, &segment(port, TcpControl::Syn, 100, None));
        world.run_for(Duration::from_millis(1));
        let answer =
            self.take_all(world.now).into_iter().find(|seen| seen.syn && seen.port == port);
        answer.map(|seen| seen.seq.wrapping_add(1))
    }
}

/// What matters of a segment that came.
#[derive(Debug)]
pub struct Seen {
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    pub port: u16,
    pub seq: i32,
    pub ack: i32,
    pub payload: Vec<u8>,
}

pub fn ethernet(kind: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 14 + payload.len()];
    let mut ethernet = EthernetFrame::new_unchecked(&mut frame);
    ethernet.set_src_addr(GHOST_MAC);
    ethernet.set_dst_addr(SERVER_MAC);
    ethernet.set_ethertype(kind);
    ethernet.payload_mut().copy_from_slice(payload);
    frame
}

pub fn tcp(from: Ipv4Address, segment: &TcpRepr<'_>) -> Vec<u8> {
    let ip = Ipv4Repr {
        src_addr: from,
        dst_addr: SERVER,
        next_header: IpProtocol::Tcp,
        payload_len: segment.buffer_len(),
        hop_limit: 64,
    };
    let mut packet = vec![0; ip.buffer_len() + segment.buffer_len()];
    let checksums = ChecksumCapabilities::default();
    ip.emit(&mut Ipv4Packet::new_unchecked(&mut packet[..]), &checksums);
    segment.emit(
        &mut TcpPacket::new_unchecked(&mut packet[ip.buffer_len()..]),
        &IpAddress::Ipv4(from),
        &IpAddress::Ipv4(SERVER),
        &checksums,
    );
    ethernet(EthernetProtocol::Ipv4, &packet)
}

pub fn segment(port: u16, control: TcpControl, seq: i32, ack: Option<i32>) -> TcpRepr<'static> {
    TcpRepr {
        src_port: port,
        dst_port: PORT,
        control,
        seq_number: TcpSeqNumber(seq),
        ack_number: ack.map(TcpSeqNumber),
        window_len: 1_000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: b"",
    }
}
