//! Parts of the wire format, for tools and for payload types of your own: docs/PROTOCOL.md §2 and
//! §5.
//!
//! A server or client needs none of them.

pub use crate::encode::{EncodeError, Encoded, Encoder};
pub use crate::head::{Head, MAX_HEAD_LINE_LEN, MAX_NAME_LEN, is_name};
pub use crate::reply::MAX_MESSAGE_LEN;
