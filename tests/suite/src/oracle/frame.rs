//! Where a frame ends, and what is wrong with it (docs/PROTOCOL.md §2 to §5).

use super::{Body, Head, Limits, Line, head};

/// What the beginning of an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// It needs more bytes; at the end of the stream it gets no reply.
    Incomplete,
    /// A reply with this code, then the end of the connection.
    Fatal {
        /// `bad-head`, `too-large` or `desync`.
        code: &'static str,
        /// The tag, where the head could be read.
        tag: Option<u32>,
    },
    /// Beyond the body limit but within the skip budget.
    Skipped {
        /// The head's tag.
        tag: Option<u32>,
        /// Bytes of the whole frame.
        len: usize,
    },
    /// A request to dispatch.
    Whole {
        /// The head.
        head: Head,
        /// The body.
        body: Body,
        /// Bytes of the whole frame.
        len: usize,
    },
}

/// Reads the frame that `input` begins with.
#[must_use]
pub fn frame(input: &[u8], limits: &Limits) -> Frame {
    match head(input) {
        Line::Incomplete => Frame::Incomplete,
        Line::Bad => Frame::Fatal { code: "bad-head", tag: None },
        Line::Head(head, at) => match head.length {
            Some(length) => counted(input, head, at, length, limits),
            None => line(input, head, at, limits),
        },
    }
}

fn counted(input: &[u8], head: Head, at: usize, length: u32, limits: &Limits) -> Frame {
    let tag = head.tag;
    let length = usize::try_from(length).expect("lengths fit a desktop's usize");
    if length > limits.skip_budget {
        return Frame::Fatal { code: "too-large", tag };
    }
    let Some(&after) = input.get(at + length) else { return Frame::Incomplete };
    let len = at + length + 1;
    match after {
        b'\n' if length > limits.max_body => Frame::Skipped { tag, len },
        b'\n' => Frame::Whole { head, body: Body::Counted(input[at..len - 1].to_vec()), len },
        _ => Frame::Fatal { code: "desync", tag },
    }
}

fn line(input: &[u8], head: Head, at: usize, limits: &Limits) -> Frame {
    let tag = head.tag;
    let end = input[at..].iter().position(|&byte| byte == b'\n');
    let so_far = &input[at..end.map_or(input.len(), |end| at + end)];
    // With or without the LF: a CR that stands last may yet be dropped, so it is not counted.
    let text = so_far.strip_suffix(b"\r").unwrap_or(so_far);
    if text.len() > limits.skip_budget {
        return Frame::Fatal { code: "too-large", tag };
    }
    let Some(end) = end else { return Frame::Incomplete };
    let len = at + end + 1;
    if text.len() > limits.max_body {
        return Frame::Skipped { tag, len };
    }
    Frame::Whole { head, body: Body::Line(text.to_vec()), len }
}
