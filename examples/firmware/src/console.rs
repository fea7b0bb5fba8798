//! The console: text to the debugger, by semihosting. QEMU is such a debugger. A board without one
//! needs the feature `no-semihosting`, or the first line stops it.

#![allow(unsafe_code)]

use core::ffi::CStr;

use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::{nr, syscall, syscall1};

/// Prints `text`, which should end in a line feed.
pub fn print(text: &CStr) {
    // SAFETY: WRITE0 reads bytes from the address up to a NUL, which is what a CStr is.
    unsafe { syscall1(nr::WRITE0, text.as_ptr().addr()) };
}

/// Prints any bytes.
pub fn write(bytes: &[u8]) {
    for byte in bytes {
        // SAFETY: WRITEC reads one byte from the address.
        unsafe { syscall(nr::WRITEC, byte) };
    }
}

/// The arguments that the debugger passes to the program, if they fit `buf`.
pub fn argument(buf: &mut [u8]) -> Option<&[u8]> {
    let mut block = [buf.as_mut_ptr().expose_provenance(), buf.len()];
    // SAFETY: GET_CMDLINE takes the address of two words: a buffer's address and its length. It
    // writes at most that length to the buffer, which is borrowed mutably here, and the written
    // length to the second word.
    let failed = unsafe { syscall1(nr::GET_CMDLINE, block.as_mut_ptr().expose_provenance()) };
    let [_, len] = block;
    if failed == 0 { buf.get(..len) } else { None }
}

/// Ends the program: QEMU exits with status 0 on success, else 1. Without a debugger the board
/// resets.
pub fn exit(success: bool) -> ! {
    debug::exit(if success { EXIT_SUCCESS } else { EXIT_FAILURE });
    cortex_m::peripheral::SCB::sys_reset()
}
