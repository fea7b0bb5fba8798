//! Connections that send a byte a second of a frame that never ends.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use crate::hostile::{Hostile, Tally, is_closed, reset};

const FRAME: &[u8] = b"STRING 9000 #1\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// Visits its connections in turn; each visit sends one byte. One that the server closed, behind its
/// frame deadline, is made anew.
pub(crate) struct Dribblers {
    addr: SocketAddr,
    connections: Vec<Option<(TcpStream, usize)>>,
    next: usize,
}

impl Dribblers {
    pub(crate) fn new(addr: SocketAddr, count: usize) -> Self {
        Self { addr, connections: (0..count).map(|_| None).collect(), next: 0 }
    }
}

impl Hostile for Dribblers {
    const NAME: &'static str = "dribble";

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
            // The next visit sees it.
            Err(_) => {}
        }
    }
}
