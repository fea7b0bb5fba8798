//! What a worker lends to the connection whose turn it is.

use std::time::Duration;

use linecard_core::{Instant, Service};

use super::budget::WorkerBudget;
use super::clock::Clock;
use super::config::Config;
use super::counters::WorkerCounters;
use super::guard::Guard;
use super::shared::Shared;

/// Bytes read at one time. A frame may be longer: it is buffered as it comes.
const RX_LEN: usize = 64 * 1024;

/// Bytes of replies gathered for one write, beside the longest reply. With the default limits both
/// together are below 128 KiB: when a larger block is freed, glibc begins to keep twice as much in
/// each heap.
const BATCH_LEN: usize = 48 * 1024;

pub(super) struct WorkerContext<'c, S> {
    /// What is read. Empty while a connection answers what it has read into it.
    pub(super) rx: Box<[u8]>,
    /// Replies on their way to a socket.
    pub(super) tx: Box<[u8]>,
    pub(super) guard: Guard<'c, S>,
    pub(super) budget: WorkerBudget<'c>,
    pub(super) shared: &'c Shared,
    pub(super) counters: &'c WorkerCounters,
    pub(super) write_timeout: Duration,
    clock: Clock,
    /// The time when the worker last looked.
    pub(super) now: Instant,
}

impl<'c, S: Service> WorkerContext<'c, S> {
    pub(super) fn new(
        config: &Config,
        shared: &'c Shared,
        counters: &'c WorkerCounters,
        service: S,
    ) -> Self {
        Self {
            rx: vec![0; RX_LEN].into(),
            tx: vec![0; config.limits.max_reply_frame_len() + BATCH_LEN].into(),
            guard: Guard::new(service, counters),
            budget: WorkerBudget::new(&shared.buffered, shared.mailboxes.len()),
            shared,
            counters,
            write_timeout: config.write_timeout,
            clock: shared.clock,
            now: shared.clock.now(),
        }
    }

    /// Looks at the clock.
    pub(super) fn update_now(&mut self) {
        self.now = self.clock.now();
    }
}
