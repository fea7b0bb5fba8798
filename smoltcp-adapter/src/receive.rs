//! Feeds a parser from a socket's receive ring, without a buffer per connection: in place, or from
//! a copy in the scratch where a frame wraps.
//!
//! ```text
//! ring:     ...tail of a frame│          │front of the frame...
//!              └── second ────┘          └────── first ──────┘
//! in place: first only, which is everything in most cases
//! gathered: first and second, copied to the scratch
//! ```

use linecard_core::Want;
use smoltcp::socket::tcp::{Socket, State};

/// What parses received bytes: a server's connection or a client.
pub(crate) trait Parser {
    /// Parses the front of `input`: the bytes received and not yet consumed, or the first part of
    /// them. `end` says that the peer's FIN follows `input`. Returns how many bytes were consumed
    /// and what the parser wants next.
    fn parse(&mut self, input: &[u8], end: bool) -> (usize, Want);

    /// Queues what the last [`parse`](Self::parse) wrote. Returns whether it wrote anything.
    fn send(&mut self, socket: &mut Socket<'_>) -> bool;
}

/// How far a parser has read: it runs again only when something more was received.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadPosition {
    /// Bytes in the ring that the parser has seen and not consumed.
    seen: usize,
    /// It was told that the peer's FIN follows them.
    ended: bool,
}

impl ReadPosition {
    /// Whether bytes or a FIN came that the parser has not seen.
    pub(crate) fn has_news(self, socket: &Socket<'_>) -> bool {
        socket.recv_queue() != self.seen || is_ended(socket) != self.ended
    }

    /// Runs the parser over all that was received, until it wants what is not there. A frame that
    /// wraps is gathered in `scratch`; `gather` begins with that. Returns what the parser wants, or
    /// `None` where the socket can't be read.
    pub(crate) fn run(
        &mut self,
        socket: &mut Socket<'_>,
        scratch: &mut [u8],
        mut gather: bool,
        parser: &mut impl Parser,
    ) -> Option<Want> {
        self.ended = is_ended(socket);
        loop {
            let view = if gather {
                gathered(socket, scratch, self.ended, parser)?
            } else {
                in_place(socket, self.ended, parser)?
            };
            let progress = parser.send(socket) || view.consumed > 0;
            self.seen = socket.recv_queue();
            match view.want {
                Want::Close => return Some(view.want),
                Want::Output { .. } if !progress => return Some(view.want),
                Want::Output { .. } => gather = false,
                Want::Input { .. } if view.all || (gather && !progress) => return Some(view.want),
                // Gathered only once all of it is there, so that its bytes are copied once.
                Want::Input { frame_len: Some(len) } if self.seen < len as usize && !self.ended => {
                    return Some(view.want);
                }
                Want::Input { .. } => gather = !gather,
            }
        }
    }
}

/// Whether the peer's FIN came. (After ours, nothing is parsed.)
fn is_ended(socket: &Socket<'_>) -> bool {
    socket.state() == State::CloseWait
}

/// What a parser did with the front of the ring.
struct View {
    consumed: usize,
    /// Whether it was shown all that was received.
    all: bool,
    want: Want,
}

/// Shows the parser the front of the ring as far as it lies in one piece. `None` where the socket
/// can't be read, which no socket with bytes in it is.
fn in_place(socket: &mut Socket<'_>, end: bool, parser: &mut impl Parser) -> Option<View> {
    let queued = socket.recv_queue();
    if queued == 0 {
        // `recv` fails after a FIN, and that is when the parser must see the end.
        let (consumed, want) = parser.parse(&[], end);
        return Some(View { consumed, all: true, want });
    }
    let view = |bytes: &mut [u8]| {
        let all = bytes.len() == queued;
        let (consumed, want) = parser.parse(bytes, end && all);
        (consumed, View { consumed, all, want })
    };
    socket.recv(view).ok()
}

/// Shows the parser a copy of the front of the ring, as much as `scratch` holds.
fn gathered(
    socket: &mut Socket<'_>,
    scratch: &mut [u8],
    end: bool,
    parser: &mut impl Parser,
) -> Option<View> {
    let queued = socket.recv_queue();
    let len = socket.peek_slice(scratch).ok()?;
    let all = len == queued;
    let (consumed, want) = parser.parse(scratch.get(..len).unwrap_or_default(), end && all);
    discard(socket, consumed)?;
    Some(View { consumed, all, want })
}

/// Drops bytes at the front of the ring, from both pieces.
fn discard(socket: &mut Socket<'_>, len: usize) -> Option<()> {
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
pub(crate) fn discard_all(socket: &mut Socket<'_>) {
    discard(socket, socket.recv_queue());
}
