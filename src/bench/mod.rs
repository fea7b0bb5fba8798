//! `linecard bench`: puts a server under load and prints how it answered.
//!
//! The load itself is [`crate::load`]. Here are its options, the requests of the demo commands, a
//! progress bar and the report.

mod options;
mod progress;
mod report;
mod workload;

pub(crate) use options::Options;

use progress::Progress;
use report::Report;

use crate::descriptors;
use crate::load::{Load, Tally, connect};
use crate::outcome::Outcome;

pub(crate) fn run(options: &Options) -> Outcome {
    descriptors::raise_limit("--connections", options.connections.get());
    let (exchange, plan) = (workload::exchange(options)?, options.plan());
    let connected = connect(&plan)?;
    let connect_time = connected.took;
    let load = Load::new(&plan, &exchange, connected);
    // Until here a signal ends the process: there would be nothing to print.
    ctrlc::set_handler(load.stopper()?)?;
    let mut progress = Progress::new(plan.pace);
    let tally = load.run(&mut progress)?;
    progress.clear();
    Report::new(options, &tally, connect_time).print(options.json)?;
    outcome(options, &tally)
}

fn outcome(options: &Options, tally: &Tally) -> Outcome {
    match tally.main_error() {
        None => Ok(()),
        Some(error) => {
            let failed = tally.errors();
            Err(format!("{}: {failed} requests failed ({error})", options.address).into())
        }
    }
}
