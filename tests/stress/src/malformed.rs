//! Malformed frames, of the kinds that the server answers and of those behind which it closes.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use crate::hostile::{Hostile, Tally, is_closed, reset};

const CONNECTIONS: usize = 50;

const FRAMES: [&[u8]; 10] = [
    // Closes: the head, the length, what stands behind a counted body.
    b"\x00\xff\xfe\x01 ?? \x80\n\n",
    b"STRING 01 #1\nx\n",
    b"STRING 99999999999999999999\n",
    b"ThisNameIsLongerThanThirtyTwoBytesAndThenSomeMoreAndMoreAndMoreAndMore",
    b"STRING 4294967295 #4294967295\n",
    b"STRING 3 #7\nabcd\n",
    // Stays open: an unknown name, text that is none, values that are none.
    b"FROB 3 #7\nabc\n",
    b"STRING 2 #8\n\xc3\x28\n",
    b"COMPLEX 8 #9\n\x01\x01\x01\x01\x01\x01\x01\x01\n",
    b"COMPLEX 12 #10\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\n",
];

/// Visits its connections in turn; each visit sends the next bad frame. One that the server closed is
/// made anew.
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

impl Hostile for Malformed {
    const NAME: &'static str = "malformed";

    fn act(&mut self, tally: &mut Tally) {
        let at = self.sent % CONNECTIONS;
        // Every connection gets each of the frames, sooner or later.
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
            // A connection that is gone is seen by the next visit.
            let _taken = tcp.write(frame);
        }
    }
}
