//! A neighbour that is known without ARP. ARP has no checksum: on a link that flips bits a reply
//! can name a wrong address, which smoltcp then uses for a minute.

use smoltcp::phy::{self, Device, DeviceCapabilities};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, Ipv4Address,
};

/// Bytes of an ARP packet and its Ethernet header.
const ARP_FRAME_LEN: usize = 42;
/// How often the stack gets the ARP reply; it forgets a neighbour after 60 s.
const INTERVAL: Duration = Duration::from_secs(20);

/// A device whose stack knows one IPv4 neighbour permanently, and receives no ARP from the link.
#[derive(Debug)]
pub struct StaticNeighbour<D> {
    lower: D,
    /// The ARP reply that the stack gets at each interval.
    frame: [u8; ARP_FRAME_LEN],
    next: Instant,
}

impl<D: Device> StaticNeighbour<D> {
    /// The stack has the addresses `own`; its neighbour `address` has the Ethernet address
    /// `station`.
    pub fn new(
        lower: D,
        own: (Ipv4Address, EthernetAddress),
        (address, station): (Ipv4Address, EthernetAddress),
    ) -> Self {
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: station,
            source_protocol_addr: address,
            target_hardware_addr: own.1,
            target_protocol_addr: own.0,
        };
        let ethernet =
            EthernetRepr { src_addr: station, dst_addr: own.1, ethertype: EthernetProtocol::Arp };
        let mut frame = [0; ARP_FRAME_LEN];
        let mut whole = EthernetFrame::new_unchecked(&mut frame[..]);
        ethernet.emit(&mut whole);
        arp.emit(&mut ArpPacket::new_unchecked(whole.payload_mut()));
        Self { lower, frame, next: Instant::ZERO }
    }
}

impl<D: Device> Device for StaticNeighbour<D> {
    type RxToken<'a>
        = RxToken<'a, D::RxToken<'a>>
    where
        Self: 'a;
    type TxToken<'a>
        = D::TxToken<'a>
    where
        Self: 'a;

    fn capabilities(&self) -> DeviceCapabilities {
        self.lower.capabilities()
    }

    fn receive(&mut self, now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        if now >= self.next {
            self.next = now + INTERVAL;
            return Some((RxToken::Own(&self.frame), self.lower.transmit(now)?));
        }
        let (rx, tx) = self.lower.receive(now)?;
        Some((RxToken::Lower(rx), tx))
    }

    fn transmit(&mut self, now: Instant) -> Option<Self::TxToken<'_>> {
        self.lower.transmit(now)
    }
}

/// A received frame, or the neighbour's ARP reply.
#[derive(Debug)]
pub enum RxToken<'a, T> {
    /// The ARP reply.
    Own(&'a [u8]),
    /// From the link.
    Lower(T),
}

impl<T: phy::RxToken> phy::RxToken for RxToken<'_, T> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        match self {
            Self::Own(frame) => f(frame),
            // The stack ignores a frame without bytes.
            Self::Lower(token) => token.consume(|frame| f(if is_arp(frame) { &[] } else { frame })),
        }
    }
}

fn is_arp(frame: &[u8]) -> bool {
    EthernetFrame::new_checked(frame).is_ok_and(|frame| frame.ethertype() == EthernetProtocol::Arp)
}
