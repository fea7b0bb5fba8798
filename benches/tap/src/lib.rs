//! What both bare servers of this comparison have in common: the link, and the size of the rings.

use linecard_smoltcp::tap::{Clock, Sleeper, Tap};
use smoltcp::iface::{Config, Interface};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

/// Where every server listens.
pub const PORT: u16 = 61_000;

/// A failure, for a person.
pub type Failure = Box<dyn std::error::Error>;

/// tap0, and smoltcp with 192.168.69.1 on it.
///
/// # Errors
/// No device.
pub fn open() -> Result<(Tap, Interface, Sleeper, Clock), Failure> {
    let mut tap = Tap::open("tap0")?;
    let (sleeper, clock) = (tap.sleeper()?, Clock::start());
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into());
    let mut iface = Interface::new(config, &mut tap, clock.now());
    iface.update_ip_addrs(|list| {
        let _ = list.push(IpCidr::new(IpAddress::v4(192, 168, 69, 1), 24));
    });
    Ok((tap, iface, sleeper, clock))
}

/// A socket with rings of so many bytes.
#[must_use]
pub fn socket(ring_len: usize) -> Socket<'static> {
    let ring = || SocketBuffer::new(vec![0; ring_len]);
    Socket::new(ring(), ring())
}

/// Tells the program that runs the comparison that it may begin.
///
/// # Errors
/// Nobody listens.
pub fn announce() -> std::io::Result<()> {
    use std::io::Write as _;
    println!("listening on 192.168.69.1:{PORT}");
    std::io::stdout().flush()
}
