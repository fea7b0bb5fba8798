//! What the listener, the workers and the handles share.

use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;

use linecard_core::Instant;
use mio::Waker;

use super::budget::Budget;
use super::clock::Clock;
use super::config::Config;
use super::counters::Counters;
use super::mailbox::{Mailbox, wake};

/// The most connections that linger at one time. Beyond it they are closed at once.
const MAX_LINGERING: usize = 64;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    stopping: AtomicBool,
    /// Whether the listener may still hand over connections.
    listening: AtomicBool,
    pub(super) open: ConnectionCount,
    pub(super) lingering: ConnectionCount,
    pub(super) accepted: AtomicU64,
    pub(super) accept_errors: AtomicU64,
    pub(super) buffered: Budget,
    /// One for each worker.
    pub(super) mailboxes: Vec<Mailbox>,
    listener: Waker,
}

impl Shared {
    /// `listener` wakes the listener; `workers` has a waker for each worker.
    pub(super) fn new(config: &Config, listener: Waker, workers: Vec<Waker>) -> Self {
        Self {
            clock: Clock::start(),
            stopping: AtomicBool::new(false),
            listening: AtomicBool::new(true),
            open: ConnectionCount::default(),
            lingering: ConnectionCount::default(),
            accepted: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
            buffered: Budget::new(config.buffer_budget),
            mailboxes: workers.into_iter().map(Mailbox::new).collect(),
            listener,
        }
    }

    /// Stops the server when it is dropped.
    pub(super) const fn stop_on_drop(&self) -> StopOnDrop<'_> {
        StopOnDrop { shared: self }
    }

    /// Closes the connections that no worker is left to take.
    pub(super) fn clear_mailboxes(&self) {
        for accepted in self.mailboxes.iter().flat_map(Mailbox::take_accepted) {
            let count = if accepted.admitted { &self.open } else { &self.lingering };
            count.subtract();
        }
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Relaxed);
        wake(&self.listener);
        self.wake_workers();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// The listener has handed over its last connection.
    pub(super) fn stop_listening(&self) {
        self.listening.store(false, Release);
        self.wake_workers();
    }

    pub(super) fn is_listening(&self) -> bool {
        self.listening.load(Acquire)
    }

    /// Has the listener wake the worker `at` its next deadline, unless the server stops before.
    pub(super) fn set_alarm(&self, mailbox: &Mailbox, at: Instant) {
        if mailbox.alarm.set(at) {
            wake(&self.listener);
        }
    }

    /// Wakes the workers whose deadlines have passed. Returns the time until the next deadline.
    pub(super) fn wake_due_workers(&self) -> Option<Duration> {
        let now = self.clock.now();
        self.mailboxes.iter().filter(|mailbox| mailbox.alarm.fire(now)).for_each(Mailbox::wake);
        let next = self.mailboxes.iter().map(|mailbox| mailbox.alarm.at()).min()?;
        (next < Instant::MAX).then(|| next.saturating_duration_since(now))
    }

    fn wake_workers(&self) {
        self.mailboxes.iter().for_each(Mailbox::wake);
    }

    /// The most connections that may linger now. While the server stops, all of them may: no more
    /// connections come, and every client is to receive its replies.
    pub(super) fn max_lingering(&self) -> usize {
        if self.is_stopping() { usize::MAX } else { MAX_LINGERING }
    }

    pub(super) fn counters(&self) -> Counters {
        let mut sum = Counters {
            accepted: self.accepted.load(Relaxed),
            accept_errors: self.accept_errors.load(Relaxed),
            open: self.open.get(),
            lingering: self.lingering.get(),
            buffered: self.buffered.used(),
            ..Counters::default()
        };
        self.mailboxes.iter().for_each(|mailbox| sum.add(&mailbox.counters));
        sum
    }
}

/// Connections of one kind, over all workers.
#[derive(Debug, Default)]
pub(super) struct ConnectionCount(AtomicUsize);

impl ConnectionCount {
    /// Counts one more, unless there are `max` already. Returns whether it was counted.
    pub(super) fn add(&self, max: usize) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |count| (count < max).then_some(count + 1)).is_ok()
    }

    pub(super) fn subtract(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    pub(super) fn get(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// Stops the server when it is dropped.
pub(super) struct StopOnDrop<'s> {
    shared: &'s Shared,
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
