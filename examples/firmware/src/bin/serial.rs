//! The demo commands on the board's UART, with core's blocking front: what a device without a
//! network needs.
//!
//! `examples/firmware/run --serial 61001` boots it in QEMU, with the UART on a TCP port of the
//! host; then `linecard call 127.0.0.1:61001 STRING hello` prints `Thank you.`

#![no_std]
#![no_main]

use board::uart::{Error, Uart};
use embedded_io::Read;
use linecard_core::blocking::serve_link;
use linecard_core::{Instant, Limits, Table};
use linecard_demo::{Demo, table};
use linecard_firmware as board;

const LIMITS: Limits = Limits::DEVICE;

/// Filled at compile time, so it is in flash.
static TABLE: Table<Demo, 2> = table();

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut RX: [u8; LIMITS.max_request_frame_len()] = [0; _];
    static mut TX: [u8; LIMITS.max_reply_frame_len()] = [0; _];

    board::clock::start();
    let mut uart = Uart::new();
    board::console::print(c"ready\n");
    loop {
        // It returns only after many read errors in a row: for example at another baud rate.
        let _error = serve_link(&mut uart, &LIMITS, &mut TABLE.bind(Demo), RX, TX, &mut now);
        wait_for_silence(&mut uart, RX);
    }
}

/// Reads until nothing has come for one frame timeout, so that the rest of a damaged frame never
/// runs as a command (docs/PROTOCOL.md §11).
fn wait_for_silence(uart: &mut Uart, buf: &mut [u8]) {
    let mut since = now();
    while now().saturating_duration_since(since) < LIMITS.frame_timeout {
        if uart.read(buf) != Err(Error::TimedOut) {
            since = now();
        }
    }
}

fn now() -> Instant {
    Instant::from_millis(board::clock::now())
}

/// Nothing in this image panics, so the linker leaves this out.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::console::exit(false)
}
