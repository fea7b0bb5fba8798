//! A client for devices that restart: it connects again for the next call.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use linecard_core::{Body, CallError, Command, Payload, Text};

use crate::client::{Client, ClientConfig};
use crate::error::Error;

/// What a [`ReconnectingClient`] waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconnectConfig {
    /// Lengths and timeouts. `call_timeout` is the time for a whole call: waiting for the next
    /// attempt to connect, connecting, probing and calling.
    pub client: ClientConfig,
    /// The wait after the first attempt that failed. It doubles with each further one.
    pub first_backoff: Duration,
    /// The longest wait between two attempts. Each wait is a random half to whole of its length, so
    /// that many clients of one device don't return at the same moment.
    pub max_backoff: Duration,
    /// The most attempts to connect for one call. 0 counts as 1.
    pub max_attempts: u32,
    /// A connection that was unused for longer is probed before a call, with a request that costs
    /// the server next to nothing. [`Duration::MAX`] never probes.
    pub probe_after: Duration,
}

impl Default for ReconnectConfig {
    /// [`ClientConfig::default`], waits of 100 ms to 10 s, 8 attempts, a probe after 30 s.
    fn default() -> Self {
        Self {
            client: ClientConfig::default(),
            first_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            max_attempts: 8,
            probe_after: Duration::from_secs(30),
        }
    }
}

/// Whether a [`ReconnectingClient`] has a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// There is none. The next call connects.
    Disconnected {
        /// Attempts that failed since the last connection.
        failures: u32,
    },
    /// There is one, as far as is known.
    Connected,
}

/// A name that every server answers, if only with `unknown-command`.
const PROBE: &str = "LC.PING";

/// A client that connects when a call needs it, and again after a connection was lost: the device
/// restarted, a cable was pulled, a call timed out.
///
/// A call without a reply is **never repeated**: it fails, because it may have been carried out.
/// The *next* call connects anew. Each call ends within [`ClientConfig::call_timeout`].
///
/// ```no_run
/// use linecard_std::protocol::Text;
/// use linecard_std::{ReconnectConfig, ReconnectingClient};
/// # use linecard_std::protocol::Command;
/// # struct Greet;
/// # impl Command for Greet {
/// #     const NAME: &'static str = "GREET";
/// #     type Request<'i> = Text<'i>;
/// #     type Reply<'i> = Text<'i>;
/// # }
/// let mut client = ReconnectingClient::new("192.168.69.1", ReconnectConfig::default());
/// loop {
///     match client.call::<Greet>(&Text("Ada")) {
///         Ok(reply) => println!("{}", reply.0),
///         Err(error) => eprintln!("{error}; {:?}", client.state()),
///     }
///     std::thread::sleep(std::time::Duration::from_secs(60));
/// }
/// ```
#[derive(Debug)]
pub struct ReconnectingClient {
    address: String,
    config: ReconnectConfig,
    client: Option<Client>,
    link: Link,
}

/// What is known of the connection.
#[derive(Debug)]
struct Link {
    /// It can't be used again.
    lost: bool,
    last_reply: Instant,
    failures: u32,
    next_attempt: Instant,
}

impl ReconnectingClient {
    /// A client of the server at `address`, as [`Client::connect`] takes it. Does not connect yet.
    #[must_use]
    pub fn new(address: impl Into<String>, config: ReconnectConfig) -> Self {
        let now = Instant::now();
        let link = Link { lost: false, last_reply: now, failures: 0, next_attempt: now };
        Self { address: address.into(), config, client: None, link }
    }

    /// Whether there is a connection, and how often connecting failed.
    #[must_use]
    pub const fn state(&self) -> ConnectionState {
        if self.client.is_some() && !self.link.lost {
            ConnectionState::Connected
        } else {
            ConnectionState::Disconnected { failures: self.link.failures }
        }
    }

    /// Makes one call, after connecting if there is no connection.
    ///
    /// # Errors
    /// [`Error::Address`] and [`Error::Connect`]: there is no connection, the call was not made.
    /// [`Error::Call`] with [`CallError::Refused`]: the server's answer. After any other error of
    /// the connection it is unknown whether the call was carried out, unless the error says so.
    pub fn call<C: Command>(&mut self, request: &C::Request<'_>) -> Result<C::Reply<'_>, Error> {
        let Self { client, link, .. } = self.ready()?;
        let Some(client) = client else { return Err(Error::TimedOut) };
        link.after(client.call::<C>(request))
    }

    /// The same for a command known only at run time. Returns the reply's body as it came.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn call_named<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<Body<'_>, Error> {
        let Self { client, link, .. } = self.ready()?;
        let Some(client) = client else { return Err(Error::TimedOut) };
        link.after(client.call_named(name, request))
    }

    /// Connects if there is no connection, and else checks that the server still answers. Called
    /// more often than the server's idle timeout, it keeps the connection open.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn keep_alive(&mut self) -> Result<(), Error> {
        let fresh = self.state() != ConnectionState::Connected;
        let Self { client, link, .. } = self.ready()?;
        match client {
            Some(client) if !fresh => probe(client, link),
            _ => Ok(()),
        }
    }

    /// Closes the connection. The next call makes a new one.
    pub fn disconnect(&mut self) {
        self.client = None;
        self.link.lost = false;
    }

    /// With a connection that answers, and the rest of the call's time set for it.
    fn ready(&mut self) -> Result<&mut Self, Error> {
        let deadline = Instant::now().checked_add(self.config.client.call_timeout);
        if self.link.lost {
            self.disconnect();
        }
        if let Some(client) = &mut self.client
            && self.link.last_reply.elapsed() > self.config.probe_after
        {
            // Half of the time at most: the other half is for a new connection and the call.
            client.set_call_timeout(left_until(deadline) / 2);
            if let Err(error) = probe(client, &mut self.link) {
                log::debug!("{}: connecting again: {error}", self.address);
                self.disconnect();
            }
        }
        while self.client.is_none() {
            self.connect(deadline)?;
        }
        if let Some(client) = &mut self.client {
            client.set_call_timeout(left_until(deadline));
        }
        Ok(self)
    }

    /// Attempts to connect until one succeeds, the attempts are used up, or the time is.
    fn connect(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        let mut attempts = self.config.max_attempts.max(1);
        loop {
            let wait = self.link.next_attempt.saturating_duration_since(Instant::now());
            if wait > left_until(deadline) {
                return Err(Error::Connect(self.address.clone(), ErrorKind::TimedOut.into()));
            }
            thread::sleep(wait);
            let config = ClientConfig {
                connect_timeout: self.config.client.connect_timeout.min(left_until(deadline)),
                ..self.config.client.clone()
            };
            match Client::connect_with(&self.address, &config) {
                Ok(client) => {
                    log::debug!("{}: connected", self.address);
                    self.client = Some(client);
                    self.link.connected();
                    return Ok(());
                }
                Err(error @ Error::Address(_)) => return Err(error),
                Err(error) => {
                    self.link.connect_failed(&self.config);
                    attempts -= 1;
                    if attempts == 0 {
                        return Err(error);
                    }
                    log::debug!("{}: {error}", self.address);
                }
            }
        }
    }
}

impl Link {
    fn connected(&mut self) {
        let now = Instant::now();
        *self = Self { lost: false, last_reply: now, failures: 0, next_attempt: now };
    }

    fn connect_failed(&mut self, config: &ReconnectConfig) {
        let doubled = config.first_backoff.saturating_mul(1 << self.failures.min(31));
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(config.max_backoff).mul_f64(f64::midpoint(1.0, random()));
        self.next_attempt = Instant::now().checked_add(wait).unwrap_or(self.next_attempt);
    }

    /// Notes what an outcome says of the connection.
    fn after<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        match &outcome {
            Ok(_) => self.last_reply = Instant::now(),
            Err(error) if says_nothing(error) => self.last_reply = Instant::now(),
            Err(_) => self.lost = true,
        }
        outcome
    }
}

/// Whether the connection goes on after this error: the server answered, or nothing was sent.
const fn says_nothing(error: &Error) -> bool {
    match error {
        Error::Call(error) => !matches!(error, CallError::Closed(_) | CallError::Disconnected(_)),
        _ => false,
    }
}

/// Whether the server answers.
fn probe(client: &mut Client, link: &mut Link) -> Result<(), Error> {
    match link.after(client.call_named(PROBE, &Text(""))) {
        Ok(_) | Err(Error::Call(CallError::Refused(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

fn left_until(deadline: Option<Instant>) -> Duration {
    deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
}

/// 0 to 1. Good enough to spread clients: the standard library seeds its hashers at random.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(bits).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_are_spread() {
        let config = ReconnectConfig::default();
        let mut link = Link {
            lost: false,
            last_reply: Instant::now(),
            failures: 0,
            next_attempt: Instant::now(),
        };
        for failures in 0..40 {
            let longest = config.first_backoff.saturating_mul(1 << failures.min(31));
            let longest = longest.min(config.max_backoff);
            let before = Instant::now();
            link.connect_failed(&config);
            let wait = link.next_attempt - before;
            assert!(wait >= longest / 2, "{failures}: {wait:?}");
            assert!(wait <= longest + before.elapsed(), "{failures}: {wait:?}");
        }
        let spread: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(spread.iter().any(|&at| at < 0.4) && spread.iter().any(|&at| at > 0.6));
    }
}
