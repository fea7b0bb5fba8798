//! The protocol core of **Linecard**: typed commands over a byte stream.
//!
//! It does no I/O: bytes come in as slices, and go out into slices that the caller lends. It reads
//! no clock: time is an argument, an [`Instant`]. It allocates nothing. It never panics, recurses
//! or spins, whatever a peer sends. Every front and adapter runs the same [`Session`] and the same
//! [`ClientSession`]. The wire format is docs/PROTOCOL.md.
//!
//! # Start here
//!
//! - Declare a command: [`Command`], with [`Text`], [`Bytes`] or [`Postcard`] as its payloads.
//! - Handle it: [`Handler`], one [`Table`] of handlers, a [`Dispatcher`] that binds it to your
//!   state.
//! - Serve over a UART or any blocking stream: [`blocking::serve_link`] and [`blocking::serve`].
//! - Call over one: [`blocking::Caller`], or [`blocking::LinkCaller`] for a UART.
//! - On a desktop use the crate `linecard-std`, over smoltcp `linecard-smoltcp`.
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
//!         if name.0.is_empty() { Err(Failed("no name")) } else { Ok(name) }
//!     }
//! }
//!
//! let mut table = Table::<Device, 4>::new();
//! table.insert_command::<Greet>().unwrap();
//! let mut service = table.bind(Device);
//!
//! let limits = Limits::DEVICE;
//! let now = Instant::from_millis(0);
//! let mut session = Session::new(&limits, now);
//! let mut buf = vec![0; limits.max_reply_frame_len()];
//! let mut out = OutBuf::new(&mut buf);
//! let input = b"GREET #1\nAda\n";
//! let (consumed, _want) = pump(&mut session, &mut service, now, input, false, &mut out);
//! assert_eq!(consumed, input.len());
//! assert_eq!(out.written(), b"OK #1\nAda\n");
//! ```
//!
//! Errors that a program handles travel as a `Result` inside the command's reply type; [`Failed`]
//! is a message for a person. See [`Command`].
//!
//! # The types, by what they are for
//!
//! ```text
//! bytes ─► Frame ─► Session ─► Table ─► Handler ─► Reply ─► bytes
//!                   (limits,   (name →  (typed     (typed
//!                    time)      entry)   request)   value)
//! ```
//!
//! | for | types |
//! |---|---|
//! | declaring | [`Command`], [`Handler`], [`Failed`]; [`Payload`]: [`Text`], [`Bytes`], [`Postcard`] |
//! | values of fixed capacity | [`BoundedStr`], [`BoundedBytes`], [`UniqueMap`], [`Chain`] |
//! | dispatch | [`Table`], [`Dispatcher`], [`Service`], [`table`] |
//! | a server's connection | [`Session`], [`Limits`], [`pump`], [`Want`], [`Step`], [`Reply`] |
//! | a client's connection | [`ClientSession`], [`Incoming`], [`CallError`], [`Refusal`], [`Fault`] |
//! | a front's buffers and time | [`InBuf`], [`OutBuf`], [`Instant`] |
//! | fronts | [`blocking`] |
//! | tools | [`wire`], [`Frame`] |
//!
//! # Features
//!
//! - `blocking` (default): the fronts over embedded-io.
//! - `small`: size before speed, for a microcontroller.
//! - `async`: a front over embedded-io-async, for any executor.
//! - `defmt`: `defmt::Format` for limits, codes and instants.
#![doc(html_root_url = "https://docs.rs/linecard-core/0.1.0")]
// The front page links to the fronts.
#![cfg_attr(not(feature = "blocking"), allow(rustdoc::broken_intra_doc_links))]
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

#[cfg(feature = "async")]
pub mod asynch;
#[cfg(feature = "blocking")]
pub mod blocking;
mod bounded;
mod call_error;
mod chain;
mod client_session;
mod code;
mod command;
pub mod declare;
mod encode;
mod frame;
#[cfg(any(feature = "blocking", feature = "async"))]
mod front;
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
pub use payload::{Bytes, DecodeError, Empty, Payload, Postcard, Text};
pub use reply::{Answered, Reply, refuse};
pub use service::{Service, pump};
pub use session::{Session, Step, Want};
pub use table::{Dispatcher, Table};
pub use time::Instant;
pub use unique_map::{InsertError, UniqueMap};
