//! The protocol core of **Linecard**: typed commands over a byte stream, *a line and a postcard*.
//!
//! Its laws:
//! - it does no I/O: bytes come in as slices and go out into slices that the caller lends;
//! - it reads no clock: time is an argument, an [`Instant`] of the caller's own monotonic clock;
//! - it allocates nothing, and a [`Session`] owns no bytes: what was not consumed stays the
//!   caller's, to be shown again with more behind it;
//! - it never panics, recurses or spins, whatever a peer sends;
//! - it is written once: every front and adapter pumps the same [`Session`] and the same [`ClientSession`].
//!
//! The wire is docs/PROTOCOL.md. Data flows one way through it:
//!
//! ```text
//! bytes ─► frame ─► Session ─► Table ─► Handler ─► Reply ─► bytes
//!           (head)   (limits,   (name →  (typed    (typed
//!                     time)      entry)   request)  value)
//! ```
//!
//! # A command, its handler, a table, a session
//!
//! ```
//! use linecard_core::{Command, Failed, Handler, Instant, Limits, OutBuf, Session, Table, Text, pump};
//!
//! /// Declared once, used by both sides.
//! struct Greet;
//! impl Command for Greet {
//!     const NAME: &'static str = "GREET";
//!     type Request<'i> = Text<'i>;
//!     type Reply<'i> = Text<'i>;
//! }
//!
//! struct Device;
//! impl Handler<Greet> for Device {
//!     fn handle<'a>(&'a mut self, name: Text<'a>) -> Result<Text<'a>, Failed<'a>> {
//!         if name.0.is_empty() { Err(Failed("whom?")) } else { Ok(name) }
//!     }
//! }
//!
//! let mut table = Table::<Device, 4>::new();
//! table.insert_command::<Greet>().unwrap();
//!
//! let limits = Limits::DEVICE;
//! let mut session = Session::new(&limits, Instant::from_millis(0));
//! let mut bytes = vec![0; limits.max_reply_frame_len()];
//! let mut out = OutBuf::new(&mut bytes);
//! let (consumed, _want) =
//!     pump(&mut session, &mut table.bind(Device), Instant::from_millis(1), b"GREET #1\nAda\n", false, &mut out);
//! assert_eq!(consumed, 13);
//! assert_eq!(out.written(), b"OK #1\nAda\n");
//! ```
//!
//! Errors of the application that a program should tell apart travel as a `Result` inside the
//! command's reply type; [`Failed`] is for what only a person will read. See [`Command`].
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::get_unwrap,
        clippy::arithmetic_side_effects,
        clippy::string_slice,
        clippy::disallowed_methods
    )
)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

#[cfg(test)]
extern crate std;

#[cfg(feature = "blocking")]
pub mod blocking;
mod bounded;
mod call_error;
mod chain;
mod client_session;
mod code;
mod command;
mod encode;
mod frame;
mod head;
mod in_buf;
mod limits;
mod out_buf;
mod payload;
mod phase;
mod reply;
mod scan;
mod serialize;
mod service;
mod session;
pub mod table;
mod time;
mod tuning;
mod unique_map;
pub mod wire;

pub use bounded::{BoundedBytes, BoundedStr};
pub use call_error::{CallError, Fault, Refusal, RequestError};
pub use chain::{Chain, ChainFull};
pub use client_session::{ClientSession, Incoming};
pub use code::Code;
pub use command::{Command, Failed, Handler};
pub use frame::{Body, Frame};
pub use in_buf::InBuf;
pub use limits::Limits;
pub use out_buf::OutBuf;
pub use payload::{Bytes, DecodeError, Payload, Postcard, Text};
pub use reply::{Answered, Reply, refuse};
pub use service::{Service, pump};
pub use session::{Session, Step, Want};
pub use table::{Dispatcher, Table};
pub use time::Instant;
pub use unique_map::{InsertError, UniqueMap};
