//! Since when no sent byte has been acknowledged.

use core::time::Duration;

use linecard_core::Instant;

/// Measures how long the peer has acknowledged nothing while something is unacknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteTimer {
    /// Bytes unacknowledged at the last call, the FIN included.
    unacknowledged: usize,
    /// When they last became fewer, or were none.
    since: Instant,
}

impl WriteTimer {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { unacknowledged: 0, since: now }
    }

    /// Looks for progress of the peer. Call it before more bytes are queued.
    pub(crate) fn check(&mut self, unacknowledged: usize, now: Instant) {
        if unacknowledged == 0 || unacknowledged < self.unacknowledged {
            self.since = now;
        }
        self.unacknowledged = unacknowledged;
    }

    /// More bytes were queued, which is no progress of the peer.
    pub(crate) fn queued(&mut self, unacknowledged: usize, now: Instant) {
        if self.unacknowledged == 0 {
            self.since = now;
        }
        self.unacknowledged = unacknowledged;
    }

    /// When the write timeout expires. `None` while everything is acknowledged.
    pub(crate) fn deadline(&self, timeout: Duration) -> Option<Instant> {
        (self.unacknowledged > 0).then(|| self.since.saturating_add(timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn only_an_acknowledgement_restarts_the_timer() {
        let deadline = |timer: &WriteTimer| timer.deadline(Duration::from_millis(10));
        let mut timer = WriteTimer::new(at(0));
        assert_eq!(deadline(&timer), None);
        timer.queued(5, at(100));
        assert_eq!(deadline(&timer), Some(at(110)));
        timer.check(5, at(105));
        timer.queued(9, at(105));
        assert_eq!(deadline(&timer), Some(at(110)), "more bytes to send are no progress");
        timer.check(8, at(108));
        assert_eq!(deadline(&timer), Some(at(118)), "one byte fewer is");
        timer.check(0, at(109));
        assert_eq!(deadline(&timer), None);
    }
}
