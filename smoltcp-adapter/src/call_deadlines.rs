//! When each unanswered call of a client times out.

use linecard_core::Instant;

/// Up to `CALLS` deadlines, each with the tag of its call.
pub(crate) struct CallDeadlines<const CALLS: usize>([Option<(u32, Instant)>; CALLS]);

impl<const CALLS: usize> CallDeadlines<CALLS> {
    pub(crate) const fn new() -> Self {
        Self([None; CALLS])
    }

    /// The place for one more call's deadline.
    pub(crate) fn vacant(&mut self) -> Option<&mut Option<(u32, Instant)>> {
        self.0.iter_mut().find(|entry| entry.is_none())
    }

    /// A call was answered or given up.
    pub(crate) fn remove(&mut self, tag: u32) {
        for entry in &mut self.0 {
            entry.take_if(|(of, _)| *of == tag);
        }
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().map(|(_, due)| *due).min()
    }

    /// Removes a call whose time is over, and returns its tag.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<u32> {
        let expired = self.0.iter_mut().find_map(|entry| entry.take_if(|(_, due)| now >= *due));
        expired.map(|(tag, _)| tag)
    }
}
