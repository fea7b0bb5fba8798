//! Bytes to frames, one at a time and in place: docs/PROTOCOL.md §2.
//!
//! ```text
//! counted:  NAME SP LEN [SP TAG] LF  │ LEN bytes, any    │ LF
//! line:     NAME        [SP TAG] LF  │ UTF-8 without LF   │ [CR] LF
//! ```
//!
//! A frame stays in the caller's buffer until all of it is there. One over the limit, but within
//! the skip budget, is dropped as it comes and never stored.

use crate::code::Code;
use crate::head::Head;
use crate::part::part;
use crate::scan::{LF, find_lf, least_len, trim_cr};

/// The body of a frame, and how its length was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'i> {
    /// One line, without its LF and a CR before that; not yet known to be UTF-8.
    Line(&'i [u8]),
    /// As many bytes as the head said.
    Counted(&'i [u8]),
}

impl<'i> Body<'i> {
    /// The bytes, however they were delimited.
    #[must_use]
    pub const fn bytes(&self) -> &'i [u8] {
        match *self {
            Self::Line(bytes) | Self::Counted(bytes) => bytes,
        }
    }
}

/// One whole frame, borrowed from the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'i> {
    /// The command of a request; `OK` or `ERR` of a reply; anything else, from a server, is an
    /// event.
    pub name: &'i str,
    /// The number that a reply echoes.
    pub tag: Option<u32>,
    /// What was sent.
    pub body: Body<'i>,
}

impl<'i> Frame<'i> {
    /// Reads one frame of any length at the front of `bytes`, and says how long it is. `None` when
    /// no whole frame is there, or it is not the grammar's.
    ///
    /// For tools that hold whole frames; a stream is read by a [`Session`](crate::Session) or a
    /// [`ClientSession`](crate::ClientSession).
    #[must_use]
    pub fn parse(bytes: &'i [u8]) -> Option<(Self, usize)> {
        Decoder::new().whole_frame(u32::MAX, bytes).map(|(len, frame)| (frame, len))
    }
}

/// How long a body may be to be stored, and to be skipped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) max_body_len: u32,
    pub(crate) skip_budget: u32,
}

impl BodyLimits {
    /// The longest body that does not break the stream.
    pub(crate) fn max_skipped_len(self) -> u32 {
        self.skip_budget.max(self.max_body_len)
    }
}

/// What was found instead of a whole frame within the limit.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    /// A frame over the limit was dropped; `len` is its body's length.
    Skipped { kind: Kind, tag: Option<u32>, len: u32 },
    /// It is incomplete.
    NeedInput {
        /// The length of the whole frame, once known.
        frame_len: Option<u32>,
    },
    /// The extent of the frame is in doubt: the stream can't be read on.
    Broken { code: Code, tag: Option<u32> },
}

/// The kind of a frame, as far as it matters after its head was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ok,
    Err,
    Other,
}

impl Kind {
    pub(crate) fn of(name: &str) -> Self {
        match name.as_bytes() {
            b"OK" => Self::Ok,
            b"ERR" => Self::Err,
            _ => Self::Other,
        }
    }
}

/// What is known of the frame at the front of the input.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing.
    Fresh,
    /// A counted frame of so many bytes, all kept in the input.
    Counted { frame_len: u32 },
    /// A line frame, kept in the input; the first `scanned` bytes of it hold no end of the body.
    Line { scanned: usize },
    /// A counted body over the limit, of which `left` bytes are still to come.
    SkipCounted { kind: Kind, tag: Option<u32>, len: u32, left: u32 },
    /// A line over the limit.
    SkipLine(SkippedLine),
}

/// State kept while discarding an over-long line.
#[derive(Clone, Copy, Debug)]
struct SkippedLine {
    kind: Kind,
    tag: Option<u32>,
    /// Bytes so far.
    len: usize,
    /// The last of them.
    last: Option<u8>,
}

/// Finds frames in bytes. What it finds does not depend on how the bytes were cut into pieces.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
}

impl Decoder {
    pub(crate) const fn new() -> Self {
        Self { state: State::Fresh }
    }

    /// Whether nothing of a frame was consumed or judged.
    pub(crate) const fn is_fresh(&self) -> bool {
        matches!(self.state, State::Fresh)
    }

    /// The one parser of whole frames: the frame within the limit at the front of `input`, all that
    /// is received and not yet consumed, and its length. The caller drops so many bytes when it is
    /// done with the frame. After `None`, [`explain`](Self::explain) says what to do.
    #[cfg_attr(
        not(feature = "small"),
        expect(clippy::inline_always, reason = "else a frame is copied three times"),
        inline(always)
    )]
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) fn whole_frame<'i>(
        &mut self,
        max_body_len: u32,
        input: &'i [u8],
    ) -> Option<(usize, Frame<'i>)> {
        let scanned = match self.state {
            State::Fresh => 0,
            State::Line { scanned } => scanned,
            State::Counted { frame_len } if input.len() >= frame_len as usize => 0,
            _ => return None,
        };
        let (Head { name, len, tag }, at) = Head::line_at_front_of(input)?;
        let rest = input.get(at..)?;
        let (body, end) = if let Some(len) = len {
            (Body::Counted(rest.get(..len as usize)?), len as usize)
        } else {
            let Some(end) = find_lf(rest, scanned.saturating_sub(at)) else {
                self.state = State::Line { scanned: input.len() };
                return None;
            };
            (Body::Line(trim_cr(rest.get(..end)?)), end)
        };
        if body.bytes().len() > max_body_len as usize || rest.get(end) != Some(&LF) {
            return None;
        }
        self.state = State::Fresh;
        Some((at.saturating_add(end).saturating_add(1), Frame { name, tag, body }))
    }

    /// What to do where there is no whole frame within the limit, and how many bytes at the front
    /// of `input` to drop.
    #[cfg_attr(not(feature = "small"), inline(never))]
    pub(crate) fn explain(&mut self, limits: BodyLimits, input: &[u8]) -> (usize, Found) {
        match self.state {
            State::SkipCounted { .. } | State::SkipLine(_) => return self.skip(limits, input, 0),
            State::Counted { frame_len } if input.len() < frame_len as usize => {
                return need(Some(frame_len));
            }
            State::Fresh | State::Counted { .. } | State::Line { .. } => {}
        }
        match Head::line_at_front_of(input) {
            None if Head::may_follow(input) => need(None),
            None => broken(Code::BadHead, None),
            Some((head, at)) => match head.len {
                Some(len) => self.explain_counted(limits, input, &head, (at, len)),
                None => self.explain_line(limits, input, &head, at),
            },
        }
    }

    fn explain_counted(
        &mut self,
        limits: BodyLimits,
        input: &[u8],
        &Head { name, tag, .. }: &Head<'_>,
        (at, len): (usize, u32),
    ) -> (usize, Found) {
        if len > limits.max_skipped_len() {
            return broken(Code::TooLarge, tag);
        }
        if len > limits.max_body_len {
            self.state = State::SkipCounted { kind: Kind::of(name), tag, len, left: len };
            return self.skip(limits, input, at);
        }
        let end = at.saturating_add(len as usize);
        if input.len() > end {
            return broken(Code::Desync, tag);
        }
        let frame_len = clamp(end.saturating_add(1));
        self.state = State::Counted { frame_len };
        need(Some(frame_len))
    }

    fn explain_line(
        &mut self,
        limits: BodyLimits,
        input: &[u8],
        &Head { name, tag, .. }: &Head<'_>,
        at: usize,
    ) -> (usize, Found) {
        // With an LF in it, the line is over the limit: it would be a whole frame.
        let no_lf = matches!(self.state, State::Line { scanned } if scanned == input.len());
        let received = input.len().saturating_sub(at);
        if no_lf && least_len(received, input.last().copied()) <= limits.max_body_len as usize {
            return need(None);
        }
        let kind = Kind::of(name);
        self.state = State::SkipLine(SkippedLine { kind, tag, len: 0, last: None });
        self.skip(limits, input, at)
    }

    /// Drops what is there of a frame over the limit, from `at` on.
    fn skip(&mut self, limits: BodyLimits, input: &[u8], at: usize) -> (usize, Found) {
        match self.state {
            State::SkipCounted { kind, tag, len, left } => {
                self.skip_counted(input, at, (kind, tag, len), left)
            }
            State::SkipLine(seen) => self.skip_line(limits, input, at, seen),
            State::Fresh | State::Counted { .. } | State::Line { .. } => need(None),
        }
    }

    /// `left` bytes of the body, from `at` on, and its LF are dropped.
    fn skip_counted(
        &mut self,
        input: &[u8],
        at: usize,
        (kind, tag, len): (Kind, Option<u32>, u32),
        left: u32,
    ) -> (usize, Found) {
        let end = at.saturating_add(left as usize);
        match input.get(end) {
            Some(&LF) => {
                self.state = State::Fresh;
                (end.saturating_add(1), Found::Skipped { kind, tag, len })
            }
            Some(_) => broken(Code::Desync, tag),
            None => {
                let dropped = clamp(input.len().saturating_sub(at));
                let left = left.saturating_sub(dropped);
                self.state = State::SkipCounted { kind, tag, len, left };
                (input.len(), Found::NeedInput { frame_len: None })
            }
        }
    }

    /// More of a line over the limit, from `at` on, of which `seen` is dropped.
    fn skip_line(
        &mut self,
        limits: BodyLimits,
        input: &[u8],
        at: usize,
        seen: SkippedLine,
    ) -> (usize, Found) {
        let lf = find_lf(input, at);
        let part = part(input, at..lf.unwrap_or(input.len()));
        let seen = SkippedLine {
            len: seen.len.saturating_add(part.len()),
            last: part.last().copied().or(seen.last),
            ..seen
        };
        let len = least_len(seen.len, seen.last);
        if len > limits.max_skipped_len() as usize {
            return broken(Code::TooLarge, seen.tag);
        }
        if let Some(lf) = lf {
            self.state = State::Fresh;
            let skipped = Found::Skipped { kind: seen.kind, tag: seen.tag, len: clamp(len) };
            return (lf.saturating_add(1), skipped);
        }
        self.state = State::SkipLine(seen);
        (input.len(), Found::NeedInput { frame_len: None })
    }
}

const fn need(frame_len: Option<u32>) -> (usize, Found) {
    (0, Found::NeedInput { frame_len })
}

const fn broken(code: Code, tag: Option<u32>) -> (usize, Found) {
    (0, Found::Broken { code, tag })
}

/// Lengths here are at most a limit, which has 32 bits, and a head.
fn clamp(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
