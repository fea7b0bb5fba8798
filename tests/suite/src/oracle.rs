//! What a server must answer, computed in the slow and obvious way.
//!
//! The oracle sees all the input at once and computes the replies from docs/PROTOCOL.md alone. It
//! does no I/O, keeps no state between calls and shares no code with what it checks: a mistake must
//! be made twice to go unnoticed.
//!
//! ```
//! use linecard_suite::oracle::{Limits, serve};
//!
//! let outcome = serve(b"FROB 3 #7\nabc\n", true, &Limits::DESKTOP);
//! assert_eq!(outcome.replies[0].to_bytes(), b"ERR #7\nunknown-command FROB\n");
//! ```

pub mod complex;
mod frame;
mod head;

pub use frame::{Frame, frame};
pub use head::{Head, LONGEST_HEAD_LINE, Line, head};

use complex::Complex;

/// The limits that decide replies, in bytes (docs/PROTOCOL.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body that is passed to a handler.
    pub max_body: usize,
    /// The longest body of a reply.
    pub max_reply: usize,
    /// The longest body that is skipped without closing the connection; at least `max_body`.
    pub skip_budget: usize,
}

impl Limits {
    /// What `linecard serve` has without options.
    pub const DESKTOP: Self = Self { max_body: 65_536, max_reply: 65_536, skip_budget: 1_048_576 };
    /// What the TAP example and the firmware have.
    pub const DEVICE: Self = Self { max_body: 2_048, max_reply: 2_048, skip_budget: 65_536 };
}

/// A body as it is delimited on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// One line, without its LF and a CR before that.
    Line(Vec<u8>),
    /// Bytes whose length the head declares.
    Counted(Vec<u8>),
}

impl Body {
    /// The body's bytes, however they are delimited.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Line(bytes) | Self::Counted(bytes) => bytes,
        }
    }

    /// A text as a sender delimits it: counted if it holds LF or ends in CR, else a line (§3.3).
    #[must_use]
    pub fn of_text(text: &[u8]) -> Self {
        if text.contains(&b'\n') || text.ends_with(b"\r") {
            Self::Counted(text.to_vec())
        } else {
            Self::Line(text.to_vec())
        }
    }
}

/// An error reply's body (§5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error code.
    pub code: String,
    /// The message after it. In an expected reply, `None` matches any message.
    pub message: Option<String>,
}

impl Refusal {
    /// A refusal with any message.
    #[must_use]
    pub fn any(code: &str) -> Self {
        Self { code: code.to_owned(), message: None }
    }
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The tag of the request.
    pub tag: Option<u32>,
    /// The body of an `OK`, or the content of an `ERR`.
    pub result: Result<Body, Refusal>,
}

impl Reply {
    /// An `ERR` with any message.
    #[must_use]
    pub fn refusal(code: &str, tag: Option<u32>) -> Self {
        Self { tag, result: Err(Refusal::any(code)) }
    }

    /// Whether `got` is this reply. Messages are compared only if this reply has one.
    #[must_use]
    pub fn matches(&self, got: &Self) -> bool {
        match (&self.result, &got.result) {
            (Err(want), Err(have)) if want.message.is_none() => {
                self.tag == got.tag && want.code == have.code
            }
            _ => self == got,
        }
    }

    /// The reply as a server sends it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let tag = self.tag.map(|tag| format!(" #{tag}")).unwrap_or_default();
        let (head, body) = match &self.result {
            Ok(Body::Line(line)) => (format!("OK{tag}\n"), line.clone()),
            Ok(Body::Counted(bytes)) => (format!("OK {}{tag}\n", bytes.len()), bytes.clone()),
            Err(Refusal { code, message: None }) => (format!("ERR{tag}\n"), code.clone().into()),
            Err(Refusal { code, message: Some(message) }) => {
                (format!("ERR{tag}\n"), format!("{code} {message}").into())
            }
        };
        [head.into_bytes(), body, b"\n".to_vec()].concat()
    }
}

/// What a server does with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The replies, in order.
    pub replies: Vec<Reply>,
    /// Bytes of the frames that were answered; all of the input, if an error closes the connection.
    pub consumed: usize,
    /// Whether the server closes the connection.
    pub closes: bool,
}

/// The replies to `input` from the demo commands. `ended`: nothing follows the input.
#[must_use]
pub fn serve(input: &[u8], ended: bool, limits: &Limits) -> Outcome {
    serve_with(input, ended, limits, demo)
}

/// The replies to `input`, where `answer` gets each request's name and body. The reply limit
/// applies to what it returns.
pub fn serve_with(
    input: &[u8],
    ended: bool,
    limits: &Limits,
    mut answer: impl FnMut(&str, &Body) -> Result<Body, Refusal>,
) -> Outcome {
    let mut replies = Vec::new();
    let mut consumed = 0;
    loop {
        match frame(&input[consumed..], limits) {
            Frame::Incomplete => return Outcome { replies, consumed, closes: ended },
            Frame::Fatal { code, tag } => {
                replies.push(Reply::refusal(code, tag));
                return Outcome { replies, consumed: input.len(), closes: true };
            }
            Frame::Skipped { tag, len } => {
                replies.push(Reply::refusal("too-large", tag));
                consumed += len;
            }
            Frame::Whole { head, body, len } => {
                let result = within(answer(&head.name, &body), limits);
                replies.push(Reply { tag: head.tag, result });
                consumed += len;
            }
        }
    }
}

fn within(result: Result<Body, Refusal>, limits: &Limits) -> Result<Body, Refusal> {
    match result {
        Ok(body) if body.bytes().len() > limits.max_reply => Err(Refusal::any("reply-too-large")),
        other => other,
    }
}

/// The demo commands (§9).
///
/// # Errors
/// `unknown-command`, `bad-text` or `bad-payload`.
pub fn demo(name: &str, body: &Body) -> Result<Body, Refusal> {
    match name {
        "STRING" => match std::str::from_utf8(body.bytes()) {
            Ok(_) => Ok(Body::of_text(b"Thank you.")),
            Err(_) => Err(Refusal::any("bad-text")),
        },
        "COMPLEX" => match body {
            Body::Counted(bytes) => match Complex::decode(bytes) {
                Some(value) => Ok(Body::Counted(value.encode())),
                None => Err(Refusal::any("bad-payload")),
            },
            Body::Line(_) => Err(Refusal::any("bad-payload")),
        },
        other => {
            Err(Refusal { code: "unknown-command".to_owned(), message: Some(other.to_owned()) })
        }
    }
}
