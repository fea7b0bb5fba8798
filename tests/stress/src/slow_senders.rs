//! Slowloris: connections that send one byte a second of a frame that never ends.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use crate::attacker::{Attacker, Tally, is_closed, reset};

const FRAME: &[u8] = b"STRING 9000 #1\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// Each action sends one byte on the next connection in turn. A connection that the server closed,
/// after its frame timeout, is replaced.
pub(crate) struct SlowSenders {
    addr: SocketAddr,
    /// With the number of bytes sent.
    connections: Vec<Option<(TcpStream, usize)>>,
    next: usize,
}

impl SlowSenders {
    pub(crate) fn new(addr: SocketAddr, count: usize) -> Self {
        Self { addr, connections: (0..count).map(|_| None).collect(), next: 0 }
    }
}

impl Attacker for SlowSenders {
    const NAME: &'static str = "slow-send";

    fn act(&mut self, tally: &mut Tally) {
        let at = self.next;
        self.next = (at + 1) % self.connections.len();
        let connection = &mut self.connections[at];
        if let Some((tcp, _)) = connection.take_if(|(tcp, _)| is_closed(tcp)) {
            tally.closed += 1;
            reset(tcp);
        }
        if connection.is_none() {
            *connection = tally.connect(self.addr).map(|tcp| (tcp, 0));
        }
        let Some((tcp, sent)) = connection else { return };
        let byte = FRAME.get(*sent).copied().unwrap_or(b'x');
        match tcp.write(&[byte]) {
            Ok(_) => *sent += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => tally.blocked += 1,
            // `is_closed` notices it at this connection's next turn.
            Err(_) => {}
        }
    }
}
