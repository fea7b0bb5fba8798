//! The console: lines of text to whoever debugs the board, by semihosting. QEMU is such a debugger; a board without one needs the
//! feature `no-semihosting`, or the first line stops it.

#![allow(unsafe_code)]

use core::ffi::CStr;

use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::{nr, syscall, syscall1};

/// Says `text`, which should end in a line feed.
pub fn say(text: &CStr) {
    // SAFETY: WRITE0 reads octets from the address up to a NUL, which is what a CStr is.
    unsafe { syscall1(nr::WRITE0, text.as_ptr().addr()) };
}

/// Says `octets`, whatever they are.
pub fn write(octets: &[u8]) {
    // SAFETY: WRITE takes the address of three words: a handle (1 is the console itself, in QEMU), the address of the octets and their count,
    // all of which outlive the call.
    unsafe { syscall(nr::WRITE, &[1, octets.as_ptr().addr(), octets.len()]) };
}

/// Ends the program, with success or failure: QEMU exits with status 0 or 1. Without a debugger, the board starts afresh.
pub fn exit(success: bool) -> ! {
    debug::exit(if success { EXIT_SUCCESS } else { EXIT_FAILURE });
    cortex_m::peripheral::SCB::sys_reset()
}
