//! Measures the images: see examples/firmware/sizes.

use std::process::ExitCode;
use std::slice;

use linecard_firmware_host::record::{self, Record};
use linecard_firmware_host::{image, sizes};

const USAGE: &str = "usage: examples/firmware/sizes [--check | --write]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mode = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(false, false),
        ["--check"] => run(true, false),
        ["--write"] => run(false, true),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match mode {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool, write: bool) -> Result<(), String> {
    let compiler = image::compiler()?;
    image::build()?;
    let rows = sizes::measure(&|line| eprintln!("{line}"))?;
    let measured = Record { compiler, rows };
    println!("{}", record::format_records(slice::from_ref(&measured)));
    if check {
        check_figures(&measured)?;
    }
    if write { record::write(measured) } else { Ok(()) }
}

/// Compares the figures if their compiler is a recorded one, else prints all.
fn check_figures(measured: &Record) -> Result<(), String> {
    let recorded = record::read()?;
    let Some(before) = recorded.iter().find(|old| old.compiler == measured.compiler) else {
        println!("docs/SIZES.md, with other compilers:\n{}", record::format_records(&recorded));
        println!("Figures of different compilers are not compared.");
        return Ok(());
    };
    let mut failures = sizes::grown(&before.rows, &measured.rows);
    failures.extend(sizes::over_budget(&measured.rows));
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}
