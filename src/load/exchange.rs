//! What is sent, and what should come back.

use super::cycle::Cycle;

/// Both directions of a connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(super) requests: Cycle,
    pub(super) replies: Cycle,
    pub(super) expected: Expected,
}

/// Which bytes count as a reply.
#[derive(Debug)]
pub(crate) enum Expected {
    /// Linecard replies with this body. One that is framed in another way is right too.
    Body(Vec<u8>),
    /// Exactly the bytes of the replies.
    Bytes,
    /// Anything of a reply's length.
    Lengths,
}

impl Exchange {
    /// `requests` and `replies` hold `count` frames each, back to back and all of one length.
    ///
    /// # Errors
    /// A sentence, if the length isn't a multiple of `count`, or zero.
    pub(crate) fn new(
        requests: &[u8],
        replies: &[u8],
        count: usize,
        expected: Expected,
    ) -> Result<Self, String> {
        Ok(Self { requests: cycle(requests, count)?, replies: cycle(replies, count)?, expected })
    }

    /// The lengths of one request and of one reply, in bytes.
    #[cfg(test)]
    pub(crate) const fn frame_lens(&self) -> (usize, usize) {
        (self.requests.frame_len(), self.replies.frame_len())
    }
}

fn cycle(frames: &[u8], count: usize) -> Result<Cycle, String> {
    let unequal = || format!("{} bytes are not {count} frames of one length", frames.len());
    Cycle::new(frames, count).ok_or_else(unequal)
}
