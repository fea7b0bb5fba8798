//! Connects that are reset at once.

use std::io::Write;
use std::net::SocketAddr;

use crate::hostile::{Hostile, Tally, reset};

/// One connects and resets; every other one has begun a frame.
pub(crate) struct Resetters {
    addr: SocketAddr,
    begins: bool,
}

impl Resetters {
    pub(crate) const fn new(addr: SocketAddr) -> Self {
        Self { addr, begins: false }
    }
}

impl Hostile for Resetters {
    const NAME: &'static str = "reset";

    fn act(&mut self, tally: &mut Tally) {
        let Some(mut tcp) = tally.connect(self.addr) else { return };
        self.begins = !self.begins;
        if self.begins {
            let _lost_anyway = tcp.write(b"STRING 100 #1\nhalf of it");
        }
        reset(tcp);
    }
}
