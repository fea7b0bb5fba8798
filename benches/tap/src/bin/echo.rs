//! The least that a smoltcp server can do: so many octets in, so many out, and no look at any of
//! them.
//!
//! ```text
//! echo REQUEST_LEN REPLY_FILE
//! ```

use std::io::{Write, stdout};

use linecard_smoltcp::tap::{Clock, Tap};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

const RING_LEN: usize = 65_536;
const PORT: u16 = 61_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let request_len: usize = args.next().ok_or("no REQUEST_LEN")?.parse()?;
    let reply = std::fs::read(args.next().ok_or("no REPLY_FILE")?)?;

    let mut tap = Tap::open("tap0")?;
    let (sleeper, clock) = (tap.sleeper()?, Clock::start());
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into());
    let mut iface = Interface::new(config, &mut tap, clock.now());
    iface.update_ip_addrs(|list| {
        let _ = list.push(IpCidr::new(IpAddress::v4(192, 168, 69, 1), 24));
    });
    let ring = || SocketBuffer::new(vec![0; RING_LEN]);
    let mut sockets = SocketSet::new(vec![]);
    let mut socket = Socket::new(ring(), ring());
    socket.listen(PORT)?;
    socket.set_nagle_enabled(false);
    let handle = sockets.add(socket);
    println!("listening on 192.168.69.1:{PORT}");
    stdout().flush()?;

    loop {
        iface.poll(clock.now(), &mut tap, &mut sockets);
        if answer(sockets.get_mut(handle), request_len, &reply) {
            iface.poll_egress(clock.now(), &mut tap, &mut sockets);
        }
        let longest = iface.poll_delay(clock.now(), &sockets);
        if longest.is_none_or(|longest| longest.total_micros() > 0) {
            sleeper.sleep(longest.map(Into::into))?;
        }
    }
}

/// Answers every whole request; says whether there was one.
fn answer(socket: &mut Socket<'_>, request_len: usize, reply: &[u8]) -> bool {
    match socket.state() {
        State::Closed | State::TimeWait => {
            let _ = socket.listen(PORT);
        }
        State::CloseWait if !socket.can_recv() => socket.close(),
        _ => {}
    }
    let mut answered = false;
    while socket.recv_queue() >= request_len
        && socket.send_capacity() - socket.send_queue() >= reply.len()
    {
        let mut left = request_len;
        while left > 0 {
            let Ok(len) = socket.recv(|octets| {
                let len = left.min(octets.len());
                (len, len)
            }) else {
                return answered;
            };
            left -= len;
        }
        answered |= socket.send_slice(reply).is_ok();
    }
    answered
}
