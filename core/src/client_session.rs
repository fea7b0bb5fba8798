//! The client's side of one connection: docs/PROTOCOL.md §10.
//!
//! ```text
//! call ─► bytes ─► … ─► bytes ─► step ─► Reply, by the tag that call returned
//! ```

use heapless::Deque;

use crate::call_error::{Fault, MAX_ERR_LINE_LEN, Refusal, RequestError};
use crate::code::Code;
use crate::command::Command;
use crate::encode::{EncodeError, Encoder};
use crate::frame::{Body, BodyLimits, Decoder, Found, Frame, Kind};
use crate::head::is_name;
use crate::out_buf::OutBuf;
use crate::payload::Payload;

/// What a step found, or waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Incoming<'i> {
    /// A call was answered.
    Reply {
        /// The tag of the call.
        tag: u32,
        /// The `OK`'s body, or the `ERR`.
        body: Result<Body<'i>, Refusal<&'i str>>,
    },
    /// A call was answered with a body over this client's capacity; it was skipped.
    TooLarge {
        /// The tag of the call.
        tag: u32,
        /// Bytes of the body.
        len: u32,
    },
    /// An unsolicited frame. A client that knows no events skips it.
    Event(Frame<'i>),
    /// A late reply to a call that was given up, or an event over the capacity. Step on.
    Skipped,
    /// More bytes.
    NeedInput {
        /// Bytes of the whole frame at the front of what was not consumed, where that is known.
        frame_len: Option<u32>,
    },
    /// The server says, of the whole connection, why it closes: no call without a reply was carried
    /// out.
    Disconnected(Refusal<&'i str>),
    /// The connection is over.
    Closed(Fault),
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    tag: u32,
    len: u32,
    wanted: bool,
}

/// One connection's state on the client: up to `CALLS` calls without a reply. It owns no bytes.
///
/// Calls and replies may be interleaved at will ([`call`](Self::call), [`step`](Self::step)).
/// Neither waits; a caller whose writes can block keeps from deadlock by the window, see
/// [`new`](Self::new).
#[derive(Debug)]
pub struct ClientSession<const CALLS: usize> {
    decoder: Decoder,
    limits: BodyLimits,
    window: u32,
    in_flight: Deque<InFlight, CALLS>,
    next_tag: u32,
    closed: bool,
}

impl<const CALLS: usize> ClientSession<CALLS> {
    /// A client that takes replies of up to `max_reply_len` bytes (at least 112, the longest
    /// error's), and has at most `window` bytes of requests without a reply, or one longer request
    /// alone.
    ///
    /// While requests of `window` bytes fit the buffers between the two sides, a client that writes
    /// a whole request before it reads never waits for a server that waits for it.
    #[must_use]
    pub const fn new(max_reply_len: u32, window: u32) -> Self {
        let max_body_len =
            if max_reply_len > MAX_ERR_LINE_LEN { max_reply_len } else { MAX_ERR_LINE_LEN };
        Self {
            decoder: Decoder::new(),
            limits: BodyLimits { max_body_len, skip_budget: u32::MAX },
            window,
            in_flight: Deque::new(),
            next_tag: 0,
            closed: false,
        }
    }

    /// Writes the request of a command; its tag marks the reply.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn call<C: Command>(
        &mut self,
        request: &C::Request<'_>,
        out: &mut OutBuf<'_>,
    ) -> Result<u32, RequestError> {
        self.call_named(C::NAME, request, out)
    }

    /// Writes a request to a command known only at run time.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn call_named<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
        out: &mut OutBuf<'_>,
    ) -> Result<u32, RequestError> {
        if self.closed {
            return Err(RequestError::Closed);
        }
        if !is_name(name) {
            return Err(RequestError::Name);
        }
        let tag = self.next_tag;
        let encoded = request.encode(Encoder::new(name, Some(tag), u32::MAX, out.tail())).map_err(
            |error| match error {
                EncodeError::TooLong { .. } | EncodeError::NoRoom => RequestError::NoRoom,
                EncodeError::Value => RequestError::Value,
            },
        )?;
        let len = u32::try_from(encoded.len).unwrap_or(u32::MAX);
        if !self.in_flight.is_empty() && self.unanswered_len().saturating_add(len) > self.window {
            return Err(RequestError::Window);
        }
        self.in_flight
            .push_back(InFlight { tag, len, wanted: true })
            .map_err(|_| RequestError::Window)?;
        out.advance(encoded.len);
        self.next_tag = tag.wrapping_add(1);
        Ok(tag)
    }

    /// Gives a call up: its reply, should it come, is skipped. It holds its place in the window
    /// until then, or until a later reply comes.
    pub fn forget(&mut self, tag: u32) {
        for call in &mut self.in_flight {
            call.wanted &= call.tag != tag;
        }
    }

    /// Begins anew on a link that can't close, behind the silence that docs/PROTOCOL.md §11 asks
    /// for: every call without a reply is given up, and what was received of a frame is forgotten.
    /// The caller drops what it had received. Tags go on from where they were, so that a late reply
    /// is known for what it is.
    pub fn restart(&mut self) {
        self.decoder = Decoder::new();
        self.in_flight.clear();
        self.closed = false;
    }

    /// The calls without a reply, those given up among them.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether the oldest call without a reply was given up. Where a call is refused for
    /// [`RequestError::Window`], stepping on may then make room for it.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.in_flight.front().is_some_and(|call| !call.wanted)
    }

    /// Whether a call is without a reply, and not given up.
    #[cfg(any(feature = "blocking", feature = "async"))]
    pub(crate) fn awaits(&self, tag: u32) -> bool {
        self.in_flight.iter().any(|call| call.tag == tag && call.wanted)
    }

    /// Looks at the front of `input`: all bytes received and not yet consumed. `end` says that
    /// nothing follows them. The caller drops as many bytes as the first result says, once it is
    /// done with the arrival.
    pub fn step<'i>(&mut self, input: &'i [u8], end: bool) -> (usize, Incoming<'i>) {
        if self.closed {
            return (0, Incoming::Closed(Fault::End));
        }
        match self.decoder.whole_frame(self.limits.max_body_len, input) {
            Some((len, frame)) => (len, self.arrive(frame)),
            None => self.step_otherwise(input, end),
        }
    }

    /// There is no whole frame within the limit.
    fn step_otherwise<'i>(&mut self, input: &[u8], end: bool) -> (usize, Incoming<'i>) {
        let (len, found) = self.decoder.explain(self.limits, input);
        let incoming = match found {
            Found::Skipped { kind, tag, len } => self.arrive_too_large(kind, tag, len),
            Found::NeedInput { .. } if end => {
                let between = input.is_empty() && self.decoder.is_fresh();
                self.close(if between { Fault::End } else { Fault::Truncated })
            }
            Found::NeedInput { frame_len } => Incoming::NeedInput { frame_len },
            Found::Broken { code: Code::Desync, .. } => self.close(Fault::Desync),
            Found::Broken { .. } => self.close(Fault::Grammar),
        };
        (len, incoming)
    }

    fn arrive<'i>(&mut self, frame: Frame<'i>) -> Incoming<'i> {
        let body = match Kind::of(frame.name) {
            Kind::Other => return Incoming::Event(frame),
            Kind::Ok => Ok(frame.body),
            Kind::Err => match Refusal::parse(frame.body) {
                Some(refusal) => Err(refusal),
                None => return self.close(Fault::Grammar),
            },
        };
        match (frame.tag, body) {
            (Some(tag), body) => self.settle(tag, Incoming::Reply { tag, body }),
            (None, Ok(_)) => self.close(Fault::Grammar),
            (None, Err(refusal)) => {
                self.closed = true;
                Incoming::Disconnected(refusal)
            }
        }
    }

    fn arrive_too_large<'i>(&mut self, kind: Kind, tag: Option<u32>, len: u32) -> Incoming<'i> {
        match (kind, tag) {
            (Kind::Other, _) => Incoming::Skipped,
            (Kind::Ok, Some(tag)) => self.settle(tag, Incoming::TooLarge { tag, len }),
            (Kind::Ok, None) | (Kind::Err, _) => self.close(Fault::Grammar),
        }
    }

    /// A reply settles its call, and those before it that were given up: replies come in order.
    /// Order is asked of calls that are waited for alone: others are nobody's.
    fn settle<'i>(&mut self, tag: u32, reply: Incoming<'i>) -> Incoming<'i> {
        let Some((at, call)) = self.in_flight.iter().enumerate().find(|(_, call)| call.tag == tag)
        else {
            return Incoming::Skipped;
        };
        let wanted = call.wanted;
        if self.in_flight.iter().take(at).any(|earlier| earlier.wanted) {
            return if wanted { self.close(Fault::Order) } else { Incoming::Skipped };
        }
        for _settled in 0..=at {
            let _call = self.in_flight.pop_front();
        }
        if wanted { reply } else { Incoming::Skipped }
    }

    fn unanswered_len(&self) -> u32 {
        self.in_flight.iter().fold(0, |sum: u32, call| sum.saturating_add(call.len))
    }

    fn close<'i>(&mut self, fault: Fault) -> Incoming<'i> {
        self.closed = true;
        Incoming::Closed(fault)
    }
}
