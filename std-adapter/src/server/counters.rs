//! What a server has done: counted by each worker for itself, added up when asked.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use linecard_core::Code;

/// A server's counters, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections accepted, those answered `busy` among them.
    pub accepted: u64,
    /// Attempts to accept that failed: no descriptors left, a peer gone already.
    pub accept_errors: u64,
    /// Connections being served.
    pub open: usize,
    /// Connections that were told why they close, and are being drained.
    pub lingering: usize,
    /// Connections reset: no progress of a write, or no budget to park bytes.
    pub resets: u64,
    /// Requests answered by a handler, or refused on its behalf.
    pub requests: u64,
    /// Panics of handlers, and of the service when it was told of a refusal.
    pub panics: u64,
    /// Bytes read from peers.
    pub bytes_in: u64,
    /// Bytes of replies, handed to the system.
    pub bytes_out: u64,
    /// Bytes parked.
    pub parked: usize,
    pub(super) errors: [u64; Code::ALL.len()],
}

impl Counters {
    /// `ERR` replies with this code.
    #[must_use]
    pub const fn errors(&self, code: Code) -> u64 {
        self.errors[code.index()]
    }

    pub(super) fn add(&mut self, worker: &WorkerCounters) {
        self.resets += worker.resets.load(Relaxed);
        self.requests += worker.requests.load(Relaxed);
        self.panics += worker.panics.load(Relaxed);
        self.bytes_in += worker.bytes_in.load(Relaxed);
        self.bytes_out += worker.bytes_out.load(Relaxed);
        for (sum, errors) in self.errors.iter_mut().zip(&worker.errors) {
            *sum += errors.load(Relaxed);
        }
    }
}

/// One worker's own; it alone writes them, on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct WorkerCounters {
    pub(super) resets: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) panics: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) errors: [AtomicU64; Code::ALL.len()],
}

/// Adds to a counter that this thread alone writes: a load and a store, no locked instruction.
pub(super) fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
}
