//! Why connecting, listening or a call failed.

use std::fmt;
use std::io;

use linecard_core::CallError;
use linecard_core::blocking::CallerError;

use crate::address::AddressError;

/// Why connecting, listening or a call failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The address can't be parsed or resolved.
    Address(AddressError),
    /// No connection to this address could be made.
    Connect(String, io::Error),
    /// The server can't listen on this address.
    Listen(String, io::Error),
    /// The call took longer than its timeout. Other calls may follow: a late reply is skipped.
    TimedOut,
    /// The connection failed, or the server could not be set up.
    Io(io::Error),
    /// The call failed, on a connection that works.
    Call(CallError<String>),
}

impl From<CallerError<'_, io::Error>> for Error {
    fn from(error: CallerError<'_, io::Error>) -> Self {
        match error {
            CallerError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::TimedOut,
            CallerError::Io(error) => Self::Io(error),
            CallerError::WriteZero => Self::Io(io::ErrorKind::WriteZero.into()),
            CallerError::Call(error) => Self::Call(error.map(str::to_owned)),
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
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address(error) => error.source(),
            Self::Connect(_, error) | Self::Listen(_, error) | Self::Io(error) => Some(error),
            Self::Call(error) => error.source(),
            Self::TimedOut => None,
        }
    }
}
