//! The least that a smoltcp server can do: it receives so many bytes, and sends so many, without
//! parsing any.
//!
//! ```text
//! echo REQUEST_LEN REPLY_FILE
//! ```

use linecard_tap_bench::{Failure, PORT, announce, open, socket};
use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp::{Socket, State};

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let request_len: usize = args.next().ok_or("no REQUEST_LEN")?.parse()?;
    let reply = std::fs::read(args.next().ok_or("no REPLY_FILE")?)?;

    let (mut tap, mut iface, sleeper, clock) = open()?;
    let mut sockets = SocketSet::new(vec![]);
    let mut socket = socket(65_536);
    socket.listen(PORT)?;
    socket.set_nagle_enabled(false);
    let handle = sockets.add(socket);
    announce()?;

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

/// Answers every complete request. Returns whether there was one.
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
            let Ok(len) = socket.recv(|bytes| {
                let len = left.min(bytes.len());
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
