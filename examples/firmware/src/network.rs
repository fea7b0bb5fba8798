//! What all the network images have in common: the board's addresses, those that QEMU's network expects, and its time.

use smoltcp::iface::{Config, Interface};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Address};

use crate::clock;
use crate::ethernet::Ethernet;

/// The board's Ethernet address: one that no maker of hardware gives.
pub const HARDWARE: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

/// The board's address in QEMU's network.
const ADDRESS: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 2, 15), 24);

/// The way out of QEMU's network, which is also the host.
pub const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// The interface, with its addresses.
pub fn interface(device: &mut Ethernet<'_>) -> Interface {
    let mut iface = Interface::new(Config::new(HardwareAddress::Ethernet(HARDWARE)), device, now());
    iface.update_ip_addrs(|addresses| {
        let _there_is_room_for_one = addresses.push(ADDRESS);
    });
    let _there_is_room_for_one = iface.routes_mut().add_default_ipv4_route(GATEWAY);
    iface
}

/// The board's time, as smoltcp counts it.
pub fn now() -> Instant {
    Instant::from_millis(i64::try_from(clock::now()).unwrap_or(i64::MAX))
}
