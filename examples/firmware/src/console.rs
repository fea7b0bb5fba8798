//! The console: lines of text to whoever debugs the board, by semihosting. QEMU is such a debugger; a board without one needs the
//! feature `no-semihosting`, or the first line stops it.

#![allow(unsafe_code)]

use core::ffi::CStr;

use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::{hio, nr, syscall1};

/// Says `text`, which should end in a line feed.
pub fn say(text: &CStr) {
    // SAFETY: WRITE0 reads octets from the address up to a NUL, which is what a CStr is.
    unsafe { syscall1(nr::WRITE0, text.as_ptr().addr()) };
}

/// Says `octets`, whatever they are; whether that succeeded.
pub fn write(octets: &[u8]) -> bool {
    hio::hstdout().is_ok_and(|mut stdout| stdout.write_all(octets).is_ok())
}

/// Ends the program, with success or failure: QEMU exits with status 0 or 1. Without a debugger, the board starts afresh.
pub fn exit(success: bool) -> ! {
    debug::exit(if success { EXIT_SUCCESS } else { EXIT_FAILURE });
    cortex_m::peripheral::SCB::sys_reset()
}
