//! What the servers of this comparison share: the link, and sockets of one size.

use linecard_core::{Answered, Frame, Limits, Reply, Service};
use linecard_smoltcp::tap::{Clock, Sleeper, Tap};
use smoltcp::iface::{Config, Interface};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

/// The length of a body in bulk, in bytes. It fits the rings with its head.
pub const BULK_LEN: u32 = 60_000;

/// The limits of the server that returns bodies.
pub const LIMITS: Limits =
    Limits { max_body_len: BULK_LEN, max_reply_len: BULK_LEN, ..Limits::DEVICE };

/// A service that returns the bytes of each body.
pub struct ReturnBody;

impl Service for ReturnBody {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        reply.bytes(request.body.bytes())
    }
}

/// The port of every server.
pub const PORT: u16 = 61_000;

/// An error for the user.
pub type Failure = Box<dyn std::error::Error>;

/// Opens tap0, with smoltcp at 192.168.69.1.
///
/// # Errors
/// There is no device.
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

/// A socket with rings of `ring_len` bytes.
#[must_use]
pub fn socket(ring_len: usize) -> Socket<'static> {
    let ring = || SocketBuffer::new(vec![0; ring_len]);
    Socket::new(ring(), ring())
}

/// Prints the address: the comparison may begin.
///
/// # Errors
/// Standard output is closed.
pub fn announce() -> std::io::Result<()> {
    use std::io::Write as _;
    println!("listening on 192.168.69.1:{PORT}");
    std::io::stdout().flush()
}
