//! The `linecard` program: a demo, a server of the demo commands, a client for any command, and a
//! load generator that measures servers.
//!
//! Each subcommand is a module. Modules import from `load`, `outcome`, `printable`, `seconds` and
//! `descriptors`, which import nothing from the others; only `cli` knows the options of all.
#![forbid(unsafe_code)]

mod bench;
mod call;
mod cli;
mod demo;
mod descriptors;
mod generate;
mod load;
mod outcome;
mod printable;
mod seconds;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use log::LevelFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.verbose);
    let outcome = match cli.command.unwrap_or(Command::Demo) {
        Command::Demo => demo::run(),
        Command::Serve(options) => serve::run(&options),
        Command::Call(options) => call::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Completions { shell } => generate::completions(shell),
        Command::Man { subcommand } => generate::man(subcommand.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("linecard: {}", printable::line(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// Warnings are always logged; with `-v` what the server does, with `-vv` each connection, refused
/// request and reset. `RUST_LOG` overrides that.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        2 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    env_logger::Builder::new().filter_level(level).parse_default_env().init();
}
