//! A load generator for TCP servers, on one thread.
//!
//! It must cost less than any server that it measures. While a server answers as expected, nothing
//! is encoded and nothing is decoded: requests are bytes prepared in advance, many to a write, and
//! replies are compared with the expected bytes, many to a read. Only bytes that differ are parsed
//! ([`inspect`]).
//!
//! The server is not trusted. Whatever it sends, a load ends at the deadline of its [`Plan`], each
//! request is counted once, and a connection keeps at most [`inspect::MAX_REPLY_LEN`] bytes.
//!
//! ```text
//!             requests due                  replies
//! run ───────────────────────► connection ───────────► tally
//! (waits for readiness)        (bytes of a cycle)
//! ```
//!
//! Modules import only from those above them in this list: `cycle`, `tally`, `pace`, `inspect`,
//! `in_flight`; `exchange`, `plan`; `replies`; `connection`; `connect`; `run`.

mod connect;
mod connection;
mod cycle;
mod exchange;
mod in_flight;
mod inspect;
mod pace;
mod plan;
mod replies;
mod run;
mod tally;

pub(crate) use connect::connect;
pub(crate) use exchange::{Exchange, Expected};
pub(crate) use pace::Pace;
pub(crate) use plan::Plan;
pub(crate) use run::{Load, Watch};
pub(crate) use tally::Tally;
