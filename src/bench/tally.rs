//! What came of the requests.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Three digits of a latency are kept.
const DIGITS: u8 = 3;
/// The longest latency that is told apart, in nanoseconds: an hour.
const LATENCY_CAP: u64 = 3_600_000_000_000;

/// Counts of requests by their end, and latencies of those that ended well.
#[derive(Debug)]
pub(super) struct Tally {
    /// In nanoseconds.
    pub(super) latencies: Histogram<u64>,
    errors: BTreeMap<&'static str, u64>,
    /// When the last reply came, since the beginning.
    pub(super) last: Duration,
}

impl Tally {
    pub(super) fn new() -> Self {
        let latencies = Histogram::new_with_bounds(1, LATENCY_CAP, DIGITS);
        Self {
            latencies: latencies.expect("bounds and digits that a histogram takes"),
            errors: BTreeMap::new(),
            last: Duration::ZERO,
        }
    }

    /// `count` replies came, `latency` after they were due.
    pub(super) fn answered(&mut self, latency: Duration, count: u64) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latencies.saturating_record_n(nanos, count);
    }

    /// `count` requests failed, all in one way.
    pub(super) fn failed(&mut self, error: &'static str, count: u64) {
        if count > 0 {
            *self.errors.entry(error).or_default() += count;
        }
    }

    /// Requests answered as they should be.
    pub(super) fn requests(&self) -> u64 {
        self.latencies.len()
    }

    /// Requests that failed.
    pub(super) fn errors(&self) -> u64 {
        self.errors.values().sum()
    }

    pub(super) const fn errors_by_kind(&self) -> &BTreeMap<&'static str, u64> {
        &self.errors
    }

    /// The kind of most failures.
    pub(super) fn first_error(&self) -> Option<&'static str> {
        self.errors.iter().max_by_key(|&(_, &count)| count).map(|(&error, _)| error)
    }
}
