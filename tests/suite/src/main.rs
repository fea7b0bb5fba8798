//! Runs the suite against any server of the demo commands: `linecard-suite 127.0.0.1:61000`.
//!
//! Prints one line a case. Exits with 1 if a case fails, with 2 on wrong usage.

use std::net::ToSocketAddrs;
use std::process::ExitCode;
use std::time::Duration;

use linecard_suite::cases::{self, CaseResult};
use linecard_suite::target::Target;

const USAGE: &str = "\
usage: linecard-suite ADDR [--device] [--max-body N] [--max-reply N] [--skip-budget N]
    [--frame-deadline SECONDS] [--idle-timeout SECONDS] [--connections N] [--connection-limit N]
    [--patience SECONDS] [--longest-wait SECONDS] [--flood BYTES] [--only TEXT]
ADDR is IP:PORT or HOST:PORT. Without options the server has the limits of `linecard serve`;
with --device, those of the TAP example and the firmware.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match parse(&args) {
        Ok((target, only)) => suite(&target, &only),
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(args: &[String]) -> Result<(Target, String), String> {
    let addr = args.first().ok_or("an address is missing")?;
    let addr = addr.to_socket_addrs().map_err(|error| format!("{addr}: {error}"))?.next();
    let addr = addr.ok_or("the host has no address")?;
    let device = args.iter().any(|arg| arg == "--device");
    let mut target = if device { Target::device(addr) } else { Target::desktop(addr) };
    let mut only = String::new();
    let mut rest = args[1..].iter().filter(|arg| *arg != "--device");
    while let Some(flag) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--only" => only.clone_from(value),
            flag => set(&mut target, flag, value)?,
        }
    }
    Ok((target, only))
}

fn set(target: &mut Target, flag: &str, value: &str) -> Result<(), String> {
    let count = || value.parse::<usize>().map_err(|error| format!("{flag} {value}: {error}"));
    let seconds = || {
        let seconds = value.parse::<f64>().map_err(|error| format!("{flag} {value}: {error}"))?;
        Duration::try_from_secs_f64(seconds).map_err(|error| format!("{flag} {value}: {error}"))
    };
    match flag {
        "--max-body" => target.limits.max_body = count()?,
        "--max-reply" => target.limits.max_reply = count()?,
        "--skip-budget" => target.limits.skip_budget = count()?,
        "--frame-deadline" => target.frame_deadline = Some(seconds()?),
        "--idle-timeout" => target.idle_timeout = Some(seconds()?),
        "--connections" => target.connections = count()?,
        "--connection-limit" => target.connection_limit = Some(count()?),
        "--patience" => target.patience = seconds()?,
        "--longest-wait" => target.longest_wait = seconds()?,
        "--flood" => target.flood = count()?,
        _ => return Err(format!("unknown option {flag}")),
    }
    Ok(())
}

fn suite(target: &Target, only: &str) -> ExitCode {
    let mut cases = cases::all(target);
    cases.retain(|case| case.name.contains(only));
    let failures = cases::run(target, &cases, |case, result| match result {
        CaseResult::Passed => println!("ok       {} (§{})", case.name, case.section),
        CaseResult::Skipped(why) => println!("skipped  {}: {why}", case.name),
        CaseResult::Failed(why) => println!("FAILED   {} (§{}): {why}", case.name, case.section),
    });
    println!("{} cases, {} failed", cases.len(), failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
