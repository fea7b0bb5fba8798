//! What a server is made of, and what can be wrong with it.

use core::fmt;

use core::time::Duration;

use linecard_core::Limits;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{Socket, tcp};

/// Bytes of `ERR busy`, which is all that the spare sends.
pub(crate) const BUSY_LEN: usize = "ERR\nbusy\n".len();

/// How long a connection may take for what is smoltcp's and not the session's; that is in
/// [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first SYN to the ACK that completes the handshake. A quarter of it, while nobody
    /// else could connect.
    pub handshake: Duration,
    /// With bytes, or the FIN, unacknowledged and none of them acknowledged meanwhile. Then the
    /// connection is reset. Also the longest silence of a peer that leaves keep-alives unanswered.
    pub write: Duration,
    /// Between keep-alive probes on a silent connection. To be well below `write`.
    pub keep_alive: Duration,
    /// After our last byte and FIN were acknowledged, for the peer to close too (docs/PROTOCOL.md
    /// §7).
    pub linger: Duration,
}

impl Timeouts {
    /// 5 s, 30 s, 10 s, 2 s.
    pub const DEFAULT: Self = Self {
        handshake: Duration::from_millis(5_000),
        write: Duration::from_millis(30_000),
        keep_alive: Duration::from_millis(10_000),
        linger: Duration::from_millis(2_000),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The bytes that all connections of a server share.
#[derive(Debug)]
pub struct Scratch<'a> {
    /// Where a frame is put together that wraps in its ring: at least [`Limits::max_request_frame_len`]
    /// bytes.
    pub frame: &'a mut [u8],
    /// Where replies are encoded, on their way to a ring: at least [`Limits::max_reply_frame_len`] bytes.
    pub reply: &'a mut [u8],
}

/// What a server is made of. `N` connections are served at once.
#[derive(Debug)]
pub struct Resources<'a, const N: usize> {
    /// TCP sockets, one a connection. A receive ring holds at least [`Limits::max_request_frame_len`] bytes,
    /// and better a segment more: with less, a peer may find the window too small for a segment
    /// while a frame is incomplete, and wait for its persist timer. A transmit ring holds at least
    /// [`Limits::max_reply_frame_len`], and what it holds beyond that is what pipelined replies may be under
    /// way at once: with nothing, each reply waits until the one before is acknowledged.
    pub slots: [SocketHandle; N],
    /// The socket that tells one more client `busy`. It is behind the slots in the set (added
    /// last), for smoltcp gives a connection to the first socket that listens. Rings of 16 bytes
    /// do.
    pub spare: SocketHandle,
    /// The bytes that the slots share.
    pub scratch: Scratch<'a>,
    /// What a session may take, give and wait for.
    pub limits: &'a Limits,
    /// What the transport may wait for.
    pub timeouts: Timeouts,
    /// The TCP port, on every address of the interface.
    pub port: u16,
}

impl<'a, const N: usize> Resources<'a, N> {
    /// The parts with [`Timeouts::DEFAULT`], on port 61000.
    #[must_use]
    pub const fn new(
        slots: [SocketHandle; N],
        spare: SocketHandle,
        scratch: Scratch<'a>,
        limits: &'a Limits,
    ) -> Self {
        Self { slots, spare, scratch, limits, timeouts: Timeouts::DEFAULT, port: 61_000 }
    }
}

/// Why a server can't be made of these parts. All are the program's own faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// No TCP socket of the set has this handle.
    NotTcp(SocketHandle),
    /// A handle stands for two slots.
    Twice(SocketHandle),
    /// The spare is not behind all slots in the set.
    SpareNotLast,
    /// A socket is already in use.
    Open(SocketHandle),
    /// A receive ring can't hold the longest frame.
    Receive {
        /// Whose ring.
        socket: SocketHandle,
        /// Bytes that it must hold.
        needed: usize,
    },
    /// A transmit ring can't hold the longest reply.
    Transmit {
        /// Whose ring.
        socket: SocketHandle,
        /// Bytes that it must hold.
        needed: usize,
    },
    /// The scratch can't hold the longest frame, or the longest reply.
    Scratch {
        /// Bytes that [`Scratch::frame`] must hold.
        frame: usize,
        /// Bytes that [`Scratch::reply`] must hold.
        reply: usize,
    },
    /// Port 0.
    Port,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTcp(socket) => write!(f, "socket {socket} is no TCP socket of this set"),
            Self::Twice(socket) => write!(f, "socket {socket} stands for two slots"),
            Self::SpareNotLast => f.write_str("the spare socket must be added behind the slots"),
            Self::Open(socket) => write!(f, "socket {socket} is in use"),
            Self::Receive { socket, needed } => {
                write!(f, "the receive ring of socket {socket} must hold {needed} bytes")
            }
            Self::Transmit { socket, needed } => {
                write!(f, "the transmit ring of socket {socket} must hold {needed} bytes")
            }
            Self::Scratch { frame, reply } => {
                write!(f, "the scratch must hold {frame} bytes of a frame and {reply} of a reply")
            }
            Self::Port => f.write_str("port 0 can't be listened on"),
        }
    }
}

impl core::error::Error for SetupError {}

/// Judges all of the parts before anything is changed.
pub(crate) fn check<const N: usize>(
    sockets: &SocketSet<'_>,
    resources: &Resources<'_, N>,
) -> Result<(), SetupError> {
    let (frame, reply) =
        (resources.limits.max_request_frame_len(), resources.limits.max_reply_frame_len());
    if resources.port == 0 {
        return Err(SetupError::Port);
    }
    if resources.scratch.frame.len() < frame || resources.scratch.reply.len() < reply.max(BUSY_LEN)
    {
        return Err(SetupError::Scratch { frame, reply: reply.max(BUSY_LEN) });
    }
    for (at, &slot) in resources.slots.iter().enumerate() {
        if resources.slots.iter().skip(at + 1).any(|&other| other == slot) {
            return Err(SetupError::Twice(slot));
        }
        if slot >= resources.spare {
            return Err(SetupError::SpareNotLast);
        }
        check_socket(sockets, slot, frame, reply)?;
    }
    check_socket(sockets, resources.spare, 1, BUSY_LEN)
}

fn check_socket(
    sockets: &SocketSet<'_>,
    handle: SocketHandle,
    receive: usize,
    transmit: usize,
) -> Result<(), SetupError> {
    let socket = tcp_socket(sockets, handle).ok_or(SetupError::NotTcp(handle))?;
    if socket.state() != tcp::State::Closed {
        return Err(SetupError::Open(handle));
    }
    if socket.recv_capacity() < receive {
        return Err(SetupError::Receive { socket: handle, needed: receive });
    }
    if socket.send_capacity() < transmit {
        return Err(SetupError::Transmit { socket: handle, needed: transmit });
    }
    Ok(())
}

/// What `SocketSet::get` is, without its panic. (Other kinds of socket exist where another crate
/// turns them on.)
#[allow(unreachable_patterns, clippy::match_wildcard_for_single_variants)]
pub(crate) fn tcp_socket<'s, 'a>(
    sockets: &'s SocketSet<'a>,
    handle: SocketHandle,
) -> Option<&'s tcp::Socket<'a>> {
    sockets.iter().find(|(at, _)| *at == handle).and_then(|(_, socket)| match socket {
        Socket::Tcp(socket) => Some(socket),
        _ => None,
    })
}
