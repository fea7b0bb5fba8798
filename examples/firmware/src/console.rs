//! The console: lines of text to whoever debugs the board, by semihosting. QEMU is such a debugger; a board without one needs the
//! feature `no-semihosting`, or the first line stops it.

#![allow(unsafe_code)]

use core::ffi::CStr;

use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::{nr, syscall, syscall1};

/// Says `text`, which should end in a line feed.
pub fn say(text: &CStr) {
    // SAFETY: WRITE0 reads bytes from the address up to a NUL, which is what a CStr is.
    unsafe { syscall1(nr::WRITE0, text.as_ptr().addr()) };
}

/// Says `bytes`, whatever they are.
pub fn write(bytes: &[u8]) {
    for byte in bytes {
        // SAFETY: WRITEC reads one byte from the address.
        unsafe { syscall(nr::WRITEC, byte) };
    }
}

/// The words that the debugger has for the program, if they fit.
pub fn argument(words: &mut [u8]) -> Option<&[u8]> {
    let mut block = [words.as_mut_ptr().expose_provenance(), words.len()];
    // SAFETY: GET_CMDLINE takes the address of two words, those of a buffer and its length; it writes into the buffer, which is borrowed
    // mutably here, no more than the length, and the length into the second word.
    let failed = unsafe { syscall1(nr::GET_CMDLINE, block.as_mut_ptr().expose_provenance()) };
    let [_, len] = block;
    if failed == 0 { words.get(..len) } else { None }
}

/// Ends the program, with success or failure: QEMU exits with status 0 or 1. Without a debugger, the board starts afresh.
pub fn exit(success: bool) -> ! {
    debug::exit(if success { EXIT_SUCCESS } else { EXIT_FAILURE });
    cortex_m::peripheral::SCB::sys_reset()
}
