//! A microcontroller as the client: connects to a desktop's `linecard serve` at the gateway, makes
//! three calls, prints their results, and ends. The port is QEMU's semihosting argument. For tests:
//! see host/tests/images.rs.

#![no_std]
#![no_main]

use core::mem::MaybeUninit;

use board::console::{exit, print, write};
use board::ethernet::{Ethernet, Frames};
use board::network::{self, GATEWAY};
use embedded_io::ErrorKind;
use linecard_core::blocking::{Caller, CallerError};
use linecard_core::{BoundedBytes, BoundedStr, CallError, Postcard, Text, UniqueMap};
use linecard_demo::{ComplexCommand, Level, Levels, StringCommand};
use linecard_firmware as board;
use linecard_smoltcp::{Platform, Stack, Stream};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};

const RING_LEN: usize = 2560;
const BUFFER_LEN: usize = 2048;
/// Bytes of requests that may be unanswered.
const WINDOW: u32 = 2048;
/// For connecting, and for each call.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The first of the dynamic ports.
const LOCAL_PORT: u16 = 49152;

/// Sleeps until the next interrupt, at the latest the clock's next tick.
struct Board;

impl Platform for Board {
    fn now(&mut self) -> Instant {
        network::now()
    }

    fn sleep(&mut self, _longest: Option<Duration>) -> Result<(), ErrorKind> {
        cortex_m::asm::wfi();
        Ok(())
    }
}

type BoardCaller<'s, 'a> = Caller<Stream<'s, 'a, Ethernet<'static>, Board>, &'static mut [u8], 1>;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut FRAMES: Frames = Frames::new();
    static mut RINGS: [[u8; RING_LEN]; 2] = [[0; RING_LEN]; 2];
    static mut BUFFERS: [[u8; BUFFER_LEN]; 2] = [[0; BUFFER_LEN]; 2];
    static mut STORAGE: MaybeUninit<[SocketStorage<'static>; 1]> = MaybeUninit::uninit();

    board::clock::start();
    let mut device = Ethernet::start(network::HARDWARE, FRAMES);
    let iface = network::interface(&mut device);
    let mut sockets = SocketSet::new(&mut STORAGE.write([SocketStorage::EMPTY])[..]);
    let [receive, transmit] = RINGS;
    let socket =
        Socket::new(SocketBuffer::new(&mut receive[..]), SocketBuffer::new(&mut transmit[..]));
    let socket = sockets.add(socket);
    let mut stack = Stack { device, iface, sockets };

    let Some(port) = port() else { fail(c"client: the semihosting argument is not a port\n") };
    let stream = Stream::connect(&mut stack, socket, Board, (GATEWAY, port), LOCAL_PORT, TIMEOUT);
    let Ok(stream) = stream else { fail(c"client: can't connect\n") };
    let [received, to_send] = BUFFERS;
    let mut caller = Caller::new(stream, &mut received[..], &mut to_send[..], WINDOW);
    call_string(&mut caller);
    call_complex(&mut caller);
    call_unknown(&mut caller);
    exit(true)
}

fn call_string(caller: &mut BoardCaller<'_, '_>) {
    caller.io().set_timeout(TIMEOUT);
    match caller.call::<StringCommand>(&Text("Additional data.")) {
        Ok(Text(reply)) => print_result("STRING: ", reply),
        Err(_) => print_result("STRING: ", "failed"),
    }
}

fn call_complex(caller: &mut BoardCaller<'_, '_>) {
    caller.io().set_timeout(TIMEOUT);
    let Some(sent) = value() else { return print_result("COMPLEX: ", "no such value") };
    match caller.call::<ComplexCommand>(&Postcard(sent.clone())) {
        Ok(Postcard(reply)) if reply == sent => print_result("COMPLEX: ", "came back as it went"),
        Ok(_) => print_result("COMPLEX: ", "came back as something else"),
        Err(_) => print_result("COMPLEX: ", "failed"),
    }
}

fn call_unknown(caller: &mut BoardCaller<'_, '_>) {
    caller.io().set_timeout(TIMEOUT);
    match caller.call_named("FROB", &Text("")) {
        Err(CallerError::Call(CallError::Refused(refusal))) => {
            print_result("FROB: ", refusal.code.as_str());
        }
        _ => print_result("FROB: ", "not refused"),
    }
}

/// Two levels, with something in every field.
fn value() -> Option<Levels<'static>> {
    let mut entries = UniqueMap::new();
    entries.insert(BoundedStr::new("one")?, 1).ok()?;
    let outer = Level {
        n: -4711,
        s: BoundedStr::new("outer")?,
        m: entries,
        p: BoundedBytes::new(b"\x00\xff\n")?,
    };
    let inner = Level {
        n: i64::MIN,
        s: BoundedStr::new("")?,
        m: UniqueMap::new(),
        p: BoundedBytes::new(&[])?,
    };
    let mut levels = Levels::new(outer);
    levels.push(inner).ok()?;
    Some(levels)
}

/// Prints one line.
fn print_result(label: &str, text: &str) {
    for part in [label, text, "\n"] {
        write(part.as_bytes());
    }
}

fn port() -> Option<u16> {
    let mut buf = [0; 8];
    core::str::from_utf8(board::console::argument(&mut buf)?).ok()?.parse().ok()
}

fn fail(why: &core::ffi::CStr) -> ! {
    print(why);
    exit(false)
}

/// smoltcp has assertions, so the linker keeps this. A test image ends.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    fail(c"panic: in the client\n")
}
