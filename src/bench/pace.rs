//! When requests are due.

use std::time::Duration;

use super::options::Options;

/// The same for all connections.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// A connection sends as soon as it has its replies, for a while.
    For(Duration),
    /// The same, for a number of requests in all.
    Count(u64),
    /// Requests are due at even intervals, the connections in turn, whatever the server does.
    Open {
        /// A second.
        rate: u64,
        /// In all.
        count: u64,
    },
}

impl Pace {
    pub(super) fn of(options: &Options) -> Self {
        match (options.rate, options.requests) {
            (Some(rate), _) => {
                let rate = rate.get();
                Self::Open { rate, count: whole(options.seconds.as_secs_f64(), rate) }
            }
            (None, Some(count)) => Self::Count(count.get()),
            (None, None) => Self::For(options.seconds),
        }
    }

    /// The requests that one of `connections` is to send.
    pub(super) const fn share(self, index: u64, connections: u64) -> u64 {
        match self {
            Self::For(_) => u64::MAX,
            Self::Count(count) | Self::Open { count, .. } => {
                count / connections + (index < count % connections) as u64
            }
        }
    }

    /// When nothing new is due any more, as far as that is known; and how long the load takes.
    pub(super) fn end(self) -> Option<Duration> {
        match self {
            Self::For(span) => Some(span),
            Self::Count(_) => None,
            Self::Open { rate, count } => Some(moment(count, rate)),
        }
    }
}

/// When request `index` of all is due in an open loop.
pub(super) fn moment(index: u64, rate: u64) -> Duration {
    let nanos = u128::from(index) * 1_000_000_000 / u128::from(rate);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a count of requests, of neither sign nor size to be lost"
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
        assert_eq!(moment(0, 3), Duration::ZERO);
        assert_eq!(moment(1, 4), Duration::from_millis(250));
        assert_eq!(moment(4_000_000_000, 4), Duration::from_secs(1_000_000_000));
        assert_eq!(whole(0.5, 1_000), 500);
    }
}
