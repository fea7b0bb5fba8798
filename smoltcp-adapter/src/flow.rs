//! Whether bytes under way to the peer still move.

use core::time::Duration;

use linecard_core::Instant;

/// Remembers when the peer last acknowledged something that was unacknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// Bytes unacknowledged at the last look, a FIN among them.
    queued: usize,
    /// When that was last less than before, or zero.
    since: Instant,
}

impl Flow {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { queued: 0, since: now }
    }

    /// Looks: `queued` bytes are unacknowledged now. To be told before more are queued.
    pub(crate) fn view(&mut self, queued: usize, now: Instant) {
        if queued == 0 || queued < self.queued {
            self.since = now;
        }
        self.queued = queued;
    }

    /// More bytes were queued; that is no progress of the peer's.
    pub(crate) fn queue(&mut self, queued: usize, now: Instant) {
        if self.queued == 0 {
            self.since = now;
        }
        self.queued = queued;
    }

    /// When the write timeout runs out, while anything is unacknowledged.
    pub(crate) fn deadline(&self, timeout: Duration) -> Option<Instant> {
        (self.queued > 0).then(|| self.since.saturating_add(timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_acknowledgement_is_progress() {
        let mut flow = Flow::new(Instant::from_millis(0));
        assert_eq!(flow.deadline(Duration::from_millis(10)), None);
        flow.queue(5, Instant::from_millis(100));
        assert_eq!(flow.deadline(Duration::from_millis(10)), Some(Instant::from_millis(110)));
        flow.view(5, Instant::from_millis(105));
        flow.queue(9, Instant::from_millis(105));
        assert_eq!(
            flow.deadline(Duration::from_millis(10)),
            Some(Instant::from_millis(110)),
            "more to send is none"
        );
        flow.view(8, Instant::from_millis(108));
        assert_eq!(
            flow.deadline(Duration::from_millis(10)),
            Some(Instant::from_millis(118)),
            "a byte less is"
        );
        flow.view(0, Instant::from_millis(109));
        assert_eq!(flow.deadline(Duration::from_millis(10)), None);
    }
}
