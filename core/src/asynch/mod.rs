//! Fronts that can be awaited, over `embedded_io_async::{Read, Write}`: embassy, tokio, or any
//! other executor. (Feature `async`.)
//!
//! Its laws:
//! - it needs no executor, no timer and no allocator: a [`Timer`] of two functions is all that it
//!   asks for, and what it awaits is the stream, the timer and the application's handlers;
//! - all state is in a value that the caller owns ([`Connection`]): a future of this module may be
//!   dropped at any await, and serving goes on where it was;
//! - it shares its rules with the [blocking](crate::blocking) front: the same session, the same
//!   buffers, the same order.
//!
//! [`Connection::serve`] is a server for one connection, [`Connection::serve_link`] one for a link
//! that can't close; [`serve`] and [`serve_link`] own the state themselves, for a task that is
//! never dropped halfway. Handlers may be synchronous, asynchronous ([`AsyncHandler`]) or both:
//!
//! | service | handlers | found by |
//! |---|---|---|
//! | a bound [`Table`](crate::Table) | synchronous | hash, through a pointer |
//! | [`Commands`] | both, on one state | comparing names in turn, inlined |
//! | [`Immediate`] | any [`Service`](crate::Service) | itself |
//!
//! # End of stream, empty buffers, partial progress
//!
//! A read of 0 bytes is the end of the stream: what was received is carried out, the replies are
//! sent, and serving is over. The fronts never read into an empty buffer and never write an empty
//! one. A write may take a part; the rest follows. One that takes nothing without an error is
//! [`ServeError::WriteZero`]. A read that fails with `TimedOut` or `Interrupted`, or a write that
//! fails with `Interrupted`, is tried again; any other error ends serving.

#![allow(
    async_fn_in_trait,
    reason = "an executor of one thread needs no `Send`; others see it through the types"
)]

mod answering;
mod caller;
mod commands;
mod connection;
mod duplex;
mod future;
mod joined;
mod sending;
mod serve;
mod service;
mod timer;

pub use crate::front::{BufferTooSmall, ServeError, Ticket};
pub use caller::{Caller, CallerError};
pub use commands::{AsyncHandler, Commands, Dispatch};
pub use connection::Connection;
pub use joined::Joined;
pub use serve::{serve, serve_link};
pub use service::{AsyncService, Batched, Immediate};
pub use timer::Timer;
