//! The baseline of the size table: the clock runs and nothing else happens.

#![no_std]
#![no_main]

use linecard_firmware as board;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::clock::start();
    board::console::print(c"ready\n");
    loop {
        cortex_m::asm::wfi();
    }
}

/// Nothing in this image panics, so the linker leaves this out.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::console::exit(false)
}
