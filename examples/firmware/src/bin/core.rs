//! Core without a device: the table, both demo commands, and one session over bytes in memory. The
//! size table compares it with the empty image.

#![no_std]
#![no_main]

use core::hint::black_box;

use linecard_core::{Instant, Limits, OutBuf, Session, Table, pump};
use linecard_demo::{Demo, table};
use linecard_firmware as board;

const LIMITS: Limits = Limits::DEVICE;

/// Filled at compile time, so it is in flash.
static TABLE: Table<Demo, 2> = table();

/// A text, the smallest COMPLEX value (zero, and everything else empty), and an unknown command.
const REQUESTS: &[u8] = b"STRING\nAdditional data.\nCOMPLEX 5 #1\n\0\0\0\0\0\nFROB 3 #2\nabc\n";

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut TX: [u8; 2 * LIMITS.max_reply_frame_len()] = [0; _];

    board::clock::start();
    let mut session = Session::new(&LIMITS, now());
    let mut out = OutBuf::new(TX);
    // The black box keeps the compiler from answering the requests at compile time.
    let input = black_box(REQUESTS);
    let (_consumed, _want) =
        pump(&mut session, &mut TABLE.bind(Demo), now(), input, false, &mut out);
    board::console::write(out.written());
    board::console::print(c"ready\n");
    loop {
        cortex_m::asm::wfi();
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
