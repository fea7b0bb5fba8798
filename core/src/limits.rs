//! What a session accepts, returns and waits for: docs/PROTOCOL.md §4 (limits) and §8.3 (time).

use core::time::Duration;

use crate::frame::BodyLimits;
use crate::head::MAX_HEAD_LINE_LEN;
use crate::reply::{MAX_ERR_FRAME_LEN, MAX_OK_HEAD_LEN};

/// The limits of one server session.
///
/// Lengths are in bytes; a line's length excludes a dropped CR. A length equal to its limit is
/// legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// The longest request body that is stored and passed to a handler.
    pub max_body_len: u32,
    /// The longest reply body. A longer one becomes `reply-too-large`.
    pub max_reply_len: u32,
    /// The longest request body that is read and discarded to stay in sync. Beyond it the session
    /// closes. A value below `max_body_len` counts as `max_body_len`.
    pub skip_budget: u32,
    /// The time from a frame's first byte to its last.
    pub frame_timeout: Duration,
    /// The time without a frame begun or a reply owed.
    pub idle_timeout: Duration,
}

impl Limits {
    /// The desktop server's limits: 64 KiB bodies and replies, 1 MiB skipped, 10 s, 300 s.
    pub const DESKTOP: Self = Self {
        max_body_len: 65_536,
        max_reply_len: 65_536,
        skip_budget: 1_048_576,
        frame_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_mins(5),
    };

    /// A device's limits: 2 KiB bodies and replies, 64 KiB skipped, 10 s, 60 s.
    pub const DEVICE: Self = Self {
        max_body_len: 2_048,
        max_reply_len: 2_048,
        skip_budget: 65_536,
        frame_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_mins(1),
    };

    /// The length of the longest request frame that is stored: the least size of an input buffer.
    #[must_use]
    pub const fn max_request_frame_len(&self) -> usize {
        max_frame_len(self.max_body_len)
    }

    /// The length of the longest reply frame: the least size of an output buffer. A request is only
    /// handed out while so much is free in the output.
    #[must_use]
    pub const fn max_reply_frame_len(&self) -> usize {
        let ok = (self.max_reply_len as usize).saturating_add(MAX_OK_HEAD_LEN + 1);
        if ok > MAX_ERR_FRAME_LEN { ok } else { MAX_ERR_FRAME_LEN }
    }

    /// What the decoder keeps to.
    #[inline]
    pub(crate) const fn of_bodies(&self) -> BodyLimits {
        BodyLimits { max_body_len: self.max_body_len, skip_budget: self.skip_budget }
    }
}

/// The longest frame with a body of `body_len`: a head line, the body, CR LF.
pub(crate) const fn max_frame_len(body_len: u32) -> usize {
    (body_len as usize).saturating_add(MAX_HEAD_LINE_LEN + 2)
}
