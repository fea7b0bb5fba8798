//! A server for many connections: readiness-driven, on a few worker threads.
//!
//! ```text
//! listener ──accepted──► worker: poll ─► connection: read ─► pump ─► write
//! (accepts, `busy`)         │                 │ leftovers        │ what the peer doesn't take
//!     ▲                 deadlines             ▼                  ▼
//!                                          parked (one budget for the process)
//! ```
//!
//! A worker has one buffer to read into and one to write replies to; a connection owns bytes only
//! while a frame of it is incomplete, or while its peer does not read. Handlers run on the worker
//! that owns the connection, one at a time: a slow one delays the connections of its worker, and no
//! others. A handler that panics costs its caller a `failed`; the worker and its state go on.

mod alarm;
mod budget;
mod clock;
mod config;
mod connection;
mod counters;
mod deadlines;
mod guard;
mod listener;
mod parked;
mod readiness;
mod shared;
mod slab;
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

/// A server that listens, and serves once it is [`run`](Self::run).
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    polls: Vec<mio::Poll>,
    shared: Arc<Shared>,
    config: Config,
    local_addr: SocketAddr,
}

/// A hold on a running server, for other threads.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

impl Server {
    /// Listens on an address as people write it; `:61000` is every interface, port 0 a free one.
    ///
    /// # Errors
    /// [`Error::Address`]; [`Error::Listen`], which names the address; [`Error::Io`].
    pub fn bind(address: &str, config: Config) -> Result<Self, Error> {
        let address: Address = address.parse()?;
        let found = address.to_listen()?;
        let listener = Listener::bind(&found, config.backlog)
            .map_err(|error| Error::Listen(address.to_string(), error))?;
        let polls = (0..config.workers()).map(|_| mio::Poll::new()).collect::<io::Result<Vec<_>>>();
        let polls = polls.map_err(Error::Io)?;
        let shared = Shared::new(&config, &listener, &polls).map_err(Error::Io)?;
        let local_addr = listener.local_addr().map_err(Error::Io)?;
        Ok(Self { listener, polls, shared: Arc::new(shared), config, local_addr })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// A hold to stop it by, and to read its counters.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle { shared: self.shared.clone() }
    }

    /// Serves until it is stopped. Each worker gets a clone of `service`: usually a table bound to the
    /// application's state.
    ///
    /// It returns when every connection is told and closed, at the latest after
    /// [`Config::stop_timeout`] and the handlers that run then.
    ///
    /// # Errors
    /// Waiting for readiness failed, or a thread can't be had; the server is stopped then.
    #[expect(clippy::needless_pass_by_value, reason = "a bound table is made for the run alone")]
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

/// Runs a worker on a thread of its own. However that ends, the server does not go on without it.
fn spawn<'s, S>(
    scope: &'s Scope<'s, '_>,
    worker: Worker<'s, S>,
    shared: &'s Shared,
) -> io::Result<ScopedJoinHandle<'s, io::Result<()>>>
where
    S: Service + Send + 's,
{
    thread::Builder::new().name("linecard-worker".into()).spawn_scoped(scope, move || {
        let _at_the_end = shared.stop_on_drop();
        worker.run()
    })
}

/// Only a bug of this crate's can panic a worker outside of a handler.
fn panicked<T>(_payload: T) -> io::Result<()> {
    Err(io::Error::other("a worker panicked"))
}

impl ServerHandle {
    /// Stops the server: no more connections; what was begun is answered; every client is told
    /// `stopping`.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// What it has done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }
}
