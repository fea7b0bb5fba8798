//! What a polled client reports.

use linecard_core::{Body, Fault, Frame, Refusal};

/// What happened on a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent<'i> {
    /// The connection is open.
    Opened,
    /// A call was answered.
    Reply {
        /// The tag of the call.
        tag: u32,
        /// The body of the `OK`, or the error of the `ERR`.
        body: Result<Body<'i>, Refusal<&'i str>>,
    },
    /// A call was answered with a body over this client's capacity, which was skipped.
    TooLarge {
        /// The tag of the call.
        tag: u32,
        /// The length of the body in bytes.
        len: u32,
    },
    /// A call was not answered in time. Other calls go on; a late reply to this one is skipped.
    TimedOut {
        /// The tag of the call.
        tag: u32,
    },
    /// An unsolicited frame.
    Event(Frame<'i>),
    /// The server says why it closes. No call without a reply was carried out.
    /// [`ClientEvent::Closed`] follows.
    Disconnected(Refusal<&'i str>),
    /// The connection is over, and every call without a reply has failed.
    Closed(CloseReason),
}

/// Why a client's connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The connection could not be opened in time.
    TimedOut,
    /// The server's host refused the connection.
    Refused,
    /// The connection was reset, or the server's host was silent for too long.
    Reset,
    /// The server ended the connection, or broke the protocol.
    Fault(Fault),
    /// [`Client::close`](crate::Client::close) was called.
    Local,
}
