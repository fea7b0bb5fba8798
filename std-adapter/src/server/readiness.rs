//! What is known of a socket's readiness to be read.
//!
//! Readiness is edge-triggered: it is reported once, and again only when more bytes arrive. So a
//! connection reads until the socket is drained. A read that would block shows that, but costs a
//! system call. On Linux a short read shows it as well, with two exceptions that the event names.

use mio::Interest;
use mio::event::Event;

/// Whether a short read shows that the socket is drained, unless the event said otherwise.
/// Elsewhere than on Linux no event tells about urgent data, so that only a read that would block
/// shows it.
const SHORT_READ_DRAINS: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// What a connection registers for.
pub(super) const INTEREST: Interest = interest();

#[cfg(any(target_os = "linux", target_os = "android"))]
const fn interest() -> Interest {
    Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
const fn interest() -> Interest {
    Interest::READABLE.add(Interest::WRITABLE)
}

/// What is known of the bytes still to be read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Readiness {
    /// There may be some.
    pub(super) readable: bool,
    /// A short read doesn't drain the socket, because something else may be behind it:
    /// - urgent data (`MSG_OOB`): a read stops in front of it, and the next one skips it;
    /// - the end of the stream, once the peer has shut its side down.
    read_until_would_block: bool,
    /// The end of the stream was read.
    pub(super) ended: bool,
}

impl Readiness {
    /// An event of the poll.
    pub(super) fn after_event(&mut self, event: &Event) {
        self.readable |= event.is_readable();
        self.read_until_would_block |= event.is_priority() || event.is_read_closed();
    }

    /// A read gave `len` bytes into a buffer of `capacity`.
    pub(super) const fn after_read(&mut self, len: usize, capacity: usize) {
        self.ended = len == 0;
        let drained = SHORT_READ_DRAINS && len < capacity && !self.read_until_would_block;
        self.readable = !self.ended && !drained;
    }

    /// A read would block.
    pub(super) const fn after_would_block(&mut self) {
        self.readable = false;
        self.read_until_would_block = false;
    }
}
