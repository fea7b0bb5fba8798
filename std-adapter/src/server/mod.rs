//! A server for many connections: readiness-driven, on a few worker threads.
//!
//! ```text
//! listener ──accepted──► worker: poll ─► connection: read ─► answer ─► write
//! (accepts, `busy`)        │                  │ incomplete frames  │ what the peer doesn't take
//!     ▲ wakes workers      │                  ▼                    ▼
//!     └────────────── deadlines            buffered (one budget for the server)
//! ```
//!
//! A worker has one buffer to read into and one to write replies to. A connection has memory of its
//! own only while a frame is incomplete, or while its peer doesn't read. Handlers run on the worker
//! that owns the connection, one at a time: a slow one delays the connections of its worker, and no
//! others. A handler that panics is answered with `failed`; its worker goes on.

mod alarm;
mod budget;
mod byte_queue;
mod clock;
mod config;
mod connection;
mod context;
mod counters;
mod deadlines;
mod guard;
mod listener;
mod mailbox;
mod readiness;
mod shared;
mod slab;
mod socket;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

use linecard_core::Service;

pub use config::Config;
pub use counters::Counters;

use crate::address::Address;
use crate::error::Error;
use listener::Listener;
use shared::Shared;
use worker::Worker;

/// A server that listens. [`run`](Self::run) serves.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    polls: Vec<mio::Poll>,
    shared: Arc<Shared>,
    config: Config,
    local_addr: SocketAddr,
}

/// Controls a running server from other threads. Dropping it does nothing.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on an address, in the form that [`Address`] parses: `:61000` is every interface,
    /// port 0 a free port.
    ///
    /// # Errors
    /// [`Error::Address`]; [`Error::Listen`], which names the address; [`Error::Io`].
    pub fn bind(address: &str, config: Config) -> Result<Self, Error> {
        let address: Address = address.parse()?;
        let found = address.to_listen()?;
        let listener = Listener::bind(&found, config.backlog)
            .map_err(|error| Error::Listen(address.to_string(), error))?;
        Self::new(listener, config).map_err(Error::Io)
    }

    fn new(listener: Listener, config: Config) -> io::Result<Self> {
        let polls: Vec<_> =
            (0..config.workers()).map(|_| mio::Poll::new()).collect::<io::Result<_>>()?;
        let wakers = polls.iter().map(worker::waker).collect::<io::Result<_>>()?;
        let shared = Arc::new(Shared::new(&config, listener.waker()?, wakers));
        let local_addr = listener.local_addr()?;
        Ok(Self { listener, polls, shared, config, local_addr })
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// A handle to stop the server and to read its counters.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle { shared: self.shared.clone() }
    }

    /// Serves until [`ServerHandle::stop`]. Each worker gets a clone of `service`: usually a table
    /// with the application's state.
    ///
    /// Returns when every client is notified and its connection closed, at the latest after
    /// [`Config::stop_timeout`] and the handlers that run then.
    ///
    /// # Errors
    /// Waiting for readiness failed, a thread can't be started, or a worker panicked. The server is
    /// stopped then.
    #[expect(clippy::needless_pass_by_value, reason = "a service is made for the run alone")]
    pub fn run<S: Service + Clone + Send>(self, service: S) -> io::Result<()> {
        let Self { listener, polls, shared, config, .. } = self;
        let workers = polls.into_iter().enumerate();
        let workers: Vec<_> = workers
            .map(|(index, poll)| Worker::new(index, poll, &shared, &config, service.clone()))
            .collect();
        let outcome = thread::scope(|scope| {
            let threads: Vec<_> =
                workers.into_iter().map(|worker| spawn(scope, worker, &shared)).collect();
            if threads.iter().any(Result::is_err) {
                shared.stop();
            }
            let accepted = listener.run(&shared, &config);
            let worked = threads.into_iter().map(|thread| thread?.join().unwrap_or_else(panicked));
            worked.fold(accepted, Result::and)
        });
        shared.clear_mailboxes();
        outcome
    }
}

/// Runs a worker on a thread of its own. However that ends, the server stops then.
fn spawn<'s, S>(
    scope: &'s Scope<'s, '_>,
    worker: Worker<'s, S>,
    shared: &'s Shared,
) -> io::Result<ScopedJoinHandle<'s, io::Result<()>>>
where
    S: Service + Send + 's,
{
    thread::Builder::new().name("linecard-worker".into()).spawn_scoped(scope, move || {
        let _stop = shared.stop_on_drop();
        worker.run()
    })
}

/// A panic of the service is caught elsewhere, unless its payload panics when it is dropped.
fn panicked<T>(_payload: T) -> io::Result<()> {
    Err(io::Error::other("a worker panicked"))
}

impl ServerHandle {
    /// Stops the server: it accepts no more connections, answers the frames that were begun, and
    /// notifies every client with `stopping`. [`Server::run`] returns when that is done.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// The server's counters so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }
}
