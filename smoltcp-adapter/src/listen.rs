//! Where a server listens, and whether it still does.

use linecard_core::Instant;
use smoltcp::socket::tcp::Socket;

#[derive(Clone, Copy)]
pub(crate) struct ListenState {
    pub(crate) port: u16,
    /// The server stops: it no longer listens, and connections may go on until then.
    pub(crate) stop_by: Option<Instant>,
}

impl ListenState {
    pub(crate) const fn is_stopping(self) -> bool {
        self.stop_by.is_some()
    }

    /// Forgets the socket's connection without telling the peer, and listens again unless the
    /// server is stopping.
    pub(crate) fn reopen(self, socket: &mut Socket<'_>) {
        socket.abort();
        // It succeeds: the socket is closed and the port is not 0. It also discards the reset that
        // `abort` would send.
        let _ = socket.listen(self.port);
        if self.is_stopping() {
            socket.close();
        }
    }
}
