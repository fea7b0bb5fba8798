//! `linecard bench`: a load, and how long its replies took.
//!
//! ```text
//!             requests due                    replies
//! load ─────────────────────► connection ─► tally ─► report
//! (one thread, readiness)     (bytes of a cycle)
//! ```
//!
//! It is to be lighter than any server that it measures. So nothing is encoded and nothing is decoded
//! while a server answers as it should: requests are bytes made beforehand, many to a write, and
//! replies are compared with the bytes that are expected, many to a read. Only a reply that differs
//! is looked at ([`stray`]).

mod connect;
mod connection;
mod cycle;
mod exchange;
mod load;
mod options;
mod pace;
mod progress;
mod report;
mod stray;
mod tally;

pub(crate) use options::Options;

use exchange::Exchange;
use load::Load;
use report::Report;

use crate::{Outcome, descriptors};

pub(crate) fn run(options: &Options) -> Outcome {
    descriptors::raise_limit("--connections", options.connections.get());
    let exchange = Exchange::of(options)?;
    let (poll, connections, connect_time) = connect::all(options)?;
    let tally = Load::new(options, &exchange, poll, connections).run()?;
    let report = Report::new(options, &tally, connect_time);
    report.print(options.json)?;
    match tally.first_error() {
        None => Ok(()),
        Some(error) => {
            let failed = tally.errors();
            Err(format!("{}: {failed} requests failed ({error})", options.address).into())
        }
    }
}
