//! The host's side of the firmware: builds the images, boots them in QEMU, loads them, and looks into them.
//!
//! Laws: every QEMU has a time limit and is ended when its guard is dropped, or when this process dies in whatever way; nothing is
//! installed; ports are free ones unless a person asks for one.

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

/// A sentence says what went wrong.
pub type Result<T> = std::result::Result<T, String>;
