//! Which connection of a worker is due next.

use std::collections::VecDeque;

use linecard_core::Instant;

/// One entry for each connection, by its key. An entry is only moved when the deadline comes
/// earlier. One that has moved later is found out at the earlier time, and scheduled again. So a
/// request, which moves the idle timeout later, costs nothing here.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// Sorted. Most entries are added at the end, because the idle timeout is the longest time, and
    /// all leave at the front.
    queue: VecDeque<(Instant, usize)>,
}

impl Deadlines {
    /// Memory for so many connections. It grows for more.
    pub(super) fn with_capacity(connections: usize) -> Self {
        Self { queue: VecDeque::with_capacity(connections) }
    }

    /// Moves a connection's entry from `scheduled` to `due`, if that is earlier. Returns the time
    /// at which it stands now.
    pub(super) fn advance(&mut self, key: usize, scheduled: Instant, due: Instant) -> Instant {
        if due >= scheduled {
            return scheduled;
        }
        self.remove(key, scheduled);
        if let Err(at) = self.queue.binary_search(&(due, key)) {
            self.queue.insert(at, (due, key));
        }
        due
    }

    pub(super) fn remove(&mut self, key: usize, scheduled: Instant) {
        if let Ok(at) = self.queue.binary_search(&(scheduled, key)) {
            self.queue.remove(at);
        }
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.front().map(|&(due, _)| due)
    }

    /// Removes one entry whose time has come, and returns the connection's key.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let &(due, key) = self.queue.front()?;
        (due <= now).then(|| {
            self.queue.pop_front();
            key
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_only_moves_earlier() {
        let mut deadlines = Deadlines::default();
        let first = deadlines.advance(7, Instant::MAX, Instant::from_millis(300));
        assert_eq!(first, Instant::from_millis(300));
        assert_eq!(
            deadlines.advance(7, first, Instant::from_millis(500)),
            Instant::from_millis(300),
            "later: found out when due"
        );
        assert_eq!(deadlines.advance(7, first, Instant::from_millis(10)), Instant::from_millis(10));
        assert_eq!(deadlines.next(), Some(Instant::from_millis(10)), "one entry a connection");
        assert_eq!(deadlines.pop_due(Instant::from_millis(9)), None);
        assert_eq!(deadlines.pop_due(Instant::from_millis(10)), Some(7));
        assert_eq!(deadlines.next(), None);
    }
}
