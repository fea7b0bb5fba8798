//! Showing a session the front of a receive ring: in place, or put together where it wraps.
//!
//! ```text
//! ring:     ...tail of a frame│          │front of the frame...
//!              └── second ────┘          └────── first ──────┘
//! in place:                               first alone, which is all in most cases
//! gathered: first and second, in the scratch
//! ```

use linecard_core::Want;
use smoltcp::socket::tcp;

/// How much of the ring a look showed, and what came of it.
pub(crate) struct View {
    /// Bytes that were consumed, and are gone from the ring.
    pub(crate) consumed: usize,
    /// Whether all that was received was shown.
    pub(crate) all: bool,
    pub(crate) want: Want,
}

/// Shows `f` the front of the ring as far as it lies in one piece. `end` says whether a FIN follows
/// what was received; `f` is told so only with the last of it. `None` where the socket can't be
/// read, which no socket with bytes in it is.
pub(crate) fn in_place(
    socket: &mut tcp::Socket<'_>,
    end: bool,
    f: impl FnOnce(&[u8], bool) -> (usize, Want),
) -> Option<View> {
    let queued = socket.recv_queue();
    if queued == 0 {
        // `recv` would fail after a FIN, and there the session is to see the end.
        let (consumed, want) = f(&[], end);
        return Some(View { consumed, all: true, want });
    }
    let view = |bytes: &mut [u8]| {
        let all = bytes.len() == queued;
        let (consumed, want) = f(bytes, end && all);
        (consumed, View { consumed, all, want })
    };
    socket.recv(view).ok()
}

/// Shows `f` a copy of the front of the ring, wrap or no wrap, as far as `scratch` goes.
pub(crate) fn gathered(
    socket: &mut tcp::Socket<'_>,
    scratch: &mut [u8],
    end: bool,
    f: impl FnOnce(&[u8], bool) -> (usize, Want),
) -> Option<View> {
    let queued = socket.recv_queue();
    let len = socket.peek_slice(scratch).ok()?;
    let all = len == queued;
    let (consumed, want) = f(scratch.get(..len).unwrap_or_default(), end && all);
    drop_front(socket, consumed)?;
    Some(View { consumed, all, want })
}

/// Drops bytes at the front of the ring, of both pieces.
fn drop_front(socket: &mut tcp::Socket<'_>, len: usize) -> Option<()> {
    let mut left = len;
    while left > 0 {
        let dropped = socket
            .recv(|bytes| {
                let some = bytes.len().min(left);
                (some, some)
            })
            .ok()
            .filter(|dropped| *dropped > 0)?;
        left -= dropped;
    }
    Some(())
}

/// Drops all that was received.
pub(crate) fn drain(socket: &mut tcp::Socket<'_>) {
    drop_front(socket, socket.recv_queue());
}
