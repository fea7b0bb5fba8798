//! Tests of core through its public interface: the rules ("laws") of docs/PROTOCOL.md, one file a
//! subject.
//!
//! `cargo test -p linecard-core`, and once more with `--features small`. A property test that fails
//! prints what to add to its regression file. The link simulator prints its seed;
//! `LINECARD_SEED=… cargo test -p linecard-core link` runs that one again.

#![allow(clippy::disallowed_methods, reason = "a test may panic: that is how it fails")]

mod asynch;
mod blocking;
mod client;
mod errors;
mod in_buf;
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
