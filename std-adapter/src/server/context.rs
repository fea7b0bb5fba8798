//! What a worker lends to the connection whose turn it is.

use std::time::Duration;

use linecard_core::{Instant, Service};

use super::budget::WorkerBudget;
use super::clock::Clock;
use super::config::Config;
use super::counters::WorkerCounters;
use super::guard::Guard;
use super::shared::Shared;

/// Bytes read at one time. More are asked for where a frame's length is known.
pub(super) const READ_LEN: usize = 64 * 1024;

/// Space before what is read, for the buffered beginning of a frame.
const FRONT_LEN: usize = READ_LEN;

/// What is read begins at a multiple of this. From the system, bytes come in pages; where they go
/// just behind the same place of another page, such as 16 bytes further, a processor may copy them
/// at a third of its speed, because each of its stores looks like one to the bytes it loads next.
const ALIGNMENT: usize = 64;

/// The most bytes read at one time: the rest of a frame and, behind it, as many as usual.
const MAX_READ_LEN: usize = 2 * READ_LEN;

/// Bytes of replies gathered for one write, beside the longest reply. With the default limits two
/// of the longest go out together, which saves half of a bulk reader's wake-ups. More would save
/// little, and take more memory for a peer that doesn't read.
const BATCH_LEN: usize = 65 * 1024;

pub(super) struct WorkerContext<'c, S> {
    /// What is read. Empty while a connection answers what it has read into it.
    pub(super) rx: ReadBuf,
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
            rx: ReadBuf::new(),
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

/// The buffer that all connections of a worker read into.
///
/// ```text
/// │ space for what is buffered │ what is read │
/// ```
///
/// What was buffered of a frame is copied before what is read, so that the frame is in one piece.
#[derive(Debug, Default)]
pub(super) struct ReadBuf {
    block: Box<[u8]>,
    /// Where what is read begins.
    read_at: usize,
}

impl ReadBuf {
    /// Memory that isn't read into is never touched, so that a system gives none for it.
    fn new() -> Self {
        let block: Box<[u8]> = vec![0; FRONT_LEN + ALIGNMENT + MAX_READ_LEN].into();
        let gap = block[FRONT_LEN..].as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self { block, read_at: FRONT_LEN + gap }
    }

    /// Where to read at most `len` bytes to.
    pub(super) fn space(&mut self, len: usize) -> &mut [u8] {
        &mut self.block[self.read_at..][..len.min(MAX_READ_LEN)]
    }

    /// The `len` bytes that were read, behind those that were buffered.
    pub(super) fn join(&mut self, buffered: &[u8], len: usize) -> Option<&[u8]> {
        let start = self.read_at.checked_sub(buffered.len())?;
        self.block[start..self.read_at].copy_from_slice(buffered);
        Some(&self.block[start..self.read_at + len])
    }
}
