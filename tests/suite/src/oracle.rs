//! What a server must answer, worked out the slow and obvious way.
//!
//! The oracle sees all the input at once and computes the replies from docs/PROTOCOL.md alone. It performs no I/O, keeps no
//! state between calls and shares no code with what it checks, so a mistake has to be made twice to go unnoticed.
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
    /// The longest body that is carried out.
    pub max_body: usize,
    /// The longest body of a reply.
    pub max_reply: usize,
    /// The longest body that is skipped with the connection kept; at least `max_body`.
    pub skip_budget: usize,
}

impl Limits {
    /// What `linecard serve` has without options.
    pub const DESKTOP: Self = Self { max_body: 65_536, max_reply: 65_536, skip_budget: 1_048_576 };
    /// What the TAP example and the firmware have.
    pub const DEVICE: Self = Self { max_body: 2_048, max_reply: 2_048, skip_budget: 65_536 };
}

/// A body as it crosses the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// One line, without its LF and without a dropped CR.
    Line(Vec<u8>),
    /// Bytes behind a declared length.
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
    /// The first word.
    pub code: String,
    /// What follows it; `None` expects nothing in particular.
    pub words: Option<String>,
}

impl Refusal {
    /// A refusal whose words are anybody's guess.
    #[must_use]
    pub fn any(code: &str) -> Self {
        Self { code: code.to_owned(), words: None }
    }
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The tag echoed.
    pub tag: Option<u32>,
    /// The body of an `OK`, or the content of an `ERR`.
    pub result: Result<Body, Refusal>,
}

impl Reply {
    /// An `ERR` whose words are anybody's guess.
    #[must_use]
    pub fn refusal(code: &str, tag: Option<u32>) -> Self {
        Self { tag, result: Err(Refusal::any(code)) }
    }

    /// Is `got` this reply? Words count only where this reply has some.
    #[must_use]
    pub fn matches(&self, got: &Self) -> bool {
        match (&self.result, &got.result) {
            (Err(want), Err(have)) if want.words.is_none() => {
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
            Err(Refusal { code, words: None }) => (format!("ERR{tag}\n"), code.clone().into()),
            Err(Refusal { code, words: Some(words) }) => {
                (format!("ERR{tag}\n"), format!("{code} {words}").into())
            }
        };
        [head.into_bytes(), body, b"\n".to_vec()].concat()
    }
}

/// What the server does with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The replies, in order.
    pub replies: Vec<Reply>,
    /// How many bytes made up the frames that were answered; an error that closes takes everything.
    pub consumed: usize,
    /// Does the server end the connection?
    pub closes: bool,
}

/// Answers `input` with the demo commands; `ended` says that nothing follows it.
#[must_use]
pub fn serve(input: &[u8], ended: bool, limits: &Limits) -> Outcome {
    serve_with(input, ended, limits, demo)
}

/// Answers `input` with any commands: `answer` gets a request's name and body, and its reply's body is held to the limit.
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
        other => Err(Refusal { code: "unknown-command".to_owned(), words: Some(other.to_owned()) }),
    }
}
