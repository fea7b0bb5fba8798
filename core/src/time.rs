//! Time as the caller tells it: an instant is a point on its clock, a [`Duration`] a length of
//! time.

use core::time::Duration;

/// A point in time on the caller's monotonic clock, in milliseconds since any fixed start.
///
/// Fronts pass it in; core never reads a clock. It has 64 bits: it doesn't wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// Later than any other. A deadline at this instant is never reached.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `millis` milliseconds after the clock's start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the clock's start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The instant `duration` later, or [`Instant::MAX`] if that is beyond it.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The instant `duration` earlier, or the clock's start if that is before it.
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Whole milliseconds, at most `u64::MAX`. `Duration::as_millis` has 128 bits, which costs a device
/// a division; so does a saturating multiplication.
#[cfg_attr(feature = "small", inline(never))]
const fn millis(duration: Duration) -> u64 {
    let secs = duration.as_secs();
    if secs >= u64::MAX / 1_000 {
        return u64::MAX;
    }
    secs.wrapping_mul(1_000).wrapping_add(duration.subsec_millis() as u64)
}
