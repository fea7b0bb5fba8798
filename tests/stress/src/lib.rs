//! A load test with hostile peers: `linecard serve` on loopback under four attacks at once, while
//! well-behaved clients call at a steady rate and are timed.
//!
//! ```text
//! start ─► warm-up attack ─► baseline: clients alone ─► "before" ─► clients under attack
//!                                                                            │
//!      result ◄─ SIGTERM ◄─ "after", when descriptors and memory are back ◄──┘
//! ```
//!
//! [`Report::failures`] lists every check that failed:
//! - every well-behaved call gets the right reply;
//! - afterwards the server has exactly as many descriptors as before, and its memory within 5 %;
//! - it stops cleanly.
//!
//! [`Report::is_slow`] says whether the clients' 99th percentile under attack is over 5 ms and over
//! five times the baseline's.
#![cfg(target_os = "linux")]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod attacker;
mod clients;
mod limits;
mod malformed;
mod non_readers;
mod pace;
mod plan;
mod process_stats;
mod report;
mod requests;
mod resets;
mod run;
mod slow_senders;

pub use limits::fit;
pub use plan::Plan;
pub use report::Report;
pub use run::run;
