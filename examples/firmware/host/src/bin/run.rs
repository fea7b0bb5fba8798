//! Builds an image, boots it in QEMU, and prints its address: see examples/firmware/run.

use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use linecard_firmware_host::image::{self, ETHERNET, Image, SERIAL};
use linecard_firmware_host::load;
use linecard_firmware_host::qemu::{Qemu, Wiring};
use linecard_suite::peer::Peer;

const USAGE: &str = "usage: examples/firmware/run [--serial] [--limit SECONDS] [PORT]
Boots the Ethernet server (or the serial one) in QEMU, at 127.0.0.1:PORT (default 61000; 0 is a free
one). QEMU ends with this command, at the latest after --limit (default 86400).";

/// How long the board may take to start on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// How often the board's output is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

struct Options {
    image: Image,
    limit: Duration,
    port: u16,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options { image: ETHERNET, limit: Duration::from_hours(24), port: 61_000 };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--serial" => options.image = SERIAL,
            "--limit" => options.limit = Duration::from_secs(args.next()?.parse().ok()?),
            port => options.port = port.parse().ok()?,
        }
    }
    Some(options)
}

fn run(options: &Options) -> Result<(), String> {
    image::build()?;
    let (sender, signals) = channel();
    ctrlc::set_handler(move || notify(&sender)).map_err(|error| error.to_string())?;
    let wiring = if options.image == SERIAL { Wiring::Uart } else { Wiring::Server };
    let mut qemu = Qemu::boot(options.image, wiring(options.port), options.limit)?;
    qemu.wait_for("ready", START_TIMEOUT)?;
    let addr = qemu.addr()?;
    Peer::connect(&load::target(addr))?.is_alive()?;
    let mut stdout = std::io::stdout();
    let written = writeln!(stdout, "listening on {addr}").and_then(|()| stdout.flush());
    written.map_err(|error| error.to_string())?;
    while signals.recv_timeout(CHECK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        qemu.check()?;
    }
    Ok(())
}

fn notify(sender: &Sender<()>) {
    let _ = sender.send(());
}
