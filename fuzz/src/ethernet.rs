//! The smoltcp server, sent arbitrary Ethernet frames by a hostile station.
//!
//! ```text
//! data:  (kind │ arguments)…      raw frames, almost valid TCP segments, pauses
//! ```
//!
//! Nothing panics or spins. After enough silence every slot is free again. Then as many honest
//! clients as there are slots are answered, all at the same time.

use std::collections::VecDeque;
use std::time;

use linecard_core::Limits;
use linecard_demo::{Demo, table};
use linecard_smoltcp::{Resources, Scratch, Server, Stack};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{
    ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken as Received, TxToken as Sent,
};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, IpAddress, IpCidr, IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, TcpPacket,
};

use crate::byte;

const SLOTS: usize = 3;
const PORT: u16 = 61_000;
const LIMITS: Limits = Limits {
    max_body_len: 120,
    max_reply_len: 100,
    skip_budget: 400,
    frame_timeout: time::Duration::from_secs(1),
    idle_timeout: time::Duration::from_secs(5),
};
const SERVER: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
const STATION: Ipv4Address = Ipv4Address::new(10, 0, 0, 9);
const STATION_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);
/// Ports that the station sends from.
const PORTS: usize = 6;

/// The most polls that one pause may take.
const MAX_POLLS: usize = 5_000;

pub fn check(mut data: &[u8]) {
    let mut frame = vec![0; LIMITS.max_request_frame_len()];
    let mut reply = vec![0; LIMITS.max_reply_frame_len()];
    let scratch = Scratch { frame: &mut frame, reply: &mut reply };
    let mut net = Net::new(scratch);
    let mut station = HostileStation::default();
    net.receive(announce());
    while !data.is_empty() {
        match byte(&mut data) {
            0 => {
                let len = byte(&mut data) + 256 * (byte(&mut data) % 6);
                let (raw, rest) = data.split_at(len.min(data.len()));
                data = rest;
                net.receive(raw.to_vec());
            }
            1 => net.pass(Duration::from_millis(20 * byte(&mut data) as u64)),
            2 => net.pass(Duration::from_millis(400 * byte(&mut data) as u64)),
            _ => {
                let segment = station.segment(&mut data);
                net.receive(segment);
            }
        }
        station.learn(&mut net);
    }
    net.assert_alive();
}

/// A device between two queues of frames. It ignores checksums.
#[derive(Default)]
struct Wire {
    inbox: VecDeque<Vec<u8>>,
    outbox: VecDeque<Vec<u8>>,
}

struct Arrived(Vec<u8>);
struct Leaving<'w>(&'w mut VecDeque<Vec<u8>>);

impl Device for Wire {
    type RxToken<'w> = Arrived;
    type TxToken<'w> = Leaving<'w>;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }

    fn receive(&mut self, _now: Instant) -> Option<(Arrived, Leaving<'_>)> {
        let frame = self.inbox.pop_front()?;
        Some((Arrived(frame), Leaving(&mut self.outbox)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Leaving<'_>> {
        Some(Leaving(&mut self.outbox))
    }
}

impl Received for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl Sent for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.push_back(frame);
        result
    }
}

fn stack(station: u8) -> Stack<'static, Wire> {
    let mut device = Wire::default();
    let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, station]).into());
    config.random_seed = u64::from(station);
    let mut iface = Interface::new(config, &mut device, Instant::ZERO);
    let address = IpCidr::new(IpAddress::v4(10, 0, 0, station), 24);
    iface.update_ip_addrs(|addresses| addresses.push(address).expect("it fits"));
    Stack { device, iface, sockets: SocketSet::new(vec![]) }
}

fn socket(receive: usize, transmit: usize) -> Socket<'static> {
    Socket::new(SocketBuffer::new(vec![0; receive]), SocketBuffer::new(vec![0; transmit]))
}

/// The server on its stack, and the current time.
struct Net<'s> {
    stack: Stack<'static, Wire>,
    server: Server<'s, SLOTS>,
    now: Instant,
}

impl<'s> Net<'s> {
    fn new(scratch: Scratch<'s>) -> Self {
        let mut stack = stack(1);
        let (rx, tx) = (LIMITS.max_request_frame_len() + 100, LIMITS.max_reply_frame_len() + 100);
        let slots = [(); SLOTS].map(|()| stack.sockets.add(socket(rx, tx)));
        let spare = stack.sockets.add(socket(16, 16));
        let resources = Resources::new(slots, spare, scratch, &LIMITS);
        let server =
            Server::new(&mut stack.sockets, resources).expect("rings and scratch are enough");
        Self { stack, server, now: Instant::from_millis(1_000) }
    }

    fn receive(&mut self, frame: Vec<u8>) {
        self.stack.device.inbox.push_back(frame);
        self.poll();
    }

    fn poll(&mut self) -> Option<Duration> {
        self.server.poll(self.now, &mut self.stack, &mut table().bind(Demo))
    }

    /// Polls at each deadline until `span` has passed.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        for polls in 0.. {
            assert!(polls < MAX_POLLS, "it polls without end");
            let sleep = self.poll().unwrap_or(span);
            self.now = (self.now + sleep).min(end);
            if self.now >= end {
                break;
            }
        }
        self.poll();
    }

    /// After silence every slot is free, and each serves a new client.
    fn assert_alive(&mut self) {
        self.pass(Duration::from_secs(120));
        assert_eq!(self.server.connections(), 0, "{:?}", self.server);
        self.stack.device.outbox.clear();
        let mut clients = stack(2);
        let handles = [0, 1, 2].map(|at| {
            let mut socket = socket(200, 200);
            let to = (IpAddress::Ipv4(SERVER), PORT);
            socket.connect(clients.iface.context(), to, 50_000 + at).expect("connects");
            clients.sockets.add(socket)
        });
        for round in 0..100 {
            clients.poll(self.now, |_, _| false);
            self.stack.device.inbox.append(&mut clients.device.outbox);
            self.poll();
            clients.device.inbox.append(&mut self.stack.device.outbox);
            for handle in handles {
                let socket = clients.sockets.get_mut::<Socket<'_>>(handle);
                if round == 20 {
                    socket.send_slice(b"STRING #7\nhi\n").expect("connected");
                }
            }
            self.now += Duration::from_millis(10);
        }
        assert_eq!(self.server.connections(), SLOTS, "not every slot took a connection");
        for handle in handles {
            let mut got = [0; 100];
            let socket = clients.sockets.get_mut::<Socket<'_>>(handle);
            let len = socket.recv_slice(&mut got).expect("connected");
            assert_eq!(&got[..len], b"OK #7\nThank you.\n");
        }
    }
}

/// By source port: the sequence and acknowledgment numbers that the next segment should have.
#[derive(Default)]
struct HostileStation {
    next: [(i32, i32); PORTS],
}

impl HostileStation {
    /// A segment of one of its connections, with right or almost right numbers.
    fn segment(&mut self, data: &mut &[u8]) -> Vec<u8> {
        let port = byte(data) % PORTS;
        let flags = byte(data);
        let numbers = byte(data);
        let len = byte(data);
        let (payload, rest) = data.split_at(len.min(data.len()));
        *data = rest;
        // Mostly the expected numbers; a few slightly wrong, a few far off.
        let offset = |nibble: usize| match nibble {
            0..=9 => 0,
            10..=12 => nibble as i32 - 11,
            13 => 100,
            14 => -1_000,
            _ => i32::MIN,
        };
        let (seq, ack) = self.next[port];
        let mut bytes = vec![0; 20 + payload.len()];
        bytes[20..].copy_from_slice(payload);
        let mut tcp = TcpPacket::new_unchecked(&mut bytes);
        tcp.set_src_port(40_000 + port as u16);
        tcp.set_dst_port(PORT);
        tcp.set_seq_number(smoltcp::wire::TcpSeqNumber(seq.wrapping_add(offset(numbers & 15))));
        tcp.set_ack_number(smoltcp::wire::TcpSeqNumber(ack.wrapping_add(offset(numbers >> 4))));
        tcp.set_header_len(20);
        tcp.set_fin(flags & 1 != 0);
        tcp.set_syn(flags & 2 != 0);
        tcp.set_rst(flags & 4 != 0);
        tcp.set_psh(flags & 8 != 0);
        tcp.set_ack(flags & 16 != 0);
        tcp.set_window_len([65_535, 0, 1, 50][flags >> 6]);
        let taken = payload.len() as i32 + i32::from(flags & 1 != 0) + i32::from(flags & 2 != 0);
        self.next[port].0 = seq.wrapping_add(taken);
        ipv4(&bytes)
    }

    /// Learns the next expected numbers from the server's segments.
    fn learn(&mut self, net: &mut Net<'_>) {
        for frame in net.stack.device.outbox.drain(..) {
            let Ok(ethernet) = EthernetFrame::new_checked(&frame) else { continue };
            let Ok(ip) = Ipv4Packet::new_checked(ethernet.payload()) else { continue };
            let Ok(tcp) = TcpPacket::new_checked(ip.payload()) else { continue };
            if let Some(next) = self.next.get_mut(usize::from(tcp.dst_port()).wrapping_sub(40_000))
            {
                *next = (tcp.ack_number().0, (tcp.seq_number() + tcp.segment_len()).0);
            }
        }
    }
}

fn ethernet(kind: EthernetProtocol, len: usize, emit: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let head = EthernetRepr {
        src_addr: STATION_MAC,
        dst_addr: EthernetAddress([2, 0, 0, 0, 0, 1]),
        ethertype: kind,
    };
    let mut bytes = vec![0; head.buffer_len() + len];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    head.emit(&mut frame);
    emit(frame.payload_mut());
    bytes
}

fn ipv4(payload: &[u8]) -> Vec<u8> {
    let head = Ipv4Repr {
        src_addr: STATION,
        dst_addr: SERVER,
        next_header: IpProtocol::Tcp,
        payload_len: payload.len(),
        hop_limit: 64,
    };
    let len = head.buffer_len() + payload.len();
    ethernet(EthernetProtocol::Ipv4, len, |bytes| {
        let mut packet = Ipv4Packet::new_unchecked(bytes);
        head.emit(&mut packet, &ChecksumCapabilities::ignored());
        packet.payload_mut().copy_from_slice(payload);
    })
}

/// An ARP request, from which the server learns the station's address.
fn announce() -> Vec<u8> {
    let arp = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: STATION_MAC,
        source_protocol_addr: STATION,
        target_hardware_addr: EthernetAddress::BROADCAST,
        target_protocol_addr: SERVER,
    };
    ethernet(EthernetProtocol::Arp, arp.buffer_len(), |bytes| {
        arp.emit(&mut ArpPacket::new_unchecked(bytes));
    })
}
