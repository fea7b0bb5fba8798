//! Converts between smoltcp's time, in microseconds, and core's, in milliseconds.

use core::time::Duration;

use linecard_core::Instant;
use smoltcp::time;

/// A negative instant becomes 0.
pub(crate) fn to_core(instant: time::Instant) -> Instant {
    Instant::from_millis(u64::try_from(instant.total_millis()).unwrap_or_default())
}

/// In whole milliseconds.
pub(crate) fn to_smoltcp(duration: Duration) -> time::Duration {
    remaining(Instant::default().saturating_add(duration), time::Instant::ZERO)
}

/// The time until a deadline; zero after it.
pub(crate) fn remaining(deadline: Instant, now: time::Instant) -> time::Duration {
    let left = deadline.as_millis().saturating_sub(to_core(now).as_millis());
    time::Duration::from_millis(left)
}
