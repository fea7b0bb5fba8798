//! What the network images have in common: the board's addresses, which QEMU's network expects, and
//! its time.

use linecard_core::Limits;
use smoltcp::iface::{Config, Interface};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Address};

use crate::clock;
use crate::ethernet::{Ethernet, MAX_SEGMENT_LEN};

/// The board's Ethernet address, a locally administered one.
pub const HARDWARE: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

/// What a session accepts, returns and waits for.
pub const LIMITS: Limits = Limits::DEVICE;

/// Bytes of a receive ring: the longest frame and one segment more. With less, a peer would find
/// the window too small for a segment while a frame is incomplete, and wait seconds for a larger
/// one (RFC 9293, 3.8.6.2.1).
pub const RECEIVE_RING: usize = LIMITS.max_request_frame_len() + MAX_SEGMENT_LEN;

/// Bytes of a transmit ring: the longest reply and one segment in flight. With less, each reply
/// would have to be acknowledged before the next request is carried out, and a peer may delay that.
pub const TRANSMIT_RING: usize = LIMITS.max_reply_frame_len() + MAX_SEGMENT_LEN;

/// The board's address in QEMU's network.
const ADDRESS: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 2, 15), 24);

/// The gateway of QEMU's network, which is also the host.
pub const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// The interface, with its addresses.
pub fn interface(device: &mut Ethernet<'_>) -> Interface {
    let mut iface = Interface::new(Config::new(HardwareAddress::Ethernet(HARDWARE)), device, now());
    iface.update_ip_addrs(|addresses| {
        let _one_fits = addresses.push(ADDRESS);
    });
    let _one_fits = iface.routes_mut().add_default_ipv4_route(GATEWAY);
    iface
}

/// The board's time in smoltcp's type.
#[must_use]
pub fn now() -> Instant {
    Instant::from_millis(i64::try_from(clock::now()).unwrap_or(i64::MAX))
}
