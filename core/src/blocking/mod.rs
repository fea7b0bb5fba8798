//! Blocking fronts over `embedded_io::{Read, Write}`: a UART, a socket, a pipe.
//!
//! This is the only part of the crate that knows those traits. [`serve`] is a server for one
//! connection, [`serve_link`] one for a link that can't close, such as a UART; [`Caller`] and
//! [`LinkCaller`] are their clients. Buffers are the caller's.
//!
//! What they ask of the traits: a read waits for the first bytes and returns what is there; one
//! that has waited long enough fails with [`ErrorKind::TimedOut`], and then deadlines are looked
//! at. Over a `Read` that never times out, a deadline is only noticed when bytes come.

mod caller;
mod discard;
mod link_caller;
mod server;

pub use crate::front::{BufferTooSmall, ServeError, Ticket};
pub use caller::{Caller, CallerError};
pub use link_caller::LinkCaller;
pub use server::{serve, serve_link};

#[cfg(doc)]
use embedded_io::ErrorKind;
