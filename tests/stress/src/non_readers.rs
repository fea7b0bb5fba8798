//! Connections that keep sending requests and never read a reply.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use socket2::SockRef;

use crate::attacker::{Attacker, Tally, reset};
use crate::requests;

/// Requests in one write. Replies have a kilobyte each, so a few writes fill a connection.
const REQUESTS: usize = 64;
/// Socket buffers of this size fill soon. Every other connection keeps the default receive buffer.
const SMALL_BUFFER: usize = 32_768;

fn shrink_buffers(tcp: &SockRef<'_>, receive_too: bool) {
    let _best_effort = tcp.set_send_buffer_size(SMALL_BUFFER);
    if receive_too {
        let _best_effort = tcp.set_recv_buffer_size(SMALL_BUFFER);
    }
}

/// Each action sends, on the next connection in turn, as much as it still takes. A connection that
/// the server reset is replaced.
pub(crate) struct NonReaders {
    addr: SocketAddr,
    requests: Vec<u8>,
    /// With the position in `requests` at which the next write continues.
    connections: Vec<Option<(TcpStream, usize)>>,
    next: usize,
}

impl NonReaders {
    pub(crate) fn new(addr: SocketAddr, count: usize) -> Self {
        let requests = requests::longest(1).sent.repeat(REQUESTS);
        Self { addr, requests, connections: (0..count).map(|_| None).collect(), next: 0 }
    }
}

impl Attacker for NonReaders {
    const NAME: &'static str = "no-read";

    fn act(&mut self, tally: &mut Tally) {
        let at = self.next;
        self.next = (at + 1) % self.connections.len();
        let connection = &mut self.connections[at];
        if connection.is_none() {
            *connection = tally.connect(self.addr).map(|tcp| (tcp, 0));
            if let Some((tcp, _)) = connection {
                shrink_buffers(&SockRef::from(&*tcp), at.is_multiple_of(2));
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
