//! Why connecting, listening or a call failed.

use std::fmt;
use std::io;

use linecard_core::blocking::CallerError;
use linecard_core::{RequestError, Code, Fault, Refusal, DecodeError};

use crate::address::AddressError;

/// Why connecting, listening or a call failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The address is none, or leads nowhere.
    Address(AddressError),
    /// No connection could be made; the address is named.
    Connect(String, io::Error),
    /// A server can't listen there; the address is named.
    Listen(String, io::Error),
    /// The time for the call ran out. Other calls may follow; a late reply is skipped.
    TimedOut,
    /// The connection failed.
    Io(io::Error),
    /// The call was not made.
    Call(RequestError),
    /// The server answered the call with an error.
    Refused {
        /// What it means.
        code: Code,
        /// The code as it came.
        name: String,
        /// Words for a person; often empty.
        words: String,
    },
    /// The server closed the connection, and said why. The call was not carried out.
    Disconnected {
        /// What it means.
        code: Code,
        /// The code as it came.
        name: String,
        /// Words for a person; often empty.
        words: String,
    },
    /// The connection is over.
    Closed(Fault),
    /// The reply was longer than [`ClientConfig::max_reply_len`](crate::ClientConfig::max_reply_len),
    /// and skipped.
    ReplyTooLarge {
        /// Bytes of its body.
        len: u32,
    },
    /// The reply is not a value of the command's reply type.
    BadReply(DecodeError),
    /// The reply was skipped, because that to a later call was received before it.
    PassedOver,
}

impl From<CallerError<'_, io::Error>> for Error {
    fn from(error: CallerError<'_, io::Error>) -> Self {
        match error {
            CallerError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::TimedOut,
            CallerError::Io(error) => Self::Io(error),
            CallerError::WriteZero => Self::Io(io::ErrorKind::WriteZero.into()),
            CallerError::Call(error) => Self::Call(error),
            CallerError::Refused(Refusal { code, name, words }) => {
                Self::Refused { code, name: name.into(), words: words.into() }
            }
            CallerError::Disconnected(Refusal { code, name, words }) => {
                Self::Disconnected { code, name: name.into(), words: words.into() }
            }
            CallerError::Closed(fault) => Self::Closed(fault),
            CallerError::ReplyTooLarge { len } => Self::ReplyTooLarge { len },
            CallerError::BadReply(reject) => Self::BadReply(reject),
            CallerError::PassedOver => Self::PassedOver,
        }
    }
}

impl From<AddressError> for Error {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::Connect(address, error) => write!(f, "can't connect to {address}: {error}"),
            Self::Listen(address, error) => write!(f, "can't listen on {address}: {error}"),
            Self::TimedOut => f.write_str("no reply in time"),
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::Call(error) => error.fmt(f),
            Self::Refused { code, name, words } => Refusal { code: *code, name, words }.fmt(f),
            Self::Disconnected { code, name, words } => {
                let refusal = Refusal { code: *code, name, words };
                write!(f, "the server closed the connection: {refusal}")
            }
            Self::Closed(fault) => fault.fmt(f),
            Self::ReplyTooLarge { len } => write!(f, "the reply of {len} bytes is too large"),
            Self::BadReply(reject) => write!(f, "the reply is {reject}"),
            Self::PassedOver => f.write_str("a later call's reply was received before this one's"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Connect(_, error) | Self::Listen(_, error) | Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
