//! What the images share: the board's clock, interrupts, UART, Ethernet controller and console, and
//! what happens on a fault.
//!
//! Nothing here allocates or panics. Every wait ends at the next tick of the clock. A fault is
//! reported on the console and ends the program with an error. `unsafe` code is in the modules that
//! allow it, each of which says why it is sound.

#![no_std]
#![deny(unsafe_code)]

pub mod clock;
pub mod console;
pub mod ethernet;
mod fault;
pub mod interrupt;
pub mod network;
mod register;
pub mod uart;

/// Prints a line and resets the board: what an image does on a panic that can't be ruled out.
pub fn restart() -> ! {
    console::print(c"panic: the board restarts\n");
    cortex_m::peripheral::SCB::sys_reset()
}
