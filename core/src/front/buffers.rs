use embedded_io::{Error, ErrorKind};

use super::{BufferTooSmall, SendError, ServeError, is, is_gone};
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
    pub(crate) output: OutBuf<'b>,
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
        Ok(Self { input: Input::new(rx), output: OutBuf::new(tx) })
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
        let (received, ended) = (input.buf.received(), input.ended);
        let (consumed, want) = pump(session, service, now, received, ended, output);
        input.buf.consume(consumed);
        if !output.is_empty() {
            session.block(now);
        }
        want
    }
}

/// What a stream delivered.
#[derive(Debug)]
pub(crate) struct Input<B> {
    pub(crate) buf: InBuf<B>,
    /// Nothing follows what is in the buffer: the stream ended, or failed and can't be trusted.
    pub(crate) ended: bool,
    failed: bool,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Input<B> {
    pub(crate) const fn new(buf: B) -> Self {
        Self { buf: InBuf::new(buf), ended: false, failed: false }
    }

    /// As new: nothing is received, nothing has ended. Returns the whole buffer, which is free.
    pub(crate) fn restart(&mut self) -> &mut [u8] {
        (self.ended, self.failed) = (false, false);
        self.buf.clear_all()
    }

    /// What a read into the free part of the buffer came to. When it timed out or was interrupted,
    /// no bytes were lost: the session looks at its deadlines.
    pub(crate) fn on_read<E: Error>(
        &mut self,
        read: Result<usize, E>,
    ) -> Result<(), ServeError<E>> {
        match read {
            Ok(0) => self.ended = true,
            Ok(len) => self.buf.commit(len),
            Err(error) if is(&error, ErrorKind::TimedOut) || is(&error, ErrorKind::Interrupted) => {
            }
            Err(error) => {
                (self.ended, self.failed) = (true, true);
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
            Err(ServeError::Io(error)) if self.failed && !is_gone(&error) => Ok(()),
            outcome => outcome,
        }
    }
}

/// What a write of some bytes came to: how many of them were sent. `write_all` of embedded-io
/// panics where a write takes nothing; this fails.
pub(crate) fn on_write<E: Error>(written: Result<usize, E>) -> Result<usize, SendError<E>> {
    match written {
        Ok(0) => Err(SendError::WriteZero),
        Ok(len) => Ok(len),
        Err(error) if is(&error, ErrorKind::Interrupted) => Ok(0),
        Err(error) => Err(SendError::Io(error)),
    }
}
