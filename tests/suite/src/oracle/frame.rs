//! Where a frame ends, and what is wrong with it (docs/PROTOCOL.md §2 to §5).

use super::{Body, Head, Limits, Line, head};

/// What the front of an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// More bytes are needed. At the end of the stream there is no reply.
    Incomplete,
    /// An error reply, after which the server closes.
    Fatal {
        /// `bad-head`, `too-large` or `desync`.
        code: &'static str,
        /// The tag, if the head could be parsed.
        tag: Option<u32>,
    },
    /// A body over the limit, but within the skip budget.
    Skipped {
        /// The head's tag.
        tag: Option<u32>,
        /// The length of the frame in bytes.
        len: usize,
    },
    /// A whole request.
    Whole {
        /// The head.
        head: Head,
        /// The body.
        body: Body,
        /// The length of the frame in bytes.
        len: usize,
    },
}

/// Parses the frame at the front of `input`.
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
    // A CR at the end may still turn out to be dropped, so it doesn't count.
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
