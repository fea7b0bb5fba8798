//! Connections that go on requesting and never read a reply.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use socket2::SockRef;

use crate::hostile::{Hostile, Tally, reset};
use crate::requests;

/// Requests in one visit: with replies of a kilobyte each, a connection is stuck after a few.
const REQUESTS: usize = 64;
/// Buffers that are full soon; every other connection keeps the system's own to receive.
const SMALL: usize = 32_768;

fn fill_soon(tcp: &SockRef<'_>, both: bool) {
    let _kept_as_it_is = tcp.set_send_buffer_size(SMALL);
    if both {
        let _kept_as_it_is = tcp.set_recv_buffer_size(SMALL);
    }
}

/// Visits its connections in turn; each visit sends what they still take. One that the server reset is
/// made anew.
pub(crate) struct Deaf {
    addr: SocketAddr,
    requests: Vec<u8>,
    /// The second is the place in `requests` where the next visit goes on.
    connections: Vec<Option<(TcpStream, usize)>>,
    next: usize,
}

impl Deaf {
    pub(crate) fn new(addr: SocketAddr, count: usize) -> Self {
        let requests = requests::widest(1).sent.repeat(REQUESTS);
        Self { addr, requests, connections: (0..count).map(|_| None).collect(), next: 0 }
    }
}

impl Hostile for Deaf {
    const NAME: &'static str = "deaf";

    fn act(&mut self, tally: &mut Tally) {
        let at = self.next;
        self.next = (at + 1) % self.connections.len();
        let connection = &mut self.connections[at];
        if connection.is_none() {
            *connection = tally.connect(self.addr).map(|tcp| (tcp, 0));
            if let Some((tcp, _)) = connection {
                fill_soon(&SockRef::from(&*tcp), at.is_multiple_of(2));
            }
        }
        let Some((tcp, sent)) = connection else { return };
        match tcp.write(&self.requests[*sent..]) {
            Ok(len) => *sent = (*sent + len) % self.requests.len(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => tally.blocked += 1,
            Err(_) => {
                tally.closed += 1;
                connection.take().into_iter().for_each(|(tcp, _)| reset(tcp));
            }
        }
    }
}
