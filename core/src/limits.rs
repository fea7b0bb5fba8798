//! What a session may take, give and wait for: docs/PROTOCOL.md §4 (limits) and §8.3 (time).

use crate::head::MAX_HEAD_LINE_LEN;
use crate::reply::{MAX_ERR_FRAME_LEN, MAX_OK_HEAD_LEN};

/// A moment on, or a span of, the caller's monotonic clock, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Millis(pub u64);

impl Millis {
    /// Never: as a timeout it does not run out.
    pub const MAX: Self = Self(u64::MAX);

    /// `self` later by `span`; never wraps.
    #[must_use]
    pub const fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span from `earlier` to `self`; zero when the clock went backwards.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// The limits of one server session. Lengths count bytes, of a line those after a dropped CR;
/// exactly the limit is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// The longest body that is stored and handed to a handler.
    pub max_body_len: u32,
    /// The longest body of a reply; a longer one becomes `reply-too-large`.
    pub max_reply_len: u32,
    /// The longest body that is read and thrown away to stay in sync; beyond it the session closes.
    /// Counts as `max_body_len` where it is less.
    pub skip_budget: u32,
    /// From a frame's first byte to its last.
    pub frame_deadline: Millis,
    /// With no frame begun and no reply owed.
    pub idle_timeout: Millis,
}

impl Limits {
    /// What the desktop server takes: 64 KiB bodies and replies, 1 MiB skipped, 10 s, 300 s.
    pub const DESKTOP: Self = Self {
        max_body_len: 65_536,
        max_reply_len: 65_536,
        skip_budget: 1_048_576,
        frame_deadline: Millis(10_000),
        idle_timeout: Millis(300_000),
    };

    /// What a device takes: 2 KiB bodies and replies, 64 KiB skipped, 10 s, 60 s.
    pub const DEVICE: Self = Self {
        max_body_len: 2_048,
        max_reply_len: 2_048,
        skip_budget: 65_536,
        frame_deadline: Millis(10_000),
        idle_timeout: Millis(60_000),
    };

    /// The bytes of the longest frame that is stored: what an input buffer must hold.
    #[must_use]
    pub const fn max_request_frame_len(&self) -> usize {
        max_request_frame_len(self.max_body_len)
    }

    /// The bytes of the longest reply: what must be free in the output for a request to be handed
    /// out, so what an output buffer must hold.
    #[must_use]
    pub const fn max_reply_frame_len(&self) -> usize {
        let ok = (self.max_reply_len as usize).saturating_add(MAX_OK_HEAD_LEN + 1);
        if ok > MAX_ERR_FRAME_LEN { ok } else { MAX_ERR_FRAME_LEN }
    }

    pub(crate) const fn skip_budget(&self) -> u32 {
        if self.skip_budget > self.max_body_len { self.skip_budget } else { self.max_body_len }
    }
}

/// The longest frame with a body of `body_len`: a head line, the body, CR LF.
pub(crate) const fn max_request_frame_len(body_len: u32) -> usize {
    (body_len as usize).saturating_add(MAX_HEAD_LINE_LEN + 2)
}
