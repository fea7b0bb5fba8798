//! What a body means: docs/PROTOCOL.md §3.1 (text) and §3.2 (postcard).

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::encode::{EncodeError, Encoded, Encoder};
use crate::frame::Body;

/// Why a body could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not exactly one value, over a capacity, or a line where a counted body is required.
    Payload,
    /// Not UTF-8.
    Text,
}

impl DecodeError {
    /// The code that a server answers with.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Payload => Code::BadPayload,
            Self::Text => Code::BadText,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payload => "not a value of the command's type",
            Self::Text => "not UTF-8 text",
        })
    }
}

impl core::error::Error for DecodeError {}

/// What a body carries: decoded in place, so it may borrow from the input, and encoded into the
/// output.
pub trait Payload<'i>: Sized {
    /// Reads the whole of a body.
    ///
    /// # Errors
    /// [`DecodeError`], where the body is not exactly one value of this type.
    fn decode(body: Body<'i>) -> Result<Self, DecodeError>;

    /// Writes the frame that carries this value.
    ///
    /// # Errors
    /// [`EncodeError`]; then nothing was written.
    fn encode(&self, encoder: Encoder<'_>) -> Result<Encoded, EncodeError>;
}

/// UTF-8 text. It is received as a line or counted, and sent as a line if it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'i>(pub &'i str);

impl<'i> Payload<'i> for Text<'i> {
    fn decode(body: Body<'i>) -> Result<Self, DecodeError> {
        core::str::from_utf8(body.bytes()).map(Text).map_err(|_| DecodeError::Text)
    }

    fn encode(&self, encoder: Encoder<'_>) -> Result<Encoded, EncodeError> {
        encoder.text(self.0)
    }
}

/// Nothing: for a command that takes no data, or whose reply only says that it was done. It is
/// received as an empty line or as a counted body of no bytes, and sent as an empty line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Empty;

impl<'i> Payload<'i> for Empty {
    fn decode(body: Body<'i>) -> Result<Self, DecodeError> {
        if body.bytes().is_empty() { Ok(Self) } else { Err(DecodeError::Payload) }
    }

    fn encode(&self, encoder: Encoder<'_>) -> Result<Encoded, EncodeError> {
        encoder.text("")
    }
}

/// Raw bytes, always counted: an image, a block, a format of your own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes<'i>(pub &'i [u8]);

impl<'i> Payload<'i> for Bytes<'i> {
    fn decode(body: Body<'i>) -> Result<Self, DecodeError> {
        match body {
            Body::Counted(bytes) => Ok(Bytes(bytes)),
            Body::Line(_) => Err(DecodeError::Payload),
        }
    }

    fn encode(&self, encoder: Encoder<'_>) -> Result<Encoded, EncodeError> {
        encoder.bytes(self.0)
    }
}

/// One postcard value, always counted; bytes left over are an error.
///
/// Decoding recurses as deep as the type does. A type that contains itself (by a `Box`) lets a peer
/// overflow the stack with a few kilobytes: use [`Chain`](crate::Chain) instead. A collection
/// without a capacity holds what the body's length allows; one of zero-sized items has not even
/// that bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Postcard<T>(pub T);

impl<'i, T: Deserialize<'i> + Serialize> Payload<'i> for Postcard<T> {
    fn decode(body: Body<'i>) -> Result<Self, DecodeError> {
        let Body::Counted(bytes) = body else { return Err(DecodeError::Payload) };
        let mut deserializer = postcard::Deserializer::from_bytes(bytes);
        let Ok(value) = T::deserialize(&mut deserializer) else { return Err(DecodeError::Payload) };
        match deserializer.finalize() {
            Ok([]) => Ok(Self(value)),
            _ => Err(DecodeError::Payload),
        }
    }

    fn encode(&self, encoder: Encoder<'_>) -> Result<Encoded, EncodeError> {
        encoder.postcard(&self.0)
    }
}
