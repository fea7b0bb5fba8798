//! Bytes to frames, one at a time and in place: docs/PROTOCOL.md §2.
//!
//! ```text
//! counted:  NAME SP LEN [SP TAG] LF  │ LEN bytes, any    │ LF
//! line:     NAME        [SP TAG] LF  │ UTF-8 without LF   │ [CR] LF
//! ```
//!
//! A frame stays in the caller's buffer until all of it is there. One that is over the limit, but
//! within the skip budget, is consumed as it comes and never stored.

use crate::code::Code;
use crate::head::Head;
use crate::scan::{LF, find_lf, least_len, trim_cr};

/// The body of a frame, and how its extent was told.
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
    /// The command of a request; `OK` or `ERR` of a reply; anything else, from a server, is an event.
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
        match Decoder::new().step(BodyLimits::NONE, bytes) {
            (len, Decoded::Frame(frame)) => Some((frame, len)),
            _ => None,
        }
    }
}

/// How long a body may be to be stored, and to be skipped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) max_body_len: u32,
    pub(crate) skip_budget: u32,
}

impl BodyLimits {
    const NONE: Self = Self { max_body_len: u32::MAX, skip_budget: u32::MAX };

    /// The longest body that does not break the stream.
    pub(crate) fn max_skipped_len(self) -> u32 {
        self.skip_budget.max(self.max_body_len)
    }
}

/// What a step found.
pub(crate) enum Decoded<'i> {
    Frame(Frame<'i>),
    /// All of a frame over the limit went by; `len` is its body's.
    Skipped {
        kind: Kind,
        tag: Option<u32>,
        len: u32,
    },
    NeedInput {
        /// Bytes of the whole frame, once known.
        frame_len: Option<u32>,
    },
    /// The extent of the frame is in doubt: the stream can't be read on.
    Broken {
        code: Code,
        tag: Option<u32>,
    },
}

/// What a name makes of a frame, as far as it matters after its head is gone.
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

/// What is kept of a line that is too long to be.
#[derive(Clone, Copy, Debug)]
struct SkippedLine {
    kind: Kind,
    tag: Option<u32>,
    /// Bytes so far.
    len: usize,
    /// The last of them.
    last: Option<u8>,
}

/// Finds frames in bytes. Its answers do not depend on how the bytes were cut into pieces.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
}

type Stepped<'i> = (usize, Decoded<'i>);

impl Decoder {
    pub(crate) const fn new() -> Self {
        Self { state: State::Fresh }
    }

    /// Whether nothing of a frame was consumed or judged.
    pub(crate) const fn is_fresh(&self) -> bool {
        matches!(self.state, State::Fresh)
    }

    /// Looks at `input`, all that is received and not yet consumed. Returns how many bytes at its
    /// front are done with; the caller drops them when it is done with the frame.
    ///
    /// The one parser of whole frames. What is rare, and what is wrong, is out of line.
    #[cfg_attr(
        not(feature = "small"),
        expect(clippy::inline_always, reason = "a union of outcomes would be copied")
    )]
    #[cfg_attr(not(feature = "small"), inline(always))]
    #[cfg_attr(feature = "small", inline(never))]
    pub(crate) fn step<'i>(&mut self, limits: BodyLimits, input: &'i [u8]) -> Stepped<'i> {
        let scanned = match self.state {
            State::Fresh => 0,
            State::Line { scanned } => scanned,
            State::Counted { frame_len } if input.len() >= frame_len as usize => 0,
            _ => return self.skip(limits, input, 0),
        };
        let Some((Head { name, len, tag }, at)) = Head::line_at_front_of(input) else {
            return no_head(input);
        };
        let rest = input.get(at..).unwrap_or_default();
        let found = if let Some(len) = len {
            let end = len as usize;
            rest.get(..end)
                .filter(|_| rest.get(end) == Some(&LF))
                .map(|body| (Body::Counted(body), end))
        } else {
            find_lf(rest, scanned.saturating_sub(at))
                .and_then(|end| Some((Body::Line(trim_cr(rest.get(..end)?)), end)))
        };
        match found {
            Some((body, end)) if body.bytes().len() <= limits.max_body_len as usize => {
                self.state = State::Fresh;
                let frame_len = at.saturating_add(end).saturating_add(1);
                (frame_len, Decoded::Frame(Frame { name, tag, body }))
            }
            _ => {
                let lf = found.map(|(_, end)| end);
                self.otherwise(limits, input, (name, tag, len), at, lf)
            }
        }
    }

    /// Not a whole frame within the limit: incomplete, too long, or without its LF. Its body begins
    /// `at`; the LF of a line is `lf` bytes further, if it is there.
    #[cfg_attr(not(feature = "small"), inline(never))]
    fn otherwise<'i>(
        &mut self,
        limits: BodyLimits,
        input: &'i [u8],
        (name, tag, len): (&str, Option<u32>, Option<u32>),
        at: usize,
        lf: Option<usize>,
    ) -> Stepped<'i> {
        let rest = input.get(at..).unwrap_or_default();
        let kind = Kind::of(name);
        if let Some(len) = len {
            if len > limits.max_skipped_len() {
                return broken(Code::TooLarge, tag);
            }
            if len > limits.max_body_len {
                self.state = State::SkipCounted { kind, tag, len, left: len };
                return self.skip(limits, input, at);
            }
            if rest.len() > len as usize {
                return broken(Code::Desync, tag);
            }
            let frame_len = clamp(at.saturating_add(len as usize).saturating_add(1));
            self.state = State::Counted { frame_len };
            return need(Some(frame_len));
        }
        let least = lf.unwrap_or_else(|| least_len(rest.len(), rest.last().copied()));
        if least > limits.max_body_len as usize {
            self.state = State::SkipLine(SkippedLine { kind, tag, len: 0, last: None });
            return self.skip(limits, input, at);
        }
        self.state = State::Line { scanned: input.len() };
        need(None)
    }

    /// Goes on with a frame whose head was judged: waits for its end, or skips it.
    #[cfg_attr(not(feature = "small"), inline(never))]
    fn skip<'i>(&mut self, limits: BodyLimits, input: &'i [u8], at: usize) -> Stepped<'i> {
        match self.state {
            State::SkipCounted { kind, tag, len, left } => {
                self.skip_counted(input, at, (kind, tag, len), left)
            }
            State::SkipLine(seen) => self.skip_line(limits, input, at, seen),
            State::Counted { frame_len } => need(Some(frame_len)),
            State::Fresh | State::Line { .. } => need(None),
        }
    }

    /// `left` bytes of the body, from `at` on, and its LF are dropped.
    fn skip_counted<'i>(
        &mut self,
        input: &'i [u8],
        at: usize,
        (kind, tag, len): (Kind, Option<u32>, u32),
        left: u32,
    ) -> Stepped<'i> {
        let end = at.saturating_add(left as usize);
        match input.get(end) {
            Some(&LF) => {
                self.state = State::Fresh;
                (end.saturating_add(1), Decoded::Skipped { kind, tag, len })
            }
            Some(_) => broken(Code::Desync, tag),
            None => {
                let dropped = clamp(input.len().saturating_sub(at));
                let left = left.saturating_sub(dropped);
                self.state = State::SkipCounted { kind, tag, len, left };
                (input.len(), Decoded::NeedInput { frame_len: None })
            }
        }
    }

    /// More of a line over the limit, from `at` on, of which `seen` is dropped.
    fn skip_line<'i>(
        &mut self,
        limits: BodyLimits,
        input: &'i [u8],
        at: usize,
        seen: SkippedLine,
    ) -> Stepped<'i> {
        let lf = find_lf(input, at);
        let part = input.get(at..lf.unwrap_or(input.len())).unwrap_or_default();
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
            let skipped = Decoded::Skipped { kind: seen.kind, tag: seen.tag, len: clamp(len) };
            return (lf.saturating_add(1), skipped);
        }
        self.state = State::SkipLine(seen);
        (input.len(), Decoded::NeedInput { frame_len: None })
    }
}

/// No head line: not yet, or never.
#[cfg_attr(not(feature = "small"), inline(never))]
fn no_head<'i>(input: &[u8]) -> Stepped<'i> {
    if Head::may_follow(input) { need(None) } else { broken(Code::BadHead, None) }
}

const fn need<'i>(frame_len: Option<u32>) -> Stepped<'i> {
    (0, Decoded::NeedInput { frame_len })
}

const fn broken<'i>(code: Code, tag: Option<u32>) -> Stepped<'i> {
    (0, Decoded::Broken { code, tag })
}

/// Lengths here are at most a limit, which has 32 bits, and a head.
fn clamp(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
