//! Which connection is due next.

use std::collections::VecDeque;

use linecard_core::Instant;

/// One moment for each connection, by its key. A connection's moment is only moved when it comes
/// earlier; one that has moved later is found out when the earlier comes, and asked anew. So the steady
/// path, which pushes its idle timeout ahead with each request, costs nothing here.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// In order. Most come in at its end, for the longest time is the idle timeout, and go out at its front.
    queue: VecDeque<(Instant, usize)>,
}

impl Deadlines {
    /// With room for so many connections; for more it grows.
    pub(super) fn with_capacity(connections: usize) -> Self {
        Self { queue: VecDeque::with_capacity(connections) }
    }

    /// Moves a connection's moment from `scheduled` to `due`, if that is earlier; gives back the one
    /// that is in force.
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

    /// The next moment.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.front().map(|&(due, _)| due)
    }

    /// Takes out one connection whose moment has come.
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
    fn a_moment_only_comes_earlier() {
        let mut deadlines = Deadlines::default();
        let first = deadlines.advance(7, Instant::MAX, Instant::from_millis(300));
        assert_eq!(first, Instant::from_millis(300));
        assert_eq!(
            deadlines.advance(7, first, Instant::from_millis(500)),
            Instant::from_millis(300),
            "later: found out when due"
        );
        assert_eq!(deadlines.advance(7, first, Instant::from_millis(10)), Instant::from_millis(10));
        assert_eq!(deadlines.next(), Some(Instant::from_millis(10)), "one moment a connection");
        assert_eq!(deadlines.pop_due(Instant::from_millis(9)), None);
        assert_eq!(deadlines.pop_due(Instant::from_millis(10)), Some(7));
        assert_eq!(deadlines.next(), None);
    }
}
