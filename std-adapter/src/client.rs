//! The desktop client.

use std::time::{Duration, Instant};

use linecard_core::blocking::{Caller, Ticket};
use linecard_core::{Body, Command, Payload};

use crate::address::Address;
use crate::error::Error;
use crate::stream::Stream;

/// What a [`Client`] waits for and takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// For connecting, over all addresses of the host together.
    pub connect_timeout: Duration,
    /// For a whole call, however the bytes dribble in.
    pub call_timeout: Duration,
    /// The longest reply that is taken, in bytes of its body; a longer one is skipped and reported.
    pub max_reply_len: usize,
    /// The longest request that is sent, in bytes of its body.
    pub max_request_len: usize,
}

impl Default for ClientConfig {
    /// 5 s to connect, 5 s a call, 64 KiB replies, 1 MiB requests.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(5),
            max_reply_len: 65_536,
            max_request_len: 1_048_576,
        }
    }
}

/// Calls without a reply at one time.
const CALLS: usize = 64;

/// Bytes of requests without a reply at one time, unless it is one longer request alone. A socket's
/// own send buffer takes as much, so writing never waits for a server that waits for us to read.
const WINDOW: u32 = 16 * 1024;

/// Bytes around a body: head line and line end.
const FRAME_OVERHEAD: usize = 64;

/// A connection to a server: a call at a time with [`call`](Self::call), or up to 64 on their way with
/// [`send`](Self::send) and [`receive`](Self::receive).
///
/// No call is ever retried by itself. Dropping the client closes the connection.
#[derive(Debug)]
pub struct Client {
    caller: Caller<Stream, Box<[u8]>, CALLS>,
    call_timeout: Duration,
}

impl Client {
    /// Connects to an address as people write it: `localhost:61000`, `[::1]:61000`, a bare host (port
    /// 61000), `:61000` for this machine.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Connect`].
    pub fn connect(address: &str) -> Result<Self, Error> {
        Self::connect_with(address, &ClientConfig::default())
    }

    /// The same, with times and sizes of one's own.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Connect`].
    pub fn connect_with(address: &str, config: &ClientConfig) -> Result<Self, Error> {
        let address: Address = address.parse()?;
        let found = address.to_connect()?;
        let stream = Stream::connect(&found, config.connect_timeout)
            .map_err(|error| Error::Connect(address.to_string(), error))?;
        Ok(Self::over(stream, config))
    }

    /// A client over a stream that is connected already.
    #[must_use]
    pub fn over(stream: Stream, config: &ClientConfig) -> Self {
        let rx = vec![0; config.max_reply_len.saturating_add(FRAME_OVERHEAD)].into();
        let tx = vec![0; config.max_request_len.saturating_add(FRAME_OVERHEAD)].into();
        Self { caller: Caller::new(stream, rx, tx, WINDOW), call_timeout: config.call_timeout }
    }

    /// Makes one call. The reply may borrow from the client's buffer, until the next call.
    ///
    /// # Errors
    /// [`Error`], of which [`CallError::Refused`](linecard_core::CallError::Refused) is the server's answer.
    pub fn call<C: Command>(&mut self, request: &C::Request<'_>) -> Result<C::Reply<'_>, Error> {
        self.start_clock();
        Ok(self.caller.call::<C>(request)?)
    }

    /// Makes one call to a command known only at run time; the reply's body as it came.
    ///
    /// # Errors
    /// [`Error`].
    pub fn call_named<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<Body<'_>, Error> {
        self.start_clock();
        Ok(self.caller.call_named(name, request)?)
    }

    /// Puts a call on its way, and goes on. It is sent when the next reply is waited for, on
    /// [`flush`](Self::flush), or when the output is full.
    ///
    /// # Errors
    /// [`Error::Call`], of which [`RequestError::Window`](linecard_core::CallError::Window) means:
    /// receive first. [`Error::Io`], [`Error::TimedOut`].
    pub fn send<C: Command>(&mut self, request: &C::Request<'_>) -> Result<Ticket<C>, Error> {
        self.start_clock();
        Ok(self.caller.send::<C>(request)?)
    }

    /// Sends what is on its way and not yet sent.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::TimedOut`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.start_clock();
        Ok(self.caller.flush()?)
    }

    /// Waits for the reply to a call. Receive in the order of sending: the replies to earlier calls are
    /// skipped. The call's time starts here.
    ///
    /// # Errors
    /// [`Error`].
    pub fn receive<C: Command>(&mut self, ticket: Ticket<C>) -> Result<C::Reply<'_>, Error> {
        self.start_clock();
        Ok(self.caller.receive(ticket)?)
    }

    /// How long a call may take from now on: [`ClientConfig::call_timeout`].
    pub const fn set_call_timeout(&mut self, timeout: Duration) {
        self.call_timeout = timeout;
    }

    fn start_clock(&mut self) {
        let deadline = Instant::now().checked_add(self.call_timeout);
        self.caller.io().set_deadline(deadline);
    }
}
