//! What a server is made of, and what can be wrong with it.

use core::fmt;
use core::time::Duration;

use linecard_core::Limits;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{Socket, tcp};

/// Bytes of `ERR busy`, which is all that the spare sends.
pub(crate) const BUSY_LEN: usize = "ERR\nbusy\n".len();

/// How long a connection may take for what the transport does. What the session waits for is in
/// [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first SYN to the ACK that completes the handshake. While no slot is free, a quarter
    /// of it.
    pub handshake: Duration,
    /// How long bytes, or the FIN, may be unacknowledged without any of them being acknowledged
    /// meanwhile. After that the connection is reset. Also the longest silence of a peer that
    /// leaves keep-alives unanswered.
    pub write: Duration,
    /// Between keep-alive probes on a silent connection. Keep it well below `write`.
    pub keep_alive: Duration,
    /// How long the peer may take to close after it has acknowledged our last byte and FIN
    /// (docs/PROTOCOL.md §8.1).
    pub linger: Duration,
}

impl Timeouts {
    /// 5 s, 30 s, 10 s, 2 s.
    pub const DEFAULT: Self = Self {
        handshake: Duration::from_secs(5),
        write: Duration::from_secs(30),
        keep_alive: Duration::from_secs(10),
        linger: Duration::from_secs(2),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The buffers that all connections of a server share.
#[derive(Debug)]
pub struct Scratch<'a> {
    /// Where a frame that wraps in its ring is put together: at least
    /// [`Limits::max_request_frame_len`] bytes.
    pub frame: &'a mut [u8],
    /// Where replies are encoded on their way to a ring: at least
    /// [`Limits::max_reply_frame_len`] bytes.
    pub reply: &'a mut [u8],
}

/// What a server is made of. `N` connections are served at once.
#[derive(Debug)]
pub struct Resources<'a, const N: usize> {
    /// TCP sockets, one per connection.
    ///
    /// A receive ring holds at least [`Limits::max_request_frame_len`] bytes, and better one
    /// segment more. With less, a peer may find the window too small for a segment while a frame is
    /// incomplete, and wait for its persist timer.
    ///
    /// A transmit ring holds at least [`Limits::max_reply_frame_len`] bytes. What it holds beyond
    /// that is how much of the pipelined replies can be unacknowledged at once; with nothing, each
    /// reply waits until the one before it is acknowledged.
    pub slots: [SocketHandle; N],
    /// The socket that answers `busy` to one more client. It must be added to the set after the
    /// slots, because smoltcp gives a connection to the first socket that listens. Rings of 16
    /// bytes are enough.
    pub spare: SocketHandle,
    /// The buffers that the slots share.
    pub scratch: Scratch<'a>,
    /// What a session accepts, returns and waits for.
    pub limits: &'a Limits,
    /// What the transport waits for.
    pub timeouts: Timeouts,
    /// The TCP port, on every address of the interface.
    pub port: u16,
}

impl<'a, const N: usize> Resources<'a, N> {
    /// Resources with [`Timeouts::DEFAULT`], on port 61000.
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

/// Why a server can't be made of these resources. Each is a mistake of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// No TCP socket of the set has this handle.
    NotTcp(SocketHandle),
    /// A handle is used for two slots.
    Duplicate(SocketHandle),
    /// The spare was not added to the set after all slots.
    SpareNotLast,
    /// A socket is already in use.
    InUse(SocketHandle),
    /// A receive ring can't hold the longest request frame.
    ReceiveRing {
        /// Whose ring.
        socket: SocketHandle,
        /// Bytes that it must hold.
        needed: usize,
    },
    /// A transmit ring can't hold the longest reply frame.
    TransmitRing {
        /// Whose ring.
        socket: SocketHandle,
        /// Bytes that it must hold.
        needed: usize,
    },
    /// The scratch can't hold the longest request frame, or the longest reply frame.
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
            Self::NotTcp(socket) => write!(f, "socket {socket} is not a TCP socket of this set"),
            Self::Duplicate(socket) => write!(f, "socket {socket} is used for two slots"),
            Self::SpareNotLast => f.write_str("the spare socket must be added after the slots"),
            Self::InUse(socket) => write!(f, "socket {socket} is in use"),
            Self::ReceiveRing { socket, needed } => {
                write!(f, "the receive ring of socket {socket} must hold {needed} bytes")
            }
            Self::TransmitRing { socket, needed } => {
                write!(f, "the transmit ring of socket {socket} must hold {needed} bytes")
            }
            Self::Scratch { frame, reply } => {
                write!(f, "the scratch must hold a frame of {frame} bytes and a reply of {reply}")
            }
            Self::Port => f.write_str("port 0 can't be listened on"),
        }
    }
}

impl core::error::Error for SetupError {}

/// Checks everything before anything is changed.
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
            return Err(SetupError::Duplicate(slot));
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
        return Err(SetupError::InUse(handle));
    }
    if socket.recv_capacity() < receive {
        return Err(SetupError::ReceiveRing { socket: handle, needed: receive });
    }
    if socket.send_capacity() < transmit {
        return Err(SetupError::TransmitRing { socket: handle, needed: transmit });
    }
    Ok(())
}

/// `SocketSet::get` without its panic. (Other kinds of socket exist only where another crate
/// enables them.)
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
