//! The options of our sockets, and why they are set.

use smoltcp::socket::tcp::Socket;

use crate::setup::Timeouts;
use crate::time::to_smoltcp;

/// Call it before a connection begins.
pub(crate) fn set_options(socket: &mut Socket<'_>, timeouts: &Timeouts) {
    // All replies of one poll are written at once: Nagle's algorithm has nothing to gather.
    socket.set_nagle_enabled(false);
    socket.set_timeout(Some(to_smoltcp(timeouts.write)));
    // Keep-alives find a peer that is gone. They also revive a connection whose timer smoltcp lost:
    // after a late segment that said that the peer's window was shut, or after our FIN was lost and
    // three duplicate ACKs came.
    socket.set_keep_alive(Some(to_smoltcp(timeouts.keep_alive)));
}
