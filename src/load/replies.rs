//! Received bytes, compared with the expected replies.

use super::cycle::{CHUNK, Position};
use super::exchange::{Exchange, Expected};
use super::inspect::{Inspected, MAX_REPLY_LEN, inspect};

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server ended it, or the network did; the kind of failure.
    Closed(&'static str),
    /// The server broke the protocol; the kind of failure.
    Fault(&'static str),
}

/// What replies are: as expected, or of a kind of failure.
pub(super) type Outcome = Result<(), &'static str>;

/// How far the replies of one connection have been read.
#[derive(Debug, Default)]
pub(super) struct Replies {
    position: Position,
    /// Bytes that differ from the expected ones, from the beginning of their frame.
    differing: Vec<u8>,
}

impl Replies {
    /// Takes received bytes, and calls `settle` for the replies that they complete. Stops at the
    /// first error, its own or that of `settle`.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        exchange: &Exchange,
        mut settle: impl FnMut(u64, Outcome) -> Result<(), End>,
    ) -> Result<(), End> {
        let any = matches!(exchange.expected, Expected::Lengths);
        for bytes in bytes.chunks(CHUNK) {
            let expected = exchange.replies.bytes(self.position, bytes.len());
            if self.differing.is_empty() && (any || bytes == expected) {
                let count = exchange.replies.advance(&mut self.position, bytes.len());
                settle(count as u64, Ok(()))?;
            } else {
                self.take_differing(bytes, exchange, &mut settle)?;
            }
        }
        Ok(())
    }

    /// Parses frame by frame, until a frame ends where the bytes do.
    fn take_differing(
        &mut self,
        bytes: &[u8],
        exchange: &Exchange,
        settle: &mut impl FnMut(u64, Outcome) -> Result<(), End>,
    ) -> Result<(), End> {
        let Expected::Body(expected) = &exchange.expected else {
            return Err(End::Fault("another reply"));
        };
        if self.differing.is_empty() {
            self.differing.extend_from_slice(exchange.replies.begun(self.position));
        }
        self.differing.extend_from_slice(bytes);
        self.position = Position::default();
        let mut done = 0;
        loop {
            match inspect(&self.differing[done..], expected) {
                Inspected::Right(len) => {
                    settle(1, Ok(()))?;
                    done += len;
                }
                Inspected::Wrong(error, len) => {
                    settle(1, Err(error))?;
                    done += len;
                }
                Inspected::Skipped(len) => done += len,
                Inspected::Last(error) => return Err(End::Closed(error)),
                Inspected::Partial => break,
                Inspected::Broken => return Err(End::Fault("a broken reply")),
            }
        }
        self.differing.drain(..done);
        debug_assert!(self.differing.len() <= MAX_REPLY_LEN, "more is buffered than is allowed");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = b"OK\nyes\n";

    /// The outcomes of a stream that arrives in pieces of `len` bytes.
    fn take(stream: &[u8], len: usize) -> (Vec<(u64, Outcome)>, Result<(), End>) {
        let exchange =
            Exchange::new(b"ASK\n\n", REPLY, 1, Expected::Body(b"yes".to_vec())).unwrap();
        let (mut replies, mut settled) = (Replies::default(), Vec::new());
        let end = stream.chunks(len).try_for_each(|piece| {
            replies.take(piece, &exchange, |count, outcome| {
                settled.push((count, outcome));
                Ok(())
            })
        });
        settled.retain(|&(count, _)| count > 0);
        (settled, end)
    }

    #[test]
    fn pieces_of_any_length_settle_the_same_replies() {
        let stream =
            [REPLY, b"NEWS\n1\n", b"ERR\nfailed\n", REPLY, b"OK #1\nlate\n", REPLY, b"OK 3\nyes\n"];
        for len in 1..50 {
            let (settled, end) = take(&stream.concat(), len);
            let count = |wanted: Outcome| {
                settled.iter().filter(|&&(_, outcome)| outcome == wanted).map(|&(n, _)| n).sum()
            };
            let counts: (u64, u64) = (count(Ok(())), count(Err("failed")));
            assert_eq!((counts, end), ((4, 1), Ok(())), "{len}");
        }
    }

    #[test]
    fn nothing_behind_a_closing_refusal_is_read() {
        let stream = [REPLY, b"ERR\nstopping\n", REPLY].concat();
        assert_eq!(take(&stream, 64), (vec![(1, Ok(()))], Err(End::Closed("stopping"))));
    }
}
