//! The options of our sockets, and why.

use smoltcp::socket::tcp::Socket;

use crate::setup::Timeouts;
use crate::time::to_smoltcp;

/// To be set before a connection begins.
pub(crate) fn prepare(socket: &mut Socket<'_>, timeouts: &Timeouts) {
    // What is written in one turn leaves in one piece: there is nothing for Nagle to gather.
    socket.set_nagle_enabled(false);
    socket.set_timeout(Some(to_smoltcp(timeouts.write)));
    // It finds a peer that is gone. It also revives a connection whose timer smoltcp forgot: where a
    // late segment said that the peer's window was shut, and where our FIN was lost and three
    // doubled ACKs came.
    socket.set_keep_alive(Some(to_smoltcp(timeouts.keep_alive)));
}
