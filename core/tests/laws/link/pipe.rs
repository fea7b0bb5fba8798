//! One direction of a reliable stream over a lossy network.

use std::collections::VecDeque;

use linecard_suite::generate::Random;

/// Bytes in flight, in order.
pub(super) struct Pipe {
    /// Pieces, each with the time at which it arrives.
    in_flight: VecDeque<(u64, Vec<u8>)>,
    /// Bytes that fit.
    cap: usize,
    /// Milliseconds.
    max_delay: usize,
    /// One piece in so many is lost and sent again.
    loss: usize,
    last_at: u64,
    fin_at: Option<u64>,
    is_cut: bool,
    is_silent: bool,
}

impl Pipe {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            in_flight: VecDeque::new(),
            cap: random.pick(&[20, 100, 500, 4_000]),
            max_delay: random.pick(&[1, 20, 300]),
            loss: random.pick(&[10, 200, usize::MAX >> 32]),
            last_at: 0,
            fin_at: None,
            is_cut: false,
            is_silent: false,
        }
    }

    /// Sends as many bytes as fit, and returns how many.
    pub(super) fn send(&mut self, now: u64, bytes: &[u8], random: &mut Random) -> usize {
        let used: usize = self.in_flight.iter().map(|(_, piece)| piece.len()).sum();
        let taken = bytes.len().min(self.cap - used.min(self.cap));
        let mut rest = &bytes[..taken];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((1 + random.below(100)).min(rest.len()));
            let lost = if random.one_in(self.loss) { 400 } else { 0 };
            let at = now + 1 + random.below(self.max_delay) as u64 + lost;
            self.last_at = self.last_at.max(at);
            self.in_flight.push_back((self.last_at, piece.to_vec()));
            rest = after;
        }
        taken
    }

    /// Receives at most `max` of the bytes that have arrived.
    pub(super) fn receive(&mut self, now: u64, max: usize) -> Vec<u8> {
        let mut got = Vec::new();
        while let Some((at, piece)) = self.in_flight.front_mut() {
            if self.is_silent || *at > now || got.len() == max {
                break;
            }
            let len = piece.len().min(max - got.len());
            got.extend(piece.drain(..len));
            if piece.is_empty() {
                self.in_flight.pop_front();
            }
        }
        got
    }

    /// Closes the sending side.
    pub(super) fn fin(&mut self, now: u64) {
        self.fin_at.get_or_insert(self.last_at.max(now + 1));
    }

    /// Whether the receiver sees the end of the stream.
    pub(super) fn has_ended(&self, now: u64) -> bool {
        let fin = self.fin_at.is_some_and(|at| at <= now) && self.in_flight.is_empty();
        self.is_cut || (fin && !self.is_silent)
    }

    /// Resets the connection.
    pub(super) fn cut(&mut self) {
        self.in_flight.clear();
        self.is_cut = true;
    }

    /// Nothing arrives any more. The sender is not notified.
    pub(super) const fn silence(&mut self) {
        self.is_silent = true;
    }

    /// When something arrives next.
    pub(super) fn next_at(&self, now: u64) -> Option<u64> {
        if self.is_silent {
            return None;
        }
        let at = self.in_flight.front().map_or(self.fin_at, |(at, _)| Some(*at));
        at.filter(|&at| at > now)
    }
}
