//! The demo commands on the board's UART, by core's blocking front: how little a device without a network needs.
//!
//! `examples/firmware/run --serial 61001` boots it in QEMU, with the UART on a TCP port of the host; then
//! `linecard call 127.0.0.1:61001 STRING hello` prints `Thank you.`

#![no_std]
#![no_main]

use board::uart::Uart;
use linecard_core::blocking::serve_link;
use linecard_core::{Instant, Limits, Table};
use linecard_demo::{Demo, table};
use linecard_firmware as board;

const LIMITS: Limits = Limits::DEVICE;

/// Filled by the compiler: it is in flash.
static TABLE: Table<Demo, 2> = table();

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut RX: [u8; LIMITS.max_request_frame_len()] = [0; _];
    static mut TX: [u8; LIMITS.max_reply_frame_len()] = [0; _];

    board::clock::start();
    let mut uart = Uart::new();
    board::console::say(c"ready\n");
    loop {
        // It only returns when the UART delivers nothing but errors for about a second.
        let _failed = serve_link(&mut uart, &LIMITS, &mut TABLE.bind(Demo), RX, TX, &mut now);
    }
}

fn now() -> Instant {
    Instant::from_millis(board::clock::now())
}

/// Nothing in this image panics: the linker leaves this out.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::console::exit(false)
}
