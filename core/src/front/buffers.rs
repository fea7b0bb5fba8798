use embedded_io::{Error, ErrorKind};

use super::{BufferTooSmall, ServeError, is, is_gone};
use crate::in_buf::InBuf;
use crate::limits::Limits;
use crate::out_buf::OutBuf;
use crate::service::{Service, pump};
use crate::session::{Session, Want};
use crate::time::Instant;

/// One connection's bytes on their way in and out.
#[derive(Debug)]
pub(crate) struct Buffers<'b> {
    pub(crate) input: Input<&'b mut [u8]>,
    pub(crate) output: Output<'b>,
}

impl<'b> Buffers<'b> {
    pub(crate) fn new(
        limits: &Limits,
        rx: &'b mut [u8],
        tx: &'b mut [u8],
    ) -> Result<Self, BufferTooSmall> {
        if rx.len() < limits.max_request_frame_len() {
            return Err(BufferTooSmall { needed: limits.max_request_frame_len() });
        }
        if tx.len() < limits.max_reply_frame_len() {
            return Err(BufferTooSmall { needed: limits.max_reply_frame_len() });
        }
        Ok(Self { input: Input::new(rx), output: Output { buf: OutBuf::new(tx), sent: 0 } })
    }

    /// Carries out all requests that are there. What is in the output then must be sent before the
    /// session is shown more; until then its clock stands at `now`, which is before the handlers
    /// ran: neither their time nor that of the writes is the peer's.
    pub(crate) fn pump(
        &mut self,
        session: &mut Session<'_>,
        service: &mut dyn Service,
        now: Instant,
    ) -> Want {
        let Self { input, output } = self;
        let (received, ended) = (input.buf.received(), input.has_ended());
        let (consumed, want) = pump(session, service, now, received, ended, &mut output.buf);
        input.buf.consume(consumed);
        if !output.buf.is_empty() {
            session.block(now);
        }
        want
    }

    /// Nothing is in them.
    pub(crate) fn clear(&mut self) {
        self.input.buf.clear();
        self.input.state = Reading::Open;
        self.output.clear();
    }
}

/// What a stream delivered.
#[derive(Debug)]
pub(crate) struct Input<B> {
    pub(crate) buf: InBuf<B>,
    state: Reading,
}

/// How the last read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Open,
    Ended,
    Failed,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Input<B> {
    pub(crate) const fn new(buf: B) -> Self {
        Self { buf: InBuf::new(buf), state: Reading::Open }
    }

    /// Nothing follows what is in the buffer: the stream ended, or failed and can't be trusted.
    pub(crate) fn has_ended(&self) -> bool {
        self.state != Reading::Open
    }

    /// What a read into the free part of the buffer came to. When it timed out or was interrupted,
    /// no bytes were lost: the session looks at its deadlines.
    pub(crate) fn on_read<E: Error>(
        &mut self,
        read: Result<usize, E>,
    ) -> Result<(), ServeError<E>> {
        match read {
            Ok(0) => self.state = Reading::Ended,
            Ok(len) => self.buf.commit(len),
            Err(error) if is(&error, ErrorKind::TimedOut) || is(&error, ErrorKind::Interrupted) => {
            }
            Err(error) => {
                self.state = Reading::Failed;
                return Err(ServeError::Io(error));
            }
        }
        Ok(())
    }

    /// Whether a link goes on after this outcome of serving it: the session is over, or bytes were
    /// lost. What comes must be discarded until silence.
    pub(crate) fn goes_on<E: Error>(
        &self,
        outcome: Result<(), ServeError<E>>,
    ) -> Result<(), ServeError<E>> {
        match outcome {
            Err(ServeError::Io(error)) if self.state == Reading::Failed && !is_gone(&error) => {
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// What a stream is to take.
///
/// ```text
/// ├─ sent ─┤ unsent ───────────┤ free ───┤
/// ```
#[derive(Debug)]
pub(crate) struct Output<'b> {
    pub(crate) buf: OutBuf<'b>,
    sent: usize,
}

impl Output<'_> {
    #[cfg(feature = "blocking")]
    pub(crate) fn unsent(&self) -> &[u8] {
        self.buf.written().get(self.sent..).unwrap_or_default()
    }

    /// So many more bytes were sent. The room of those is free again once all are.
    pub(crate) fn consume(&mut self, len: usize) {
        self.sent = self.sent.saturating_add(len);
        if self.sent >= self.buf.written().len() {
            self.clear();
        }
    }

    pub(crate) const fn clear(&mut self) {
        self.buf.clear();
        self.sent = 0;
    }

    /// What is to be sent, and where more can be written meanwhile, as [`OutBuf::lend`] gives it.
    /// When nothing is being sent any more, `consume(0)` frees the room.
    #[cfg(feature = "async")]
    pub(crate) fn split(&mut self) -> (Unsent<'_>, (&mut [u8], &mut usize)) {
        let (written, free) = self.buf.split();
        let bytes = written.get(self.sent..).unwrap_or_default();
        (Unsent { bytes, sent: &mut self.sent }, free)
    }
}

/// The bytes of an [`Output`] that are being sent.
#[cfg(feature = "async")]
#[derive(Debug)]
pub(crate) struct Unsent<'s> {
    pub(crate) bytes: &'s [u8],
    sent: &'s mut usize,
}

#[cfg(feature = "async")]
impl Unsent<'_> {
    /// So many more bytes were sent.
    pub(crate) fn consume(&mut self, len: usize) {
        self.bytes = self.bytes.get(len..).unwrap_or_default();
        *self.sent = self.sent.saturating_add(len);
    }
}

/// What a write of some bytes came to: how many of them were sent. `write_all` of embedded-io
/// panics where a write takes nothing; this fails.
pub(crate) fn on_write<E: Error>(written: Result<usize, E>) -> Result<usize, ServeError<E>> {
    match written {
        Ok(0) => Err(ServeError::WriteZero),
        Ok(len) => Ok(len),
        Err(error) if is(&error, ErrorKind::Interrupted) => Ok(0),
        Err(error) => Err(ServeError::Io(error)),
    }
}
