//! A blocking client over TCP.

use std::time::{Duration, Instant};

use linecard_core::blocking::{Caller, Ticket};
use linecard_core::wire::MAX_HEAD_LINE_LEN;
use linecard_core::{Body, Command, Payload};

use crate::address::Address;
use crate::error::Error;
use crate::stream::Stream;

/// A [`Client`]'s configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The time to connect, for all addresses of the host together.
    pub connect_timeout: Duration,
    /// The time for a whole call, however slowly its bytes come.
    pub call_timeout: Duration,
    /// The longest reply that is taken, in bytes of its body. A longer one is skipped, and its call
    /// fails with [`CallError::ReplyTooLarge`](linecard_core::CallError::ReplyTooLarge).
    pub max_reply_len: u32,
    /// The longest request that surely fits the client's buffer, in bytes of its body. One that
    /// doesn't fit fails with [`RequestError::NoRoom`](linecard_core::RequestError::NoRoom).
    pub max_request_len: u32,
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

/// The most calls without a reply at one time.
const CALLS: usize = 64;

/// The most bytes of requests without a reply at one time, unless it is one longer request alone.
/// The system's send buffer takes as many, so a write never waits for a server that waits for the
/// client to read.
const WINDOW: u32 = 16 * 1024;

/// The least that core's blocking client needs for a buffer: an `ERR` has to fit.
const MIN_BUFFER_LEN: usize = 256;

/// A connection to a server. It makes one call at a time with [`call`](Self::call), or up to 64
/// pipelined calls with [`send`](Self::send) and [`receive`](Self::receive).
///
/// It never repeats a call. Dropping it closes the connection. After an [`Error::TimedOut`] it may
/// be used on; after an [`Error::Io`] it may not.
#[derive(Debug)]
pub struct Client {
    caller: Caller<Stream, Box<[u8]>, CALLS>,
    call_timeout: Duration,
}

impl Client {
    /// Connects to an address in the form that [`Address`] parses: `localhost:61000`,
    /// `[::1]:61000`, a host alone (port 61000), or `:61000` (this machine).
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Connect`].
    pub fn connect(address: &str) -> Result<Self, Error> {
        Self::connect_with(address, &ClientConfig::default())
    }

    /// Connects with another configuration than the default.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Connect`].
    pub fn connect_with(address: &str, config: &ClientConfig) -> Result<Self, Error> {
        let address: Address = address.parse()?;
        let found = address.to_connect()?;
        let stream = Stream::connect(&found, config.connect_timeout)
            .map_err(|error| Error::Connect(address.to_string(), error))?;
        Ok(Self::from_stream(stream, config))
    }

    /// A client over a stream that is connected already. `connect_timeout` is not used.
    #[must_use]
    pub fn from_stream(stream: Stream, config: &ClientConfig) -> Self {
        let rx = vec![0; buffer_len(config.max_reply_len)].into();
        let tx = vec![0; buffer_len(config.max_request_len)].into();
        Self { caller: Caller::new(stream, rx, tx, WINDOW), call_timeout: config.call_timeout }
    }

    /// Makes one call and waits for its reply, which may borrow from the client's buffer.
    ///
    /// # Errors
    /// [`Error::Call`], of which [`CallError::Refused`](linecard_core::CallError::Refused) is the
    /// server's answer; [`Error::Io`]; [`Error::TimedOut`].
    pub fn call<C: Command>(&mut self, request: &C::Request<'_>) -> Result<C::Reply<'_>, Error> {
        self.start_timeout();
        Ok(self.caller.call::<C>(request)?)
    }

    /// Makes one call to a command whose name is known only at run time. Returns the reply's body
    /// as it was received.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn call_named<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<Body<'_>, Error> {
        self.start_timeout();
        Ok(self.caller.call_named(name, request)?)
    }

    /// Writes a request to the client's buffer, without waiting for the reply. The buffer is sent
    /// by the next [`receive`](Self::receive) or [`flush`](Self::flush), or when it is full.
    ///
    /// # Errors
    /// [`Error::Call`], of which [`RequestError::Window`](linecard_core::RequestError::Window)
    /// means that replies have to be received first; [`Error::Io`]; [`Error::TimedOut`].
    pub fn send<C: Command>(&mut self, request: &C::Request<'_>) -> Result<Ticket<C>, Error> {
        self.start_timeout();
        Ok(self.caller.send::<C>(request)?)
    }

    /// Sends the requests that are still in the client's buffer.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::TimedOut`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.start_timeout();
        Ok(self.caller.flush()?)
    }

    /// Waits for the reply to a call. Replies are received in the order of sending: those to
    /// earlier calls are skipped. [`ClientConfig::call_timeout`] starts here.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn receive<C: Command>(&mut self, ticket: Ticket<C>) -> Result<C::Reply<'_>, Error> {
        self.start_timeout();
        Ok(self.caller.receive(ticket)?)
    }

    /// Sets [`ClientConfig::call_timeout`] for the calls that follow.
    pub const fn set_call_timeout(&mut self, timeout: Duration) {
        self.call_timeout = timeout;
    }

    fn start_timeout(&mut self) {
        let deadline = Instant::now().checked_add(self.call_timeout);
        self.caller.io().set_deadline(deadline);
    }
}

/// The length of a buffer for frames with a body of up to `max_body_len` bytes: with a head line,
/// and CR LF behind the body.
fn buffer_len(max_body_len: u32) -> usize {
    (max_body_len as usize).saturating_add(MAX_HEAD_LINE_LEN + 2).max(MIN_BUFFER_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_request_and_reply_fit_exactly() {
        assert_eq!(buffer_len(65_536), 65_536 + MAX_HEAD_LINE_LEN + 2);
        assert_eq!(buffer_len(0), MIN_BUFFER_LEN);
    }
}
