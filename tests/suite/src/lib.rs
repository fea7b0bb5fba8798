//! The whole-system suite: tests any Linecard server over TCP with raw bytes. It compares the
//! replies with docs/PROTOCOL.md, by the vectors of tests/vectors.json and by a naive [`oracle`].
//!
//! It depends on no other crate of the project, only on std's sockets and `serde_json`. A
//! [`Target`] describes the server: one suite serves the desktop, a TAP device and firmware.
//! Each case has a name and a time limit. A case that doesn't apply to a target says why.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod bytes;
pub mod cases;
pub mod generate;
pub mod oracle;
pub mod peer;
pub mod prerequisite;
pub mod process;
pub mod replies;
pub mod scripted_server;
pub mod target;
pub mod vectors;

pub use cases::{Case, CaseResult, Check, run};
pub use target::Target;
