//! The protocol core of **Linecard**: typed commands over a byte stream.
//!
//! It does no I/O: bytes come in as slices, and go out into slices that the caller lends. It reads
//! no clock: time is an argument, an [`Instant`]. It allocates nothing. It never panics, recurses
//! or spins, whatever a peer sends. Every front and adapter runs the same [`Session`] and the same
//! [`ClientSession`]. The wire format is docs/PROTOCOL.md.
//!
//! # Start here
//!
//! - Declare a command: [`commands!`]. It implements [`Command`], with [`Text`], [`Bytes`],
//!   [`Empty`] or [`Postcard`] as its payloads.
//! - Handle it: [`serves!`]. It implements [`Handler`] and fills a [`Table`] of handlers; a
//!   [`Dispatcher`] binds that to your state.
//! - Serve over a UART or any blocking stream: [`blocking::serve_link`] and [`blocking::serve`].
//! - Call over one: [`blocking::Caller`], or [`blocking::LinkCaller`] for a UART.
//! - With embassy, tokio or another executor: `asynch` (feature `async`), whose handlers may wait.
//! - On a desktop use the crate `linecard-std`, over smoltcp `linecard-smoltcp`.
//!
//! ```
//! use linecard_core::{Failed, Instant, Limits, OutBuf, Session, commands, pump, serves};
//!
//! commands! {
//!     /// Declared once, used by both sides.
//!     pub Greet = "GREET": text => text;
//! }
//!
//! struct Device;
//! impl Device {
//!     fn greet<'a>(&mut self, name: &'a str) -> Result<&'a str, Failed<'a>> {
//!         if name.is_empty() { Err(Failed("no name")) } else { Ok(name) }
//!     }
//! }
//!
//! serves!(Device, TABLE: Greet => greet);
//! let mut service = TABLE.bind(Device);
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
//! | declaring | [`commands!`], [`serves!`], [`declare`]; [`Command`], [`Handler`], [`Failed`] |
//! | payloads | [`Payload`]: [`Text`], [`Bytes`], [`Empty`], [`Postcard`] |
//! | values of fixed capacity | [`BoundedStr`], [`BoundedBytes`], [`UniqueMap`], [`Chain`] |
//! | dispatch | [`Table`], [`Dispatcher`], [`Service`], [`table`] |
//! | a server's connection | [`Session`], [`Limits`], [`pump`], [`Want`], [`Step`], [`Reply`] |
//! | a client's connection | [`ClientSession`], [`Incoming`], [`CallError`], [`Refusal`], [`Fault`] |
//! | a front's buffers and time | [`InBuf`], [`OutBuf`], [`Instant`] |
//! | fronts | [`blocking`], `asynch` |
//! | tools | [`wire`], [`Frame`] |
//!
//! # Features
//!
//! - `blocking` (default): the fronts over embedded-io.
//! - `async`: the fronts over embedded-io-async, for any executor.
//! - `small`: size before speed, for a microcontroller.
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
mod part;
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
