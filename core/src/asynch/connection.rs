use core::convert::Infallible;
use core::mem::take;
use core::pin::pin;

use embedded_io_async::{Read, Write};

use super::answering::{Answering, Before};
use super::duplex::{Duplex, Halves, Whole};
use super::sending::Sending;
use super::{AsyncService, Timer};
use crate::front::{BufferTooSmall, Buffers, Discard, ServeError, Silence};
use crate::limits::Limits;
use crate::service::Service;
use crate::session::{Session, Step, Want};
use crate::time::Instant;

/// All state of one connection that is served: its session, the bytes in both buffers, and how far
/// each is. The caller owns it, so dropping a future of its methods loses nothing.
///
/// ```text
///          ┌──────────────────────────────────────────────────┐
///          ▼                                                  │
///  requests that are there ─► handlers ─► send replies ─► wait for bytes, or a deadline
///                                 └─ wait: send what is ready
/// ```
///
/// # Cancellation
///
/// What the methods await is the stream's `read`, `write` and `flush`, the timer and the handlers.
/// Dropped at any of them, a method can be called again, with the same stream or another half of
/// it, and goes on there:
///
/// - bytes received stay received, if the stream's `read` keeps them (embedded-io-async asks
///   streams to document that); bytes sent are not sent twice, if its `write` does not;
/// - the handler that was waited for is dropped, and its request gets `ERR failed`, once; it is not
///   carried out again;
/// - time goes on: a deadline that passed meanwhile has passed.
///
/// Except when it is dropped, a method drops a `read` only when a deadline or a link's silence ends
/// the wait for it, and a `write` or `flush` never.
#[derive(Debug)]
pub struct Connection<'l, 'b> {
    pub(super) session: Session<'l>,
    pub(super) buffers: Buffers<'b>,
    /// Bytes at the front of the input that are done with, though a handler may borrow them.
    handled: usize,
    /// How far the output is sent.
    pub(super) sending: Sending,
    pub(super) is_link: bool,
    /// A link whose session is over is discarded.
    pub(super) discard: Option<Discard>,
}

impl<'l, 'b> Connection<'l, 'b> {
    /// The state of a connection made `now`. Buffers that are larger than the least take more
    /// frames with one read, or one write.
    ///
    /// # Errors
    /// [`BufferTooSmall`], where `rx` has less than [`Limits::max_request_frame_len`] bytes or `tx`
    /// less than [`Limits::max_reply_frame_len`].
    pub fn new(
        limits: &'l Limits,
        now: Instant,
        rx: &'b mut [u8],
        tx: &'b mut [u8],
    ) -> Result<Self, BufferTooSmall> {
        Ok(Self {
            session: Session::new(limits, now),
            buffers: Buffers::new(limits, rx, tx)?,
            handled: 0,
            sending: Sending::new(),
            is_link: false,
            discard: None,
        })
    }

    /// The session, to [`stop`](Session::stop) it: drop the serving future, call this, and serve on
    /// until the client was notified. (A link's session is followed by another.)
    pub const fn session(&mut self) -> &mut Session<'l> {
        &mut self.session
    }

    /// Serves the connection until it is over and the last reply is flushed. Closing is the
    /// caller's: docs/PROTOCOL.md §8.1 tells how to close so that the last reply survives.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve<T: Read + Write>(
        &mut self,
        io: &mut T,
        service: &mut impl AsyncService,
        timer: &impl Timer,
    ) -> Result<(), ServeError<T::Error>> {
        self.run(&mut Whole(io), service, timer).await
    }

    /// The same over two halves of a stream. The next bytes are read while replies are sent.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve_split<R: Read, W: Write<Error = R::Error>>(
        &mut self,
        reader: &mut R,
        writer: &mut W,
        service: &mut impl AsyncService,
        timer: &impl Timer,
    ) -> Result<(), ServeError<R::Error>> {
        self.run(&mut Halves(reader, writer), service, timer).await
    }

    /// Serves a link that can't close, such as a UART, for good. Where a connection would be
    /// closed, what comes is discarded until the link has been silent for one frame timeout; then a
    /// new session begins (docs/PROTOCOL.md §11). So the leftovers of a broken frame never run as
    /// commands. The idle timeout is not looked at.
    ///
    /// Read errors are taken as by [`blocking::serve_link`](crate::blocking::serve_link). After an
    /// error it may be called again, and then discards in the same way first: what follows lost
    /// bytes can't be trusted.
    ///
    /// # Errors
    /// [`ServeError`]; [`ServeError::Ended`] when the link ends after all.
    pub async fn serve_link<T: Read + Write>(
        &mut self,
        io: &mut T,
        service: &mut impl AsyncService,
        timer: &impl Timer,
    ) -> Result<Infallible, ServeError<T::Error>> {
        self.run_link(Whole(io), service, timer).await
    }

    /// The same over two halves of a link.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve_link_split<R: Read, W: Write<Error = R::Error>>(
        &mut self,
        reader: &mut R,
        writer: &mut W,
        service: &mut impl AsyncService,
        timer: &impl Timer,
    ) -> Result<Infallible, ServeError<R::Error>> {
        self.run_link(Halves(reader, writer), service, timer).await
    }

    async fn run<D: Duplex>(
        &mut self,
        io: &mut D,
        service: &mut impl AsyncService,
        timer: &impl Timer,
    ) -> Result<(), ServeError<D::Error>> {
        loop {
            self.settle();
            let now = timer.now();
            let want = if self.discards(now) {
                Want::Input { frame_len: None }
            } else {
                service.pump(self, io.writer(), now).await?
            };
            io.exchange(self, want, timer).await?;
            if want == Want::Close {
                return Ok(());
            }
        }
    }

    async fn run_link<D: Duplex>(
        &mut self,
        mut io: D,
        service: &mut impl AsyncService,
        timer: &impl Timer,
    ) -> Result<Infallible, ServeError<D::Error>> {
        self.is_link = true;
        loop {
            let outcome = self.run(&mut io, service, timer).await;
            self.begin_discard(timer.now());
            self.buffers.input.goes_on(outcome)?;
        }
    }

    pub(super) fn pump_now(&mut self, service: &mut dyn Service, now: Instant) -> Want {
        self.buffers.pump(&mut self.session, service, now)
    }

    /// [`Buffers::pump`], with handlers that may wait.
    pub(super) async fn pump<W: Write, A: Answering>(
        &mut self,
        writer: &mut W,
        service: &mut impl AsyncService,
        now: Instant,
        _answering: A,
    ) -> Result<Want, ServeError<W::Error>> {
        loop {
            self.settle();
            let Self { session, buffers: Buffers { input, output }, sending, .. } = self;
            let (received, ended) = (input.buf.received(), input.ended);
            let (consumed, step) = session.step(now, received, ended, output);
            self.handled = consumed;
            let want = match step {
                Step::Request(request) => {
                    // Until the next step: the handler's time is not the peer's.
                    session.block(now);
                    let (written, free) = output.split();
                    {
                        let answered = pin!(service.call(&request, session.reply_into(free)));
                        let before = Before { written, sending, writer: &mut *writer };
                        A::answer(answered, before).await?;
                    }
                    continue;
                }
                Step::Refused(code) => {
                    service.refused(code);
                    continue;
                }
                Step::Wait(want) => want,
            };
            if !output.is_empty() {
                session.block(now);
            }
            // What was skipped makes room for the next read: one into no room would look like the
            // end.
            self.settle();
            return Ok(want);
        }
    }

    /// A link's session is over: what comes is discarded until silence.
    fn begin_discard(&mut self, now: Instant) {
        let duration = self.session.limits().frame_timeout;
        let silence = Silence { since: now, duration, enough: Instant::MAX };
        self.discard = Some(Discard::new(silence, now));
    }

    /// Whether what comes is discarded. After silence there is a new session.
    fn discards(&mut self, now: Instant) -> bool {
        let Some(discard) = &self.discard else {
            if self.is_link && self.session.is_between_frames() {
                self.session.restart_timeout(now);
            }
            return false;
        };
        self.buffers.input.restart();
        self.buffers.output.clear();
        (self.handled, self.sending) = (0, Sending::new());
        if now < discard.due() {
            return true;
        }
        self.discard = None;
        self.session = Session::new(self.session.limits(), now);
        false
    }

    /// Drops what is done with: also what a dropped future left behind.
    fn settle(&mut self) {
        self.buffers.input.buf.consume(take(&mut self.handled));
        self.sending.settle(&mut self.buffers.output);
    }
}
