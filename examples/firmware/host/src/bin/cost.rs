//! Prints the instructions per request on the microcontroller: see examples/firmware/cost.

use std::process::ExitCode;

use linecard_firmware_host::{cost, image};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    println!("Instructions per request, with {}:", image::compiler()?);
    image::build()?;
    for (command, instructions) in cost::measure()? {
        println!("{command}: {instructions}");
    }
    Ok(())
}
