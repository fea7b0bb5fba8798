//! Recurses until the stack overflows, for the test that a fault is reported and ends QEMU with an
//! error.

#![no_std]
#![no_main]

use core::hint::black_box;

use linecard_firmware as board;

#[cortex_m_rt::entry]
fn main() -> ! {
    board::clock::start();
    board::console::print(c"ready\n");
    recurse(0);
    board::console::exit(true)
}

/// Never returns: the stack overflows first.
fn recurse(depth: usize) -> usize {
    let frame = black_box([depth; 16]);
    if depth == usize::MAX { 0 } else { recurse(depth + 1) + frame[depth % 16] }
}

/// Required by the linker: nothing here panics.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::console::exit(true)
}
