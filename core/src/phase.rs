//! What a connection is doing, since when, and until when it may.

use crate::limits::Limits;
use crate::time::Instant;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between frames.
    Idle,
    /// In a frame.
    Frame,
    /// Nothing more.
    Closed,
}

/// A phase and the time it has taken. The clock can be paused.
#[derive(Debug)]
pub(crate) struct PhaseClock {
    phase: Phase,
    paused: bool,
    /// While running, when the phase began. While paused, the milliseconds that it had taken: one
    /// word for both keeps a session small.
    millis: u64,
}

impl PhaseClock {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { phase: Phase::Idle, paused: false, millis: now.as_millis() }
    }

    #[inline]
    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Neither paused nor closed.
    #[inline]
    pub(crate) const fn is_running(&self) -> bool {
        !self.paused && !matches!(self.phase, Phase::Closed)
    }

    /// A phase begins. The clock must not be paused.
    #[inline]
    pub(crate) fn start(&mut self, phase: Phase, now: Instant) {
        debug_assert!(!self.paused, "a phase began while the clock was paused");
        self.phase = phase;
        self.millis = now.as_millis();
    }

    pub(crate) const fn close(&mut self) {
        self.phase = Phase::Closed;
    }

    /// The phase has taken no time yet.
    pub(crate) const fn restart(&mut self, now: Instant) {
        self.millis = if self.paused { 0 } else { now.as_millis() };
    }

    /// Stops or starts the clock. Subtracted from now, the start gives the time taken, and the time
    /// taken gives the start.
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) const fn set_paused(&mut self, paused: bool, now: Instant) {
        if self.paused != paused {
            self.paused = paused;
            self.millis = now.as_millis().saturating_sub(self.millis);
        }
    }

    /// When the phase has taken as long as it may. `None` while paused or closed.
    pub(crate) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let timeout = match self.phase {
            _ if self.paused => return None,
            Phase::Closed => return None,
            Phase::Idle => limits.idle_timeout,
            Phase::Frame => limits.frame_timeout,
        };
        Some(Instant::from_millis(self.millis).saturating_add(timeout))
    }
}
