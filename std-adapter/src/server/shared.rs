//! What the listener, the workers and the handles share.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;

use linecard_core::Instant;
use mio::net::TcpStream;
use mio::{Poll, Waker};

use super::alarm::Alarm;
use super::budget::Budget;
use super::clock::Clock;
use super::config::Config;
use super::counters::{Counters, WorkerCounters};
use super::listener::Listener;
use super::worker::WAKE;

/// Connections that may linger at one time; beyond, they are closed at once.
const LINGERING_CAP: usize = 64;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    stopping: AtomicBool,
    /// Newcomers may still be handed over.
    listening: AtomicBool,
    pub(super) open: AtomicUsize,
    pub(super) lingering: AtomicUsize,
    pub(super) accepted: AtomicU64,
    pub(super) accept_errors: AtomicU64,
    pub(super) parked: Budget,
    pub(super) workers: Vec<Mailbox>,
    listener: Waker,
}

/// One worker's place, as others see it.
#[derive(Debug)]
pub(super) struct Mailbox {
    waker: Waker,
    alarm: Alarm,
    accepted: Mutex<Vec<Accepted>>,
    pub(super) counters: WorkerCounters,
}

/// A connection just accepted, and whether there is room for it.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) tcp: TcpStream,
    pub(super) admitted: bool,
}

impl Shared {
    pub(super) fn new(config: &Config, listener: &Listener, polls: &[Poll]) -> io::Result<Self> {
        let workers = polls.iter().map(|poll| {
            Ok(Mailbox {
                waker: Waker::new(poll.registry(), WAKE)?,
                alarm: Alarm::new(),
                accepted: Mutex::default(),
                counters: WorkerCounters::default(),
            })
        });
        Ok(Self {
            clock: Clock::start(),
            stopping: AtomicBool::new(false),
            listening: AtomicBool::new(true),
            open: AtomicUsize::new(0),
            lingering: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
            parked: Budget::new(config.parked_budget, config.max_connections),
            workers: workers.collect::<io::Result<_>>()?,
            listener: listener.waker()?,
        })
    }

    /// Stops the server when it is dropped.
    pub(super) const fn stop_on_drop(&self) -> StopOnDrop<'_> {
        StopOnDrop { shared: self }
    }

    /// Closes the newcomers that no worker is left to welcome.
    pub(super) fn clear_mailboxes(&self) {
        for accepted in self.workers.iter().flat_map(Mailbox::take_accepted) {
            let slab = if accepted.admitted { &self.open } else { &self.lingering };
            slab.fetch_sub(1, Relaxed);
        }
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Relaxed);
        wake(&self.listener);
        self.wake_workers();
    }

    /// The listener has handed over its last newcomer.
    pub(super) fn stop_listening(&self) {
        self.listening.store(false, Release);
        self.wake_workers();
    }

    pub(super) fn is_listening(&self) -> bool {
        self.listening.load(Acquire)
    }

    /// A worker's next deadline: from then on it will be woken. Not once the server stops.
    pub(super) fn set_alarm(&self, mailbox: &Mailbox, at: Instant) {
        if mailbox.alarm.set(at) {
            wake(&self.listener);
        }
    }

    /// Wakes the workers whose deadlines have come; says when the next comes.
    pub(super) fn wake_due_workers(&self) -> Option<Duration> {
        let now = self.clock.now();
        self.workers
            .iter()
            .filter(|mailbox| mailbox.alarm.fire(now))
            .for_each(|mailbox| wake(&mailbox.waker));
        let next = self.workers.iter().map(|mailbox| mailbox.alarm.at()).min()?;
        (next < Instant::MAX).then(|| next.saturating_duration_since(now))
    }

    fn wake_workers(&self) {
        self.workers.iter().for_each(|mailbox| wake(&mailbox.waker));
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// How many may linger. Once the server stops, no more come, and each is to learn what became of its
    /// requests: all of them may.
    pub(super) fn lingering_cap(&self) -> usize {
        if self.is_stopping() { usize::MAX } else { LINGERING_CAP }
    }

    /// Takes one of `cap` places, if one is left.
    pub(super) fn take_place(slab: &AtomicUsize, cap: usize) -> bool {
        slab.fetch_update(Relaxed, Relaxed, |taken| (taken < cap).then_some(taken + 1)).is_ok()
    }

    pub(super) fn counters(&self) -> Counters {
        let mut sum = Counters {
            accepted: self.accepted.load(Relaxed),
            accept_errors: self.accept_errors.load(Relaxed),
            open: self.open.load(Relaxed),
            lingering: self.lingering.load(Relaxed),
            parked: self.parked.used(),
            ..Counters::default()
        };
        self.workers.iter().for_each(|mailbox| sum.add(&mailbox.counters));
        sum
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

impl Mailbox {
    pub(super) fn hand_over(&self, accepted: Accepted) {
        self.accepted().push(accepted);
        wake(&self.waker);
    }

    pub(super) fn take_accepted(&self) -> Vec<Accepted> {
        std::mem::take(&mut *self.accepted())
    }

    fn accepted(&self) -> std::sync::MutexGuard<'_, Vec<Accepted>> {
        self.accepted.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn wake(waker: &Waker) {
    if let Err(error) = waker.wake() {
        log::error!("a thread can't be woken: {error}");
    }
}
