//! When requests are due.

use std::time::Duration;

/// When requests are due, on all connections together.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// A closed loop: a connection sends as soon as it has its replies, until this time is over.
    For(Duration),
    /// A closed loop of so many requests.
    Count(u64),
    /// An open loop: requests are due at even intervals, the connections in turn, whether or not
    /// the server answers.
    Open {
        /// Requests a second.
        rate: u64,
        /// Requests in total.
        count: u64,
    },
}

impl Pace {
    /// An open loop of `rate` requests a second for `span`.
    pub(crate) fn open(rate: u64, span: Duration) -> Self {
        Self::Open { rate, count: whole(span.as_secs_f64(), rate) }
    }

    /// How many requests connection `index` of `connections` is to send.
    pub(crate) const fn share(self, index: u64, connections: u64) -> u64 {
        match self {
            Self::For(_) => u64::MAX,
            Self::Count(count) | Self::Open { count, .. } => {
                count / connections + (index < count % connections) as u64
            }
        }
    }

    /// When the last request is due, if a time says so; also how long the load takes at least.
    pub(crate) fn end(self) -> Option<Duration> {
        match self {
            Self::For(span) => Some(span),
            Self::Count(_) => None,
            Self::Open { rate, count } => Some(due_at(count, rate)),
        }
    }
}

/// When request `index` of an open loop is due.
pub(crate) fn due_at(index: u64, rate: u64) -> Duration {
    let nanos = u128::from(index) * 1_000_000_000 / u128::from(rate);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// How many requests of an open loop are due at `now`.
pub(crate) fn count_due(now: Duration, rate: u64) -> u64 {
    let count = ((now.as_nanos() + 1) * u128::from(rate)).div_ceil(1_000_000_000);
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a count of requests: not negative, and saturating is right"
)]
fn whole(seconds: f64, rate: u64) -> u64 {
    (seconds * rate as f64).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let pace = Pace::Count(100);
        assert_eq!((0..7).map(|index| pace.share(index, 7)).sum::<u64>(), 100);
    }

    #[test]
    fn requests_are_due_at_even_intervals() {
        assert_eq!(due_at(0, 3), Duration::ZERO);
        assert_eq!(due_at(1, 4), Duration::from_millis(250));
        assert_eq!(due_at(4_000_000_000, 4), Duration::from_secs(1_000_000_000));
        assert_eq!(whole(0.5, 1_000), 500);
    }

    #[test]
    fn as_many_are_due_as_have_a_due_time_until_then() {
        for rate in [1, 3, 1_000, 999_999_937] {
            for millis in [0, 1, 333, 999, 1_000, 1_001] {
                let now = Duration::from_millis(millis);
                let count = count_due(now, rate);
                assert!(due_at(count - 1, rate) <= now && due_at(count, rate) > now, "{rate}");
            }
        }
    }
}
