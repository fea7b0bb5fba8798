//! Load with hostile peers in it: `linecard serve` on loopback, attacked in four ways at once, while
//! well-behaved clients call at a steady rate and are timed.
//!
//! ```text
//! start ─► a short storm ─► calm: the clients alone ─► "before" ─► storm: clients and hostile peers
//!                                                                     │
//!                         verdict ◄─ SIGTERM ◄─ "after", once it is as before
//! ```
//!
//! The promises, each of which makes [`Report::broken`] say so: every well-behaved call is answered
//! right; their 99th percentile is at most five times the calm one, or 5 ms; afterwards the server has
//! exactly the descriptors that it had, and its memory within 5 %; it stops cleanly.
#![cfg(target_os = "linux")]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod callers;
mod deaf;
mod dribble;
mod hostile;
mod limits;
mod malformed;
mod pace;
mod plan;
mod proc;
mod report;
mod requests;
mod resets;
mod run;

pub use limits::fit;
pub use plan::Plan;
pub use report::Report;
pub use run::run;
