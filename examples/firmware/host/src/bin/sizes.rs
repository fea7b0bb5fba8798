//! Measures the images: see examples/firmware/sizes.

use std::process::ExitCode;

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
    println!("Measured with: `{compiler}`\n\n{}", sizes::table(&rows));
    if write {
        sizes::record(&compiler, &rows)?;
    }
    if check { judge(&compiler, &rows) } else { Ok(()) }
}

/// Figures are compared where the compiler is the recorded one; else both are shown.
fn judge(compiler: &str, rows: &[sizes::Row]) -> Result<(), String> {
    let (recorded_with, recorded) = sizes::recorded()?;
    if compiler != recorded_with {
        println!(
            "Another compiler than `{recorded_with}`, with which docs/SIZES.md has:\n\n{}",
            sizes::table(&recorded)
        );
        println!("Figures of different compilers are not compared.");
        return Ok(());
    }
    let mut wrong = sizes::grown(&recorded, rows);
    let known = sizes::over_budget(&recorded);
    for sentence in sizes::over_budget(rows) {
        // One that docs/SIZES.md owns up to must not grow; any other is a failure.
        let is_known = known.iter().any(|known| known.what == sentence.what);
        if is_known || sentence.may_be_chance() {
            println!("NOTE: {sentence}");
        } else {
            wrong.push(sentence.to_string());
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}
