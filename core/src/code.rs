//! The error table: docs/PROTOCOL.md §5.

use core::fmt;

/// Why a request, or a connection, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Code {
    /// The head is not the grammar's, or too long. The server closes.
    BadHead,
    /// The body is over the limit: it was skipped. Or over the skip budget: the server closes.
    TooLarge,
    /// A counted body is not followed by LF. The server closes.
    Desync,
    /// No handler of that name.
    UnknownCommand,
    /// The body is not exactly one value of the command's type, or beyond a capacity.
    BadPayload,
    /// A text that is not UTF-8.
    BadText,
    /// The reply is over the reply limit.
    ReplyTooLarge,
    /// The handler said no; its words follow. A client takes any code that it doesn't know for this.
    Failed,
    /// No room for one more connection. The server closes.
    Busy,
    /// A frame was not finished in time, or the connection was idle for too long. The server closes.
    Timeout,
    /// The server is going: nothing after its last reply was carried out. The server closes.
    Stopping,
}

impl Code {
    /// Every code, in the order of the error table.
    pub const ALL: [Self; 11] = [
        Self::BadHead,
        Self::TooLarge,
        Self::Desync,
        Self::UnknownCommand,
        Self::BadPayload,
        Self::BadText,
        Self::ReplyTooLarge,
        Self::Failed,
        Self::Busy,
        Self::Timeout,
        Self::Stopping,
    ];

    /// The code as it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadHead => "bad-head",
            Self::TooLarge => "too-large",
            Self::Desync => "desync",
            Self::UnknownCommand => "unknown-command",
            Self::BadPayload => "bad-payload",
            Self::BadText => "bad-text",
            Self::ReplyTooLarge => "reply-too-large",
            Self::Failed => "failed",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Stopping => "stopping",
        }
    }

    /// Its place in [`Code::ALL`]: an index for counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The code that stands on the wire as `name`, if it is known.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

/// The longest of [`Code::ALL`] on the wire, in bytes.
pub(crate) const MAX_CODE_LEN: usize = "unknown-command".len();

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_fits() {
        for (at, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(Code::parse(code.as_str()), Some(code));
            assert_eq!(code.index(), at);
            assert!(code.as_str().len() <= MAX_CODE_LEN);
        }
        assert_eq!(Code::parse("new-code"), None);
    }
}
