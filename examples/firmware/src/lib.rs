//! What the images share: the board's clock, interrupts, UART, Ethernet controller and console, and what happens on a fault.
//!
//! Laws: nothing here allocates; nothing here panics; every wait ends by the next tick of the clock; every `unsafe` is in one of the five
//! modules that allow it, each of which argues why it is sound. A fault is reported on the console and ends the program with an error.

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

/// Starts the program afresh, after saying so: what an image does on a panic that can't be ruled out.
pub fn restart() -> ! {
    console::say(c"panic: the board starts afresh\n");
    cortex_m::peripheral::SCB::sys_reset()
}
