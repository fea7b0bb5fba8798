//! What a request costs the processor: many requests of each demo command, over bytes in memory,
//! timed by the board's clock. `examples/firmware/cost` reads the output, from a QEMU whose clock
//! counts instructions.

#![no_std]
#![no_main]

use core::hint::black_box;

use linecard_core::{Instant, Limits, OutBuf, Session, Table, pump};
use linecard_demo::{Demo, table};
use linecard_firmware as board;

const LIMITS: Limits = Limits::DEVICE;

static TABLE: Table<Demo, 2> = table();

const STRING: &[u8] = b"STRING\nAdditional data.\n";
/// The article's struct: docs/PROTOCOL.md §9.
const COMPLEX: &[u8] = b"COMPLEX 87\n\
    .\x0bstring data\x03\x03one\x02\x05three\x06\x03two\x04\x03abc\
    \x01\x80\x04!Recursive structs? Piece of cake!\x03\x0201\x02\x0210\x04\x0211\x06\x00\x00\n";

const REQUESTS: u32 = 5_000;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut TX: [u8; LIMITS.max_reply_frame_len()] = [0; _];

    board::clock::start();
    for (name, request) in [(c"STRING ", STRING), (c"COMPLEX ", COMPLEX)] {
        board::console::print(name);
        print_number(REQUESTS);
        board::console::print(c" requests, ms: ");
        print_number(time(black_box(request), TX));
        board::console::print(c"\n");
    }
    board::console::exit(true)
}

/// Milliseconds for all requests.
fn time(request: &[u8], tx: &mut [u8]) -> u32 {
    let mut session = Session::new(&LIMITS, now());
    let began = now();
    for _request in 0..REQUESTS {
        let mut out = OutBuf::new(tx);
        let (_consumed, _want) =
            pump(&mut session, &mut TABLE.bind(Demo), began, request, false, &mut out);
        if !out.written().starts_with(b"OK") {
            board::console::exit(false);
        }
    }
    u32::try_from(now().as_millis().saturating_sub(began.as_millis())).unwrap_or(u32::MAX)
}

fn now() -> Instant {
    Instant::from_millis(board::clock::now())
}

/// Prints it in decimal.
fn print_number(number: u32) {
    if number >= 10 {
        print_number(number / 10);
    }
    board::console::write(&[b'0' + (number % 10) as u8]);
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::console::exit(false)
}
