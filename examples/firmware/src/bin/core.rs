//! Core by itself: the table, both demo commands, and one session over bytes in memory. No device, no stream: what the size table sets
//! beside the empty image.

#![no_std]
#![no_main]

use core::hint::black_box;

use linecard_core::{Instant, Limits, OutBuf, Session, Table, pump};
use linecard_demo::{Demo, table};
use linecard_firmware as board;

const LIMITS: Limits = Limits::DEVICE;

/// Filled by the compiler: it is in flash.
static TABLE: Table<Demo, 2> = table();

/// A text, the least COMPLEX value (zero, and all else empty), and a name that nobody knows.
const REQUESTS: &[u8] = b"STRING\nAdditional data.\nCOMPLEX 5 #1\n\0\0\0\0\0\nFROB 3 #2\nabc\n";
#[cortex_m_rt::entry]
fn main() -> ! {
    static mut TX: [u8; 2 * LIMITS.max_reply_frame_len()] = [0; _];

    board::clock::start();
    let mut session = Session::new(&LIMITS, now());
    let mut out = OutBuf::new(TX);
    // The black box keeps the compiler from carrying the requests out itself.
    let input = black_box(REQUESTS);
    let (_consumed, _want) =
        pump(&mut session, &mut TABLE.bind(Demo), now(), input, false, &mut out);
    board::console::write(out.written());
    board::console::say(c"ready\n");
    loop {
        cortex_m::asm::wfi();
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
