//! The error table: docs/PROTOCOL.md §5.

use core::fmt;

/// Writes the table once: the enum, every code in order, and its name on the wire.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal;)*) => {
        /// Why a request, or a connection, was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// Every code, in the order of the error table.
            pub const ALL: [Self; [$(Self::$code),*].len()] = [$(Self::$code),*];

            /// The code as it stands on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// The head is outside the grammar, or too long. The server closes.
    BadHead = "bad-head";
    /// The body is over the limit and was skipped; or over the skip budget, and the server closes.
    TooLarge = "too-large";
    /// A counted body is not followed by LF. The server closes.
    Desync = "desync";
    /// There is no handler of that name.
    UnknownCommand = "unknown-command";
    /// The body is not exactly one value of the command's type, or is beyond a capacity.
    BadPayload = "bad-payload";
    /// A text that is not UTF-8.
    BadText = "bad-text";
    /// The reply is over the reply limit.
    ReplyTooLarge = "reply-too-large";
    /// The handler failed; its message follows. A client takes a code that it doesn't know for
    /// this.
    Failed = "failed";
    /// The server has no place for one more connection. The server closes.
    Busy = "busy";
    /// A frame was not finished in time, or the connection was idle for too long. The server
    /// closes.
    Timeout = "timeout";
    /// The server is stopping: nothing after its last reply was carried out. The server closes.
    Stopping = "stopping";
}

impl Code {
    /// Its position in [`Code::ALL`]: an index for counters.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The code with this name on the wire, if it is known.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

/// The length of the longest code of [`Code::ALL`] on the wire, in bytes.
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
    fn every_code_parses_back_and_fits() {
        for (at, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(Code::parse(code.as_str()), Some(code));
            assert_eq!(code.index(), at);
            assert!(code.as_str().len() <= MAX_CODE_LEN);
        }
        assert_eq!(Code::parse("new-code"), None);
    }
}
