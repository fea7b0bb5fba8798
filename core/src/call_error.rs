//! Why a call has no reply value, for every client: docs/PROTOCOL.md §10.

use core::fmt;

use crate::code::{Code, MAX_CODE_LEN};
use crate::frame::Body;
use crate::payload::DecodeError;
use crate::reply::MAX_MESSAGE_LEN;

/// The longest line of an `ERR`. A client must hold it, whatever its capacity for bodies.
pub(crate) const MAX_ERR_LINE_LEN: u32 = 112;
const _: () = assert!(MAX_ERR_LINE_LEN as usize == MAX_CODE_LEN + 1 + MAX_MESSAGE_LEN);

/// Why a request was not written. Nothing of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// Not a legal command name.
    Name,
    /// As many calls, or bytes of requests, are unanswered as the client allows. Take replies
    /// first.
    Window,
    /// The request does not fit the free part of the output.
    NoRoom,
    /// The value can't be encoded.
    Value,
    /// The connection is over.
    Closed,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "not a legal command name",
            Self::Window => "too many calls without a reply",
            Self::NoRoom => "the request is too large",
            Self::Value => "the request can't be encoded",
            Self::Closed => "the connection is over",
        })
    }
}

impl core::error::Error for RequestError {}

/// An `ERR` from the server. `S` is `&str` where it borrows from the input, or an owned string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<S> {
    /// What it means. An unknown code counts as [`Code::Failed`].
    pub code: Code,
    /// The code as it came.
    pub name: S,
    /// A message for a person, printable ASCII. Often empty.
    pub message: S,
}

impl<'i> Refusal<&'i str> {
    /// Reads the line of an `ERR`: a code and then a message, of printable ASCII, at most 112 bytes
    /// together. `None` is a fault.
    #[must_use]
    pub fn parse(body: Body<'i>) -> Option<Self> {
        let Body::Line(bytes) = body else { return None };
        let printable = bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e));
        if !printable || bytes.len() > MAX_ERR_LINE_LEN as usize {
            return None;
        }
        let line = core::str::from_utf8(bytes).ok()?;
        let (name, message) = line.split_once(' ').unwrap_or((line, ""));
        let code = Code::parse(name).unwrap_or(Code::Failed);
        (!name.is_empty()).then_some(Self { code, name, message })
    }

    /// The same with other strings, for example owned ones.
    #[must_use]
    pub fn map<T>(self, convert: impl Fn(&'i str) -> T) -> Refusal<T> {
        Refusal { code: self.code, name: convert(self.name), message: convert(self.message) }
    }
}

/// The code as it came, and the message.
impl<S: AsRef<str>> fmt::Display for Refusal<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_ref())?;
        match self.message.as_ref() {
            "" => Ok(()),
            message => write!(f, " {message}"),
        }
    }
}

impl<S: AsRef<str> + fmt::Debug> core::error::Error for Refusal<S> {}

/// Why a connection can't go on. Every call without a reply fails with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server closed between frames.
    End,
    /// The server closed within a frame.
    Truncated,
    /// A frame outside the grammar, an ill-formed or counted `ERR`, or an untagged `OK`.
    Grammar,
    /// A counted body was not followed by LF.
    Desync,
    /// A call was answered before an earlier one.
    Order,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "the server closed the connection without a reply",
            Self::Truncated => "the server closed the connection within a reply",
            Self::Grammar => "the server does not speak Linecard: a reply is not in the grammar",
            Self::Desync => "the server does not speak Linecard: a reply's length is wrong",
            Self::Order => "the server answered out of order",
        })
    }
}

impl core::error::Error for Fault {}

/// Why a call has no reply value. `S` is `&str` where it borrows from the input, or an owned
/// string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError<S> {
    /// The request was not written.
    Request(RequestError),
    /// The server answered the call with an error.
    Refused(Refusal<S>),
    /// The server closes the connection and says why. The call was not carried out.
    Disconnected(Refusal<S>),
    /// The connection is over.
    Closed(Fault),
    /// The reply is longer than the client takes. It was skipped.
    ReplyTooLarge {
        /// The length of its body in bytes.
        len: u32,
    },
    /// The reply is not a value of the command's reply type.
    BadReply(DecodeError),
    /// The reply was skipped, because the reply to a later call was received first, or the link
    /// was resynchronised meanwhile.
    PassedOver,
}

impl<'i> CallError<&'i str> {
    /// The same with other strings, for example owned ones.
    #[must_use]
    pub fn map<T>(self, convert: impl Fn(&'i str) -> T) -> CallError<T> {
        match self {
            Self::Request(error) => CallError::Request(error),
            Self::Refused(refusal) => CallError::Refused(refusal.map(convert)),
            Self::Disconnected(refusal) => CallError::Disconnected(refusal.map(convert)),
            Self::Closed(fault) => CallError::Closed(fault),
            Self::ReplyTooLarge { len } => CallError::ReplyTooLarge { len },
            Self::BadReply(error) => CallError::BadReply(error),
            Self::PassedOver => CallError::PassedOver,
        }
    }
}

impl<S: AsRef<str>> fmt::Display for CallError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Disconnected(refusal) => write!(f, "the server closed the connection: {refusal}"),
            Self::Closed(fault) => fault.fmt(f),
            Self::ReplyTooLarge { len } => write!(f, "the reply of {len} bytes is too large"),
            Self::BadReply(error) => write!(f, "the reply is {error}"),
            Self::PassedOver => f.write_str("the call was given up for a later one"),
        }
    }
}

impl<S: AsRef<str> + fmt::Debug> core::error::Error for CallError<S> {}
