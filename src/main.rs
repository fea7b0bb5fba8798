//! The `linecard` command: a demo, a server of the demo commands, a client for any command, and a load
//! to measure a server by.
#![forbid(unsafe_code)]

mod bench;
mod call;
mod cli;
mod demo;
mod descriptors;
mod serve;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use log::LevelFilter;

/// What a subcommand comes to; its error is one line for standard error.
type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.verbose);
    let outcome = match cli.command.unwrap_or(Command::Demo) {
        Command::Demo => demo::run(),
        Command::Serve(options) => serve::run(&options),
        Command::Call(options) => call::run(&options),
        Command::Bench(options) => bench::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("linecard: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Warnings always; with `-v` what the server does, with `-vv` each refused request, connection and
/// reset. `RUST_LOG` has the last word.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        2 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    env_logger::Builder::new().filter_level(level).parse_default_env().init();
}
