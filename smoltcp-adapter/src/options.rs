//! The options of our sockets, and why.

use linecard_core::Millis;
use smoltcp::socket::tcp::Socket;
use smoltcp::time::Duration;

use crate::setup::Timeouts;

/// To be set before a connection begins.
pub(crate) fn prepare(socket: &mut Socket<'_>, timeouts: &Timeouts) {
    // What is written in one turn leaves in one piece: there is nothing for Nagle to gather.
    socket.set_nagle_enabled(false);
    socket.set_timeout(Some(span(timeouts.write)));
    // It finds a peer that is gone. It also revives a connection on which a late segment said that
    // the peer's window was shut: smoltcp then waits for word of it, and asks only so.
    socket.set_keep_alive(Some(span(timeouts.keep_alive)));
}

/// Closes our half. A keep-alive of smoltcp's carries an octet at the number before the next. From
/// now on that is our FIN's, and a peer that lost the FIN would take the octet for ours: so none is
/// sent any more.
pub(crate) fn shut(socket: &mut Socket<'_>) {
    socket.close();
    socket.set_keep_alive(None);
}

pub(crate) fn span(millis: Millis) -> Duration {
    Duration::from_millis(millis.0)
}
