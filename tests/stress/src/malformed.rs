//! Malformed frames: some that the server answers, some that make it close the connection.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use crate::attacker::{Attacker, Tally, is_closed, reset};

const CONNECTIONS: usize = 50;

const FRAMES: [&[u8]; 10] = [
    // The server closes: bad heads, bad lengths, no LF after a counted body.
    b"\x00\xff\xfe\x01 ?? \x80\n\n",
    b"STRING 01 #1\nx\n",
    b"STRING 99999999999999999999\n",
    b"ThisNameIsLongerThanThirtyTwoBytesAndThenSomeMoreAndMoreAndMoreAndMore",
    b"STRING 4294967295 #4294967295\n",
    b"STRING 3 #7\nabcd\n",
    // The connection stays open: an unknown name, invalid UTF-8, invalid values.
    b"FROB 3 #7\nabc\n",
    b"STRING 2 #8\n\xc3\x28\n",
    b"COMPLEX 8 #9\n\x01\x01\x01\x01\x01\x01\x01\x01\n",
    b"COMPLEX 12 #10\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n",
];

/// Each action sends the next bad frame on the next connection in turn. A connection that the
/// server closed is replaced.
pub(crate) struct Malformed {
    addr: SocketAddr,
    connections: Vec<Option<TcpStream>>,
    sent: usize,
}

impl Malformed {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, connections: (0..CONNECTIONS).map(|_| None).collect(), sent: 0 }
    }
}

impl Attacker for Malformed {
    const NAME: &'static str = "malformed";

    fn act(&mut self, tally: &mut Tally) {
        let at = self.sent % CONNECTIONS;
        // The offset grows with every round, so each connection gets each of the frames.
        let frame = FRAMES[(self.sent + self.sent / CONNECTIONS) % FRAMES.len()];
        self.sent += 1;
        let connection = &mut self.connections[at];
        if let Some(tcp) = connection.take_if(|tcp| is_closed(tcp)) {
            tally.closed += 1;
            reset(tcp);
        }
        if connection.is_none() {
            *connection = tally.connect(self.addr);
        }
        if let Some(tcp) = connection {
            // `is_closed` notices an error at this connection's next turn.
            let _best_effort = tcp.write(frame);
        }
    }
}
