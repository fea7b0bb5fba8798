use core::fmt;
use core::pin::pin;
use core::time::Duration;

use embedded_io_async::{ErrorKind, Read, Write};

use super::Timer;
use super::future::before;
use super::sending::Sending;
use crate::call_error::{CallError, Fault, RequestError};
#[cfg(doc)]
use crate::client_session::ClientSession;
use crate::command::Command;
use crate::frame::Body;
use crate::front::{Calls, Discard, DiscardError, Found, Received, SendError, Silence, Ticket, is};
use crate::payload::Payload;
use crate::time::Instant;

/// Why a call over an asynchronous stream failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerError<'r, E> {
    /// The stream failed.
    Io(E),
    /// The stream took no bytes and gave no error.
    WriteZero,
    /// There was no reply in time. The call is given up; it may have been carried out.
    TimedOut,
    /// The call itself failed.
    Call(CallError<&'r str>),
}

impl<'r, E> From<CallError<&'r str>> for CallerError<'r, E> {
    fn from(error: CallError<&'r str>) -> Self {
        Self::Call(error)
    }
}

impl<E> From<SendError<E>> for CallerError<'_, E> {
    fn from(error: SendError<E>) -> Self {
        match error {
            SendError::Io(error) => Self::Io(error),
            SendError::WriteZero => Self::WriteZero,
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallerError<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::WriteZero => f.write_str("the connection takes no bytes"),
            Self::TimedOut => f.write_str("no reply in time"),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for CallerError<'_, E> {}

/// A client over an asynchronous stream: a call at a time ([`call`](Self::call)), or up to `CALLS`
/// of them on their way ([`send`](Self::send), [`receive`](Self::receive)).
///
/// # Cancellation
///
/// A call whose future is dropped, or whose time is over, is given up: it may have been carried
/// out, and is never repeated. The rest of a request of which a part was sent is sent by the next
/// method that is called, and a reply that comes late is skipped. So the connection can be used on,
/// if the stream's `read` and `write` keep their bytes when they are dropped.
#[derive(Debug)]
pub struct Caller<T, B, const CALLS: usize> {
    io: T,
    calls: Calls<B, CALLS>,
    sending: Sending,
    /// The call whose reply is being waited for; after that, one whose future was dropped.
    awaited: Option<u32>,
}

impl<T: Read + Write, B: AsRef<[u8]> + AsMut<[u8]>, const CALLS: usize> Caller<T, B, CALLS> {
    /// A client over `io`. Replies of up to 59 bytes less than `rx` holds are taken, requests of up
    /// to what `tx` holds are sent, head and all; 256 bytes each is the least that is sensible.
    /// `window`: see [`ClientSession::new`].
    #[must_use]
    pub fn new(io: T, rx: B, tx: B, window: u32) -> Self {
        Self { io, calls: Calls::new(rx, tx, window), sending: Sending::new(), awaited: None }
    }

    /// The stream.
    pub const fn io(&mut self) -> &mut T {
        &mut self.io
    }

    /// Begins anew, over a new stream put into [`io`](Self::io), or on a line that is silent: every
    /// call without a reply is given up, and what was received or still to be sent is dropped. Tags
    /// go on from where they were, so a late reply to an earlier call is not taken for another's.
    pub fn restart(&mut self) {
        let _free = self.calls.restart();
        self.sending = Sending::new();
        self.awaited = None;
    }

    /// Discards what comes over a link that can't close, until it has been silent for an eighth
    /// more than `frame_timeout`, the server's; then [restarts](Self::restart). After a call that
    /// failed, the server may be discarding too, until then (docs/PROTOCOL.md §11): send nothing
    /// before.
    ///
    /// Cancellation: dropped, it has restarted, but the silence must be waited for anew.
    ///
    /// # Errors
    /// [`CallerError::Io`], [`CallError::Closed`]: the link is gone, or delivers nothing but
    /// errors.
    pub async fn resync(
        &mut self,
        timer: &impl Timer,
        frame_timeout: Duration,
    ) -> Result<(), CallerError<'static, T::Error>> {
        self.restart();
        let now = timer.now();
        let eighth = frame_timeout.checked_div(8).unwrap_or_default();
        let duration = frame_timeout.saturating_add(eighth);
        // A frame that was begun times out after at most one silence, and is discarded for one
        // more.
        let enough = now.saturating_add(duration.saturating_mul(2));
        let mut discard = Discard::new(Silence { since: now, duration, enough }, now);
        loop {
            let due = discard.due();
            let read = {
                let reading = pin!(self.io.read(self.calls.free()));
                before(reading, pin!(Some(timer.until(due)))).await
            };
            let Some(read) = read else { return Ok(()) };
            match discard.on_read(read, timer.now()) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(DiscardError::Ended) => {
                    return Err(CallError::Closed(Fault::End).into());
                }
                Err(DiscardError::Io(error)) => return Err(CallerError::Io(error)),
            }
        }
    }

    /// Makes one call and waits `within` that time for its reply, which may borrow from the input
    /// buffer.
    ///
    /// # Errors
    /// [`CallerError`].
    pub async fn call<C: Command>(
        &mut self,
        request: &C::Request<'_>,
        timer: &impl Timer,
        within: Duration,
    ) -> Result<C::Reply<'_>, CallerError<'_, T::Error>> {
        let body = self.call_named(C::NAME, request, timer, within).await?;
        C::Reply::decode(body).map_err(|error| CallError::BadReply(error).into())
    }

    /// The same for a command known only at run time; its reply's body as it came.
    ///
    /// # Errors
    /// [`CallerError`].
    pub async fn call_named<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
        timer: &impl Timer,
        within: Duration,
    ) -> Result<Body<'_>, CallerError<'_, T::Error>> {
        self.give_up();
        let due = timer.now().saturating_add(within);
        let found = in_time(pin!(self.exchange(name, request)), timer, due).await;
        self.body(found)
    }

    /// Puts a call on its way; it is sent when a reply is waited for, or the output is full.
    ///
    /// While the window is full and its oldest call was given up, that call's late reply is waited
    /// for, `within` that time: one call that timed out doesn't refuse all those after it.
    ///
    /// Cancellation: dropped, the call was not made.
    ///
    /// # Errors
    /// [`CallError::Request`], of which [`RequestError::Window`] means: receive first. After any
    /// error, [`CallerError::TimedOut`] too, the call was not made.
    pub async fn send<C: Command>(
        &mut self,
        request: &C::Request<'_>,
        timer: &impl Timer,
        within: Duration,
    ) -> Result<Ticket<C>, CallerError<'static, T::Error>> {
        self.give_up();
        let due = timer.now().saturating_add(within);
        let written = in_time(pin!(self.write(C::NAME, request)), timer, due).await;
        written.map(Ticket::new)
    }

    /// Waits `within` that time for the reply to a call. Replies are taken in the order of their
    /// calls: those to earlier calls, if they were not received, are skipped, and receiving one of
    /// them then fails at once.
    ///
    /// # Errors
    /// [`CallerError`].
    pub async fn receive<C: Command>(
        &mut self,
        Ticket { tag, .. }: Ticket<C>,
        timer: &impl Timer,
        within: Duration,
    ) -> Result<C::Reply<'_>, CallerError<'_, T::Error>> {
        self.give_up();
        let due = timer.now().saturating_add(within);
        let found = in_time(pin!(self.find(tag)), timer, due).await;
        let body = self.body(found)?;
        C::Reply::decode(body).map_err(|error| CallError::BadReply(error).into())
    }

    /// Sends what is written.
    ///
    /// Cancellation: dropped, it goes on with the rest when it is called again, or another method.
    ///
    /// # Errors
    /// [`CallerError::Io`], [`CallerError::WriteZero`]; what was not sent is kept, for another try.
    pub async fn flush(&mut self) -> Result<(), CallerError<'static, T::Error>> {
        self.sending.send(&mut self.io, self.calls.written()).await?;
        self.calls.clear_written();
        self.sending.restart();
        Ok(())
    }

    /// A call whose future was dropped, or that failed.
    fn give_up(&mut self) {
        if let Some(tag) = self.awaited.take() {
            self.calls.session().forget(tag);
        }
    }

    async fn exchange<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<Found, CallerError<'static, T::Error>> {
        let tag = self.write(name, request).await?;
        self.find(tag).await
    }

    /// Writes a request, and makes room for it if it must; its tag.
    async fn write<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<u32, CallerError<'static, T::Error>> {
        loop {
            match self.calls.write(name, request) {
                Err(RequestError::NoRoom) if !self.calls.written().is_empty() => {
                    self.flush().await?;
                }
                Err(RequestError::Window) if self.calls.session().is_late() => {
                    self.flush().await?;
                    match self.next().await {
                        Ok(Received::Closed(fault)) => {
                            return Err(CallError::Closed(fault).into());
                        }
                        Ok(_) => {}
                        Err(CallerError::Io(error)) if is(&error, ErrorKind::TimedOut) => {
                            return Err(CallError::Request(RequestError::Window).into());
                        }
                        Err(error) => return Err(error),
                    }
                }
                outcome => return outcome.map_err(|error| CallError::Request(error).into()),
            }
        }
    }

    /// Reads until there is the reply to a call, or there can be none.
    async fn find(&mut self, wanted: u32) -> Result<Found, CallerError<'static, T::Error>> {
        self.awaited = Some(wanted);
        self.flush().await?;
        if !self.calls.session().awaits(wanted) {
            return Ok(Found::PassedOver);
        }
        loop {
            if let Some(found) = self.next().await?.settles(wanted) {
                return Ok(found);
            }
        }
    }

    /// Reads until a frame is there, or the connection is over.
    async fn next(&mut self) -> Result<Received, CallerError<'static, T::Error>> {
        loop {
            if let Some(received) = self.calls.next() {
                return Ok(received);
            }
            let read = self.io.read(self.calls.free()).await;
            self.calls.on_read(read).map_err(CallerError::Io)?;
        }
    }

    fn body(
        &mut self,
        found: Result<Found, CallerError<'static, T::Error>>,
    ) -> Result<Body<'_>, CallerError<'_, T::Error>> {
        self.give_up();
        Ok(self.calls.body(found?)?)
    }
}

/// What a future comes to, if that is in time.
async fn in_time<O, E>(
    future: core::pin::Pin<&mut impl Future<Output = Result<O, CallerError<'static, E>>>>,
    timer: &impl Timer,
    due: Instant,
) -> Result<O, CallerError<'static, E>> {
    let timeout = (due < Instant::MAX).then(|| timer.until(due));
    before(future, pin!(timeout)).await.unwrap_or(Err(CallerError::TimedOut))
}
