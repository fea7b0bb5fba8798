//! How other threads reach a worker: connections for it, and its next deadline.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mio::Waker;
use mio::net::TcpStream;

use super::alarm::Alarm;
use super::counters::WorkerCounters;

/// What one worker shares with the other threads.
#[derive(Debug)]
pub(super) struct Mailbox {
    waker: Waker,
    pub(super) alarm: Alarm,
    accepted: Mutex<Vec<Accepted>>,
    pub(super) counters: WorkerCounters,
}

/// A connection that was just accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) tcp: TcpStream,
    /// Whether it is to be served. One above the limit is only answered `busy`.
    pub(super) admitted: bool,
}

impl Mailbox {
    /// The mailbox of the worker that `waker` wakes.
    pub(super) fn new(waker: Waker) -> Self {
        Self {
            waker,
            alarm: Alarm::new(),
            accepted: Mutex::default(),
            counters: WorkerCounters::default(),
        }
    }

    /// Hands a connection to the worker.
    pub(super) fn push(&self, accepted: Accepted) {
        self.accepted().push(accepted);
        self.wake();
    }

    pub(super) fn take_accepted(&self) -> Vec<Accepted> {
        std::mem::take(&mut *self.accepted())
    }

    pub(super) fn wake(&self) {
        wake(&self.waker);
    }

    fn accepted(&self) -> MutexGuard<'_, Vec<Accepted>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the thread that waits on the waker's poll.
pub(super) fn wake(waker: &Waker) {
    if let Err(error) = waker.wake() {
        log::error!("can't wake a thread: {error}");
    }
}
