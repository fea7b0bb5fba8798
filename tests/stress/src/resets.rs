//! Connections that are reset as soon as they are made.

use std::io::Write;
use std::net::SocketAddr;

use crate::attacker::{Attacker, Tally, reset};

/// Each action connects and resets. Every other connection sends half a frame before that.
pub(crate) struct Resetters {
    addr: SocketAddr,
    sends: bool,
}

impl Resetters {
    pub(crate) const fn new(addr: SocketAddr) -> Self {
        Self { addr, sends: false }
    }
}

impl Attacker for Resetters {
    const NAME: &'static str = "reset";

    fn act(&mut self, tally: &mut Tally) {
        let Some(mut tcp) = tally.connect(self.addr) else { return };
        self.sends = !self.sends;
        if self.sends {
            let _best_effort = tcp.write(b"STRING 100 #1\nhalf of it");
        }
        reset(tcp);
    }
}
