//! The laws of docs/PROTOCOL.md, held against the core from outside: one file a subject.
//!
//! `cargo test -p linecard-core`. Property tests print what to add to a regression file when they
//! fail; the link simulator prints its seed, and `LINECARD_SEED=… cargo test -p linecard-core link`
//! runs that one again.

#![allow(clippy::disallowed_methods, reason = "a test may panic: that is how it fails")]

mod blocking;
mod client;
mod errors;
mod link;
mod oracle;
mod properties;
mod replies;
mod serialize;
mod session;
mod support;
mod table;
mod time;
mod values;
mod vectors;
