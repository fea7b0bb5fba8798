//! A server's counters. Each worker counts for itself; they are added up when they are read.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use linecard_core::Code;

/// A server's counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections accepted, including those answered `busy`.
    pub accepted: u64,
    /// Failed attempts to accept: no descriptor left, or the peer was gone already.
    pub accept_errors: u64,
    /// Connections being served now.
    pub open: usize,
    /// Connections being drained now, after their last reply.
    pub lingering: usize,
    /// Connections reset: the peer read no replies, the buffer budget was exceeded, or the stop
    /// timeout passed.
    pub resets: u64,
    /// Requests passed to the service.
    pub requests: u64,
    /// Panics of the service.
    pub panics: u64,
    /// Bytes read from peers.
    pub bytes_in: u64,
    /// Bytes handed to the system for peers.
    pub bytes_out: u64,
    /// Bytes buffered now: see [`Config::buffer_budget`](super::Config::buffer_budget).
    pub buffered: usize,
    pub(super) errors: [u64; Code::ALL.len()],
}

impl Counters {
    /// The number of `ERR` replies with this code.
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

/// One worker's counters. Only that worker writes them, on a cache line of their own.
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

/// Adds to a counter that only this thread writes: a load and a store, without a locked
/// instruction.
pub(super) fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
}
