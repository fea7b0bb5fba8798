//! How the requests ended.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Significant decimal digits of a recorded latency.
const DIGITS: u8 = 3;
/// The longest latency that is recorded, in nanoseconds: an hour. Longer ones count as this.
const LATENCY_CAP: u64 = 3_600_000_000_000;

/// Counts of requests by how they ended, and the latencies of those that were answered as expected.
#[derive(Debug)]
pub(crate) struct Tally {
    /// In nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    errors: BTreeMap<&'static str, u64>,
    /// When the last reply came, from the load's beginning.
    pub(crate) last_reply: Duration,
    /// The load was stopped before its end. Requests then in flight are not counted.
    pub(crate) is_interrupted: bool,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let latencies = Histogram::new_with_bounds(1, LATENCY_CAP, DIGITS);
        Self {
            latencies: latencies.expect("these bounds and digits are valid"),
            errors: BTreeMap::new(),
            last_reply: Duration::ZERO,
            is_interrupted: false,
        }
    }

    /// `count` replies came, `latency` after they were due.
    pub(crate) fn answered(&mut self, latency: Duration, count: u64) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latencies.saturating_record_n(nanos, count);
    }

    /// `count` requests failed, all for the same reason.
    pub(crate) fn failed(&mut self, error: &'static str, count: u64) {
        if count > 0 {
            let sum = self.errors.entry(error).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    /// Requests answered as expected.
    pub(crate) fn requests(&self) -> u64 {
        self.latencies.len()
    }

    /// Requests that failed.
    pub(crate) fn errors(&self) -> u64 {
        self.errors.values().fold(0, |sum, &count| sum.saturating_add(count))
    }

    pub(crate) const fn errors_by_kind(&self) -> &BTreeMap<&'static str, u64> {
        &self.errors
    }

    /// The most frequent kind of failure.
    pub(crate) fn main_error(&self) -> Option<&'static str> {
        self.errors.iter().max_by_key(|&(_, &count)| count).map(|(&error, _)| error)
    }
}
