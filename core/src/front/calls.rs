use core::marker::PhantomData;

use embedded_io::{Error, ErrorKind};

use super::is;
use crate::call_error::{CallError, Fault, Refusal, RequestError};
use crate::client_session::{ClientSession, Incoming};
use crate::frame::{Body, Frame};
use crate::in_buf::InBuf;
use crate::limits::max_frame_len;
use crate::out_buf::OutBuf;
use crate::part::{part, part_mut};
use crate::payload::Payload;

/// A call that was sent, and whose reply is still to be taken: `Caller::receive`.
#[derive(Debug)]
#[must_use = "take the reply with `receive`"]
pub struct Ticket<C> {
    pub(crate) tag: u32,
    command: PhantomData<fn() -> C>,
}

impl<C> Ticket<C> {
    pub(crate) const fn new(tag: u32) -> Self {
        Self { tag, command: PhantomData }
    }
}

/// A client's calls, and its bytes on their way in and out.
#[derive(Debug)]
pub(crate) struct Calls<B, const CALLS: usize> {
    session: ClientSession<CALLS>,
    input: InBuf<B>,
    ended: bool,
    /// Requests, of `written` bytes.
    tx: B,
    written: usize,
}

/// What was received next; a frame by where it stands in the input.
pub(crate) enum Received {
    Reply {
        tag: u32,
        start: usize,
        end: usize,
    },
    TooLarge {
        tag: u32,
        len: u32,
    },
    Disconnected {
        start: usize,
        end: usize,
    },
    Closed(Fault),
    /// An event, or a late reply.
    Skipped,
}

/// What a call came to; a frame by where it stands in the input.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    Frame { start: usize, end: usize },
    TooLarge { len: u32 },
    Closed(Fault),
    PassedOver,
}

impl Received {
    /// What it means for a call, if it settles that.
    pub(crate) fn settles(self, wanted: u32) -> Option<Found> {
        match self {
            Self::Reply { tag, start, end } if tag == wanted => Some(Found::Frame { start, end }),
            Self::TooLarge { tag, len } if tag == wanted => Some(Found::TooLarge { len }),
            Self::Disconnected { start, end } => Some(Found::Frame { start, end }),
            Self::Closed(fault) => Some(Found::Closed(fault)),
            Self::Reply { .. } | Self::TooLarge { .. } | Self::Skipped => None,
        }
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>, const CALLS: usize> Calls<B, CALLS> {
    pub(crate) fn new(rx: B, tx: B, window: u32) -> Self {
        let max_reply_len = rx.as_ref().len().saturating_sub(max_frame_len(0));
        let max_reply_len = u32::try_from(max_reply_len).unwrap_or(u32::MAX);
        Self {
            session: ClientSession::new(max_reply_len, window),
            input: InBuf::new(rx),
            ended: false,
            tx,
            written: 0,
        }
    }

    /// Writes a request; its tag.
    pub(crate) fn write<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<u32, RequestError> {
        let mut out = OutBuf::new(part_mut(self.tx.as_mut(), self.written..));
        let tag = self.session.call_named(name, request, &mut out)?;
        self.written = self.written.saturating_add(out.written().len());
        Ok(tag)
    }

    /// The requests written, all that were not [cleared](Self::clear_written).
    pub(crate) fn written(&self) -> &[u8] {
        part(self.tx.as_ref(), ..self.written)
    }

    /// They were sent, or are dropped.
    pub(crate) const fn clear_written(&mut self) {
        self.written = 0;
    }

    /// Where to read to.
    pub(crate) fn free(&mut self) -> &mut [u8] {
        self.input.free()
    }

    /// What a read into [`free`](Self::free) came to. One that was interrupted is no failure; one
    /// that timed out ends the call.
    pub(crate) fn on_read<E: Error>(&mut self, read: Result<usize, E>) -> Result<(), E> {
        match read {
            Ok(0) => self.ended = true,
            Ok(len) => self.input.commit(len),
            Err(error) if is(&error, ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The next frame received, or that the connection is over. `None`: read.
    pub(crate) fn next(&mut self) -> Option<Received> {
        let start = self.input.position();
        let (consumed, incoming) = self.session.step(self.input.received(), self.ended);
        let end = start.saturating_add(consumed);
        let received = match incoming {
            Incoming::Reply { tag, .. } => Some(Received::Reply { tag, start, end }),
            Incoming::TooLarge { tag, len } => Some(Received::TooLarge { tag, len }),
            Incoming::Disconnected(_) => Some(Received::Disconnected { start, end }),
            Incoming::Closed(fault) => Some(Received::Closed(fault)),
            Incoming::Event(_) | Incoming::Skipped => Some(Received::Skipped),
            Incoming::NeedInput { .. } => None,
        };
        self.input.consume(consumed);
        received
    }

    /// The body of a reply that was found; borrowing it anew lets the search for it end first.
    pub(crate) fn body(&self, found: Found) -> Result<Body<'_>, CallError<&str>> {
        let (start, end) = match found {
            Found::Frame { start, end } => (start, end),
            Found::TooLarge { len } => return Err(CallError::ReplyTooLarge { len }),
            Found::Closed(fault) => return Err(CallError::Closed(fault)),
            Found::PassedOver => return Err(CallError::PassedOver),
        };
        let Some((frame, _)) = Frame::parse(self.input.range(start, end)) else {
            return Err(CallError::Closed(Fault::Grammar));
        };
        match (frame.name, frame.tag) {
            ("OK", _) => Ok(frame.body),
            (_, tag) => Err(match Refusal::parse(frame.body) {
                Some(refusal) if tag.is_some() => CallError::Refused(refusal),
                Some(refusal) => CallError::Disconnected(refusal),
                None => CallError::Closed(Fault::Grammar),
            }),
        }
    }

    /// The calls without a reply, and which of them were given up.
    pub(crate) const fn session(&mut self) -> &mut ClientSession<CALLS> {
        &mut self.session
    }

    /// Begins anew on the same line, with fresh tags; what was received is dropped. Returns the
    /// whole input buffer, for what is still to be discarded.
    pub(crate) fn restart(&mut self) -> &mut [u8] {
        self.session.restart();
        self.ended = false;
        self.written = 0;
        self.input.clear_all()
    }
}
