//! The whole-system suite: drives any Linecard server over TCP with raw bytes and compares what it answers with
//! docs/PROTOCOL.md, through the vectors of tests/vectors.json and a naive [`oracle`].
//!
//! It knows nothing of how a server is built and depends on no other crate of the project: std's sockets and `serde_json`
//! alone. A [`Target`] says what the server at hand promises, so that one suite serves the desktop, a TAP device and
//! a microcontroller. Each case has a name and ends within limits of time; one that can't apply to a target says why.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod bytes;
pub mod cases;
pub mod generate;
pub mod hostile;
pub mod oracle;
pub mod peer;
pub mod prerequisite;
pub mod process;
pub mod replies;
pub mod target;
pub mod vectors;

pub use cases::{Case, Check, Verdict, run};
pub use target::Target;
