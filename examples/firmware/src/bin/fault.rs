//! Executes an undefined instruction, for the test that a fault is reported and ends QEMU with an
//! error.

#![no_std]
#![no_main]

use linecard_firmware as board;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::clock::start();
    board::console::print(c"ready\n");
    cortex_m::asm::udf()
}

/// Required by the linker: nothing here panics.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::console::exit(true)
}
