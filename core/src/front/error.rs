use core::fmt;

use super::DiscardError;

/// Why serving ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServeError<E> {
    /// The stream failed. A link goes on after most read errors, and says which end it.
    Io(E),
    /// The stream took no bytes and gave no error.
    WriteZero,
    /// A buffer is too small: the input needs
    /// [`Limits::max_request_frame_len`](crate::Limits::max_request_frame_len) bytes, the output
    /// [`Limits::max_reply_frame_len`](crate::Limits::max_reply_frame_len).
    Buffers {
        /// What the smaller one needs.
        needed: usize,
    },
    /// A link came to an end, as a link should not.
    Ended,
}

impl<E> From<DiscardError<E>> for ServeError<E> {
    fn from(error: DiscardError<E>) -> Self {
        match error {
            DiscardError::Ended => Self::Ended,
            DiscardError::Io(error) => Self::Io(error),
        }
    }
}

/// Why bytes can't be sent.
#[derive(Debug)]
pub(crate) enum SendError<E> {
    Io(E),
    WriteZero,
}

impl<E> From<SendError<E>> for ServeError<E> {
    fn from(error: SendError<E>) -> Self {
        match error {
            SendError::Io(error) => Self::Io(error),
            SendError::WriteZero => Self::WriteZero,
        }
    }
}

/// A buffer is smaller than the limits ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferTooSmall {
    /// The bytes that it needs.
    pub needed: usize,
}

impl<E> From<BufferTooSmall> for ServeError<E> {
    fn from(BufferTooSmall { needed }: BufferTooSmall) -> Self {
        Self::Buffers { needed }
    }
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a buffer has less than {} bytes", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}

impl<E: fmt::Display> fmt::Display for ServeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::WriteZero => f.write_str("the connection takes no bytes"),
            Self::Buffers { needed } => BufferTooSmall { needed: *needed }.fmt(f),
            Self::Ended => f.write_str("the link ended"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for ServeError<E> {}
