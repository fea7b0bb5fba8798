//! Builds an image, boots it in QEMU, and says where it is reached: see examples/firmware/run.

use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use linecard_firmware_host::image::{self, ETHERNET, Image, SERIAL};
use linecard_firmware_host::load;
use linecard_firmware_host::qemu::{Qemu, Wiring};
use linecard_suite::peer::Peer;

const USAGE: &str = "usage: examples/firmware/run [--serial] [--limit SECONDS] [PORT]
Boots the Ethernet server (or the serial one) in QEMU, reached at 127.0.0.1:PORT (default 61000; 0 takes a free one).
QEMU ends with this command, and after --limit (default 86400) in any case.";

/// How long the board may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often to look whether the board is well.
const LOOK: Duration = Duration::from_millis(200);

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
    let (signal, signalled) = channel();
    ctrlc::set_handler(move || tell(&signal)).map_err(|error| error.to_string())?;
    let wiring = if options.image == SERIAL { Wiring::Uart } else { Wiring::Server };
    let mut qemu = Qemu::boot(options.image, wiring(options.port), options.limit)?;
    qemu.wait_for("ready", PATIENCE)?;
    let addr = qemu.addr()?;
    Peer::connect(&load::target(addr))?.is_alive()?;
    let mut stdout = std::io::stdout();
    let told = writeln!(stdout, "listening on {addr}").and_then(|()| stdout.flush());
    told.map_err(|error| error.to_string())?;
    while signalled.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        qemu.is_well()?;
    }
    Ok(())
}

fn tell(signal: &Sender<()>) {
    let _ = signal.send(());
}
