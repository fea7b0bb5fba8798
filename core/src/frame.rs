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
use crate::head::{Head, HeadLine};
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
    pub(crate) max_skipped_len: u32,
}

impl BodyLimits {
    pub(crate) const NONE: Self = Self { max_body_len: u32::MAX, max_skipped_len: u32::MAX };
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
    pub(crate) fn step<'i>(&mut self, limits: BodyLimits, input: &'i [u8]) -> Stepped<'i> {
        match self.whole_frame(limits.max_body_len, input) {
            Some((len, frame)) => (len, Decoded::Frame(frame)),
            None => self.explain(limits, input),
        }
    }

    /// The one parser of whole frames: a frame within the limit at the front of `input`, and its
    /// length. After `None`, [`explain`](Self::explain) says what is missing or wrong.
    #[inline]
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
            let end = find_lf(rest, scanned.saturating_sub(at))?;
            (Body::Line(trim_cr(rest.get(..end)?)), end)
        };
        if body.bytes().len() > max_body_len as usize || rest.get(end) != Some(&LF) {
            return None;
        }
        self.state = State::Fresh;
        Some((at.saturating_add(end).saturating_add(1), Frame { name, tag, body }))
    }

    /// Why there is no whole frame within the limit at the front of `input`.
    #[inline(never)]
    fn explain<'i>(&mut self, limits: BodyLimits, input: &'i [u8]) -> Stepped<'i> {
        match self.state {
            State::Counted { frame_len } if input.len() < frame_len as usize => {
                (0, Decoded::NeedInput { frame_len: Some(frame_len) })
            }
            State::Line { scanned } => self.explain_head(limits, input, scanned),
            State::Fresh | State::Counted { .. } => self.explain_head(limits, input, 0),
            State::SkipCounted { kind, tag, len, left } => {
                self.skip_counted(input, 0, (kind, tag, len), left)
            }
            State::SkipLine(seen) => self.skip_more(limits, input, seen),
        }
    }

    fn explain_head<'i>(
        &mut self,
        limits: BodyLimits,
        input: &'i [u8],
        scanned: usize,
    ) -> Stepped<'i> {
        match HeadLine::at_front_of(input) {
            HeadLine::Whole(head, at) => match head.len {
                Some(len) => self.explain_counted(limits, input, head, at, len),
                None => self.explain_line(limits, input, head, at, scanned),
            },
            HeadLine::Partial => (0, Decoded::NeedInput { frame_len: None }),
            HeadLine::Bad => broken(Code::BadHead, None),
        }
    }

    /// The body starts `at`, and the head gave its length.
    fn explain_counted<'i>(
        &mut self,
        limits: BodyLimits,
        input: &'i [u8],
        head: Head<'i>,
        at: usize,
        len: u32,
    ) -> Stepped<'i> {
        if len > limits.max_skipped_len {
            return broken(Code::TooLarge, head.tag);
        }
        if len > limits.max_body_len {
            return self.skip_counted(input, at, (Kind::of(head.name), head.tag, len), len);
        }
        let end = at.saturating_add(len as usize);
        if input.len() > end {
            return broken(Code::Desync, head.tag);
        }
        let frame_len = clamp(end.saturating_add(1));
        self.state = State::Counted { frame_len };
        (0, Decoded::NeedInput { frame_len: Some(frame_len) })
    }

    /// The body starts `at` and ends at an LF, which is not among the first `scanned` bytes.
    fn explain_line<'i>(
        &mut self,
        limits: BodyLimits,
        input: &'i [u8],
        head: Head<'i>,
        at: usize,
        scanned: usize,
    ) -> Stepped<'i> {
        let body = input.get(at..).unwrap_or_default();
        let lf = find_lf(body, scanned.saturating_sub(at));
        let line = body.get(..lf.unwrap_or(body.len())).unwrap_or_default();
        let last = line.last().copied();
        if least_len(line.len(), last) > limits.max_body_len as usize {
            let seen =
                SkippedLine { kind: Kind::of(head.name), tag: head.tag, len: line.len(), last };
            let end = lf.map(|lf| at.saturating_add(lf).saturating_add(1));
            return self.skip_line(limits, input, end, seen);
        }
        debug_assert!(lf.is_none(), "a whole frame was not taken as one");
        self.state = State::Line { scanned: input.len() };
        (0, Decoded::NeedInput { frame_len: None })
    }

    /// `left` bytes of the body, from `at` on, and its LF go by.
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
                let gone = clamp(input.len().saturating_sub(at));
                let left = left.saturating_sub(gone);
                self.state = State::SkipCounted { kind, tag, len, left };
                (input.len(), Decoded::NeedInput { frame_len: None })
            }
        }
    }

    /// More of a line of which `seen` is gone.
    fn skip_more<'i>(
        &mut self,
        limits: BodyLimits,
        input: &'i [u8],
        seen: SkippedLine,
    ) -> Stepped<'i> {
        let lf = find_lf(input, 0);
        let part = input.get(..lf.unwrap_or(input.len())).unwrap_or_default();
        let len = seen.len.saturating_add(part.len());
        let last = part.last().copied().or(seen.last);
        let end = lf.map(|lf| lf.saturating_add(1));
        self.skip_line(limits, input, end, SkippedLine { len, last, ..seen })
    }

    /// A line over the limit, `seen` up to its `end`, or so far.
    fn skip_line<'i>(
        &mut self,
        limits: BodyLimits,
        input: &'i [u8],
        end: Option<usize>,
        seen: SkippedLine,
    ) -> Stepped<'i> {
        let SkippedLine { kind, tag, len, last } = seen;
        let len = least_len(len, last);
        if len > limits.max_skipped_len as usize {
            return broken(Code::TooLarge, tag);
        }
        if let Some(end) = end {
            self.state = State::Fresh;
            return (end, Decoded::Skipped { kind, tag, len: clamp(len) });
        }
        self.state = State::SkipLine(seen);
        (input.len(), Decoded::NeedInput { frame_len: None })
    }
}

const fn broken<'i>(code: Code, tag: Option<u32>) -> Stepped<'i> {
    (0, Decoded::Broken { code, tag })
}

/// Lengths here are at most a limit, which has 32 bits, and a head.
fn clamp(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
