//! A neighbour that is known without ARP, which has no checksum: on a link that flips bits an ARP
//! reply can name a wrong station, and smoltcp believes it for a minute.

use smoltcp::phy::{self, Device, DeviceCapabilities};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, Ipv4Address,
};

/// Bytes of an ARP packet in its frame.
const ARP_FRAME_LEN: usize = 42;
/// How often the stack is told, well before it forgets after 60 s.
const AGAIN: Duration = Duration::from_secs(20);

/// A device whose stack knows one IPv4 neighbour for good, and hears no ARP from the link.
#[derive(Debug)]
pub struct Neighbour<D> {
    lower: D,
    /// What tells the stack.
    frame: [u8; ARP_FRAME_LEN],
    next: Instant,
}

impl<D: Device> Neighbour<D> {
    /// Lets the stack that has address `own` know that `address` is the station `station`.
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

impl<D: Device> Device for Neighbour<D> {
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
            self.next = now + AGAIN;
            return Some((RxToken::Own(&self.frame), self.lower.transmit(now)?));
        }
        let (rx, tx) = self.lower.receive(now)?;
        Some((RxToken::Lower(rx), tx))
    }

    fn transmit(&mut self, now: Instant) -> Option<Self::TxToken<'_>> {
        self.lower.transmit(now)
    }
}

/// A frame that came in, or what the stack is told.
#[derive(Debug)]
pub enum RxToken<'a, T> {
    /// The neighbour's station.
    Own(&'a [u8]),
    /// From the link.
    Lower(T),
}

impl<T: phy::RxToken> phy::RxToken for RxToken<'_, T> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        match self {
            Self::Own(frame) => f(frame),
            // The stack passes over a frame without bytes.
            Self::Lower(token) => token.consume(|frame| f(if is_arp(frame) { &[] } else { frame })),
        }
    }
}

fn is_arp(frame: &[u8]) -> bool {
    EthernetFrame::new_checked(frame).is_ok_and(|frame| frame.ethertype() == EthernetProtocol::Arp)
}
