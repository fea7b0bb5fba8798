//! The images and how they are built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;

const TARGET: &str = "thumbv7m-none-eabi";

/// One image: the program src/bin/NAME.rs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image(pub &'static str);

/// The clock and nothing else.
pub const EMPTY: Image = Image("empty");
/// Core without a device.
pub const CORE: Image = Image("core");
/// The UART server.
pub const SERIAL: Image = Image("serial");
/// A network echo without Linecard.
pub const ECHO: Image = Image("echo");
/// The Ethernet server.
pub const ETHERNET: Image = Image("ethernet");
/// Many requests from memory, timed.
pub const COST: Image = Image("cost");
/// A client of a desktop server.
pub const CLIENT: Image = Image("client");
/// Recurses until the stack overflows.
pub const OVERFLOW: Image = Image("overflow");
/// Executes an undefined instruction.
pub const FAULT: Image = Image("fault");

impl Image {
    /// The file that [`build`] makes.
    #[must_use]
    pub fn path(self) -> PathBuf {
        target_dir().join(TARGET).join("release").join(self.0)
    }

    /// What it prints when all goes well: the file beside its source.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn expected_output(self) -> Result<Vec<u8>> {
        let path = firmware().join("src/bin").join(self.0).with_extension("out");
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Builds all images. Cargo's messages go to standard error.
///
/// # Errors
/// The build fails; the reason was printed.
pub fn build() -> Result<()> {
    let mut cargo = bare_metal();
    cargo.args(["build", "--release", "--locked", "--quiet", "--target", TARGET]);
    cargo.arg("--manifest-path").arg(firmware().join("Cargo.toml"));
    cargo.arg("--target-dir").arg(target_dir());
    let status =
        cargo.stdout(Stdio::null()).status().map_err(|error| format!("no build: {error}"))?;
    if status.success() { Ok(()) } else { Err("the images can't be built".into()) }
}

/// The compiler that [`build`] uses, in one line.
///
/// # Errors
/// There is none.
pub fn compiler() -> Result<String> {
    let output = bare_metal().args(["--how", "--target", TARGET]).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("no compiler: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err("there is no compiler for the images".into())
    }
}

fn bare_metal() -> Command {
    Command::new(firmware().join("../bare-metal"))
}

/// The folder examples/firmware.
#[must_use]
pub fn firmware() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Cargo's target directory.
fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| firmware().join("target"), PathBuf::from)
}
