//! One direction of a reliable stream over a bad network.

use std::collections::VecDeque;

use linecard_suite::generate::Random;

/// Bytes on their way, in order, each piece with the time at which it arrives.
pub(super) struct Pipe {
    on_their_way: VecDeque<(u64, Vec<u8>)>,
    cap: usize,
    slowest: usize,
    /// One piece in so many is lost, and sent again.
    loss: usize,
    last_at: u64,
    fin_at: Option<u64>,
    is_cut: bool,
    is_silent: bool,
}

impl Pipe {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            on_their_way: VecDeque::new(),
            cap: random.pick(&[20, 100, 500, 4_000]),
            slowest: random.pick(&[1, 20, 300]),
            loss: random.pick(&[10, 200, usize::MAX >> 32]),
            last_at: 0,
            fin_at: None,
            is_cut: false,
            is_silent: false,
        }
    }

    /// Takes as many bytes as there is room for, and says how many.
    pub(super) fn send(&mut self, now: u64, bytes: &[u8], random: &mut Random) -> usize {
        let held: usize = self.on_their_way.iter().map(|(_, piece)| piece.len()).sum();
        let taken = bytes.len().min(self.cap - held.min(self.cap));
        let mut rest = &bytes[..taken];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((1 + random.below(100)).min(rest.len()));
            let lost = if random.one_in(self.loss) { 400 } else { 0 };
            let at = now + 1 + random.below(self.slowest) as u64 + lost;
            self.last_at = self.last_at.max(at);
            self.on_their_way.push_back((self.last_at, piece.to_vec()));
            rest = after;
        }
        taken
    }

    /// At most `most` of the bytes that have arrived.
    pub(super) fn receive(&mut self, now: u64, most: usize) -> Vec<u8> {
        let mut got = Vec::new();
        while let Some((at, piece)) = self.on_their_way.front_mut() {
            if self.is_silent || *at > now || got.len() == most {
                break;
            }
            let len = piece.len().min(most - got.len());
            got.extend(piece.drain(..len));
            if piece.is_empty() {
                self.on_their_way.pop_front();
            }
        }
        got
    }

    /// Nothing will be sent any more.
    pub(super) fn fin(&mut self, now: u64) {
        self.fin_at.get_or_insert(self.last_at.max(now + 1));
    }

    /// Nothing will be received any more, and the receiver knows.
    pub(super) fn has_ended(&self, now: u64) -> bool {
        let fin = self.fin_at.is_some_and(|at| at <= now) && self.on_their_way.is_empty();
        self.is_cut || (fin && !self.is_silent)
    }

    /// The connection is gone.
    pub(super) fn cut(&mut self) {
        self.on_their_way.clear();
        self.is_cut = true;
    }

    /// Nothing arrives any more, but there is room for what is never received.
    pub(super) const fn silence(&mut self) {
        self.is_silent = true;
    }

    /// When something arrives next.
    pub(super) fn next_at(&self, now: u64) -> Option<u64> {
        if self.is_silent {
            return None;
        }
        let at = self.on_their_way.front().map_or(self.fin_at, |(at, _)| Some(*at));
        at.filter(|&at| at > now)
    }
}
