//! A microcontroller that calls: connects to a desktop `linecard serve` at the gateway, port as QEMU's semihosting argument says, makes
//! three calls, says what came of them, and ends. For tests: see host/tests/images.rs.

#![no_std]
#![no_main]

use core::mem::MaybeUninit;

use board::console::{exit, say, write};
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

const RING: usize = 2560;
const BUFFER: usize = 2048;
/// Bytes of requests that may be without a reply.
const WINDOW: u32 = 2048;
/// For connecting, and for each call.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The first of the ports that nobody else has a claim to.
const LOCAL_PORT: u16 = 49152;

/// The board waits in short naps: the clock's next tick ends each.
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

type Line<'s, 'a> = Caller<Stream<'s, 'a, Ethernet<'static>, Board>, &'static mut [u8], 1>;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut FRAMES: Frames = Frames::new();
    static mut RINGS: [[u8; RING]; 2] = [[0; RING]; 2];
    static mut BUFFERS: [[u8; BUFFER]; 2] = [[0; BUFFER]; 2];
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

    let Some(port) = port() else { fail(c"client: the semihosting argument is no port\n") };
    let stream = Stream::connect(&mut stack, socket, Board, (GATEWAY, port), LOCAL_PORT, TIMEOUT);
    let Ok(stream) = stream else { fail(c"client: can't connect\n") };
    let [received, to_send] = BUFFERS;
    let mut line = Caller::new(stream, &mut received[..], &mut to_send[..], WINDOW);
    string(&mut line);
    complex(&mut line);
    unknown(&mut line);
    exit(true)
}

fn string(line: &mut Line<'_, '_>) {
    line.io().set_timeout(TIMEOUT);
    match line.call::<StringCommand>(&Text("Additional data.")) {
        Ok(Text(reply)) => tell("STRING: ", reply),
        Err(_) => tell("STRING: ", "failed"),
    }
}

fn complex(line: &mut Line<'_, '_>) {
    line.io().set_timeout(TIMEOUT);
    let Some(sent) = value() else { return tell("COMPLEX: ", "no such value") };
    match line.call::<ComplexCommand>(&Postcard(sent.clone())) {
        Ok(Postcard(reply)) if reply == sent => tell("COMPLEX: ", "came back as it went"),
        Ok(_) => tell("COMPLEX: ", "came back as something else"),
        Err(_) => tell("COMPLEX: ", "failed"),
    }
}

fn unknown(line: &mut Line<'_, '_>) {
    line.io().set_timeout(TIMEOUT);
    match line.call_named("FROB", &Text("")) {
        Err(CallerError::Call(CallError::Refused(refusal))) => {
            tell("FROB: ", refusal.code.as_str())
        }
        _ => tell("FROB: ", "not refused"),
    }
}

/// Two levels, something in every field.
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

/// Says a line on the console.
fn tell(label: &str, text: &str) {
    for part in [label, text, "\n"] {
        write(part.as_bytes());
    }
}

fn port() -> Option<u16> {
    let mut words = [0; 8];
    core::str::from_utf8(board::console::argument(&mut words)?).ok()?.parse().ok()
}

fn fail(why: &core::ffi::CStr) -> ! {
    say(why);
    exit(false)
}

/// As in the Ethernet image, but a test image ends.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    fail(c"panic: in the client\n")
}
