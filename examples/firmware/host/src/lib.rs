//! The host's side of the firmware: builds the images, boots them in QEMU, puts load on them, and
//! inspects them.
//!
//! Every QEMU has a time limit, and ends when its guard is dropped or this process dies. Nothing is
//! installed. Ports are free ones unless the user asks for one.

#![forbid(unsafe_code)]

pub mod cost;
pub mod elf;
pub mod image;
pub mod load;
pub mod panics;
pub mod qemu;
mod qmp;
pub mod record;
pub mod sizes;

/// The error is a sentence for the user.
pub type Result<T> = std::result::Result<T, String>;
