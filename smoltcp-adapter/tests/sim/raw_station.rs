//! A station beside the two stacks that sends whatever frames the test makes.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, IpAddress,
    IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};

use super::link::Port;
use super::{PORT, SERVER, Sim};

const SERVER_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
const STATION_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);
/// The station's address.
pub const STATION: Ipv4Address = Ipv4Address::new(10, 0, 0, 9);

pub struct RawStation(pub Port);

impl RawStation {
    /// Adds a station that the server knows by ARP, so that it gets answers.
    pub fn add(sim: &mut Sim) -> Self {
        let station = Self(sim.link.add_port(1_514));
        station.send_arp(sim.now);
        sim.run_for(Duration::from_millis(1));
        station
    }

    /// Makes itself known. The server forgets it after a minute.
    pub fn send_arp(&self, now: Instant) {
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: STATION_MAC,
            source_protocol_addr: STATION,
            target_hardware_addr: EthernetAddress::BROADCAST,
            target_protocol_addr: SERVER,
        };
        let mut packet = vec![0; arp.buffer_len()];
        arp.emit(&mut ArpPacket::new_unchecked(&mut packet));
        self.0.send(now, &ethernet(EthernetProtocol::Arp, &packet));
    }

    pub fn send(&self, now: Instant, segment: &TcpRepr<'_>) {
        self.0.send(now, &tcp(STATION, segment));
    }

    /// The next segment that was received.
    pub fn take(&self, now: Instant) -> Option<Segment> {
        loop {
            let frame = self.0.take(now)?;
            let ethernet = EthernetFrame::new_unchecked(&frame);
            if ethernet.dst_addr() == STATION_MAC && ethernet.ethertype() == EthernetProtocol::Ipv4
            {
                let ip = Ipv4Packet::new_unchecked(ethernet.payload());
                let tcp = TcpPacket::new_unchecked(ip.payload());
                return Some(Segment {
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

    /// All segments that were received.
    pub fn take_all(&self, now: Instant) -> Vec<Segment> {
        std::iter::from_fn(|| self.take(now)).collect()
    }

    /// Sends a SYN with sequence number 100. Returns the acknowledgement number that completes the
    /// handshake, if a SYN ACK came.
    pub fn send_syn(&self, sim: &mut Sim, port: u16) -> Option<i32> {
        self.send(sim.now, &segment(port, TcpControl::Syn, 100, None));
        sim.run_for(Duration::from_millis(1));
        let segments = self.take_all(sim.now);
        let syn_ack = segments.into_iter().find(|segment| segment.syn && segment.port == port);
        syn_ack.map(|segment| segment.seq.wrapping_add(1))
    }
}

/// The fields of a received segment that tests look at.
#[derive(Debug)]
pub struct Segment {
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    pub port: u16,
    pub seq: i32,
    pub ack: i32,
    pub payload: Vec<u8>,
}

/// A frame from the station to the server.
pub fn ethernet(protocol: EthernetProtocol, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 14 + payload.len()];
    let mut ethernet = EthernetFrame::new_unchecked(&mut frame);
    ethernet.set_src_addr(STATION_MAC);
    ethernet.set_dst_addr(SERVER_MAC);
    ethernet.set_ethertype(protocol);
    ethernet.payload_mut().copy_from_slice(payload);
    frame
}

/// A frame with a segment to the server.
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

/// A segment to the server's port.
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
