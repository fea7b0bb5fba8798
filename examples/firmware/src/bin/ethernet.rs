//! The demo commands over TCP, on the board's own Ethernet: four connections at once, and a fifth
//! that is answered `busy`.
//!
//! `examples/firmware/run` boots it in QEMU; then `linecard call 127.0.0.1:61000 STRING hello`
//! prints `Thank you.`

#![no_std]
#![no_main]

use core::mem::MaybeUninit;

use board::ethernet::{Ethernet, Frames};
use board::network::{self, LIMITS, RECEIVE_RING, TRANSMIT_RING};
use linecard_core::Table;
use linecard_demo::{Demo, table};
use linecard_firmware as board;
use linecard_smoltcp::{Resources, Scratch, Server, Stack};
use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer};

const CONNECTIONS: usize = 4;
const REQUEST_LEN: usize = LIMITS.max_request_frame_len();
const REPLY_LEN: usize = LIMITS.max_reply_frame_len();
/// Bytes of each ring of the socket that answers `busy`.
const SPARE_RING: usize = 16;

/// Filled at compile time, so it is in flash.
static TABLE: Table<Demo, 2> = table();

type Net = Stack<'static, Ethernet<'static>>;
type Rings = [([u8; RECEIVE_RING], [u8; TRANSMIT_RING]); CONNECTIONS];
type Storage = MaybeUninit<[SocketStorage<'static>; CONNECTIONS + 1]>;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut FRAMES: Frames = Frames::new();
    static mut RINGS: Rings = [([0; _], [0; _]); CONNECTIONS];
    static mut SPARE_RINGS: [[u8; SPARE_RING]; 2] = [[0; SPARE_RING]; 2];
    static mut SCRATCH: ([u8; REQUEST_LEN], [u8; REPLY_LEN]) = ([0; _], [0; _]);
    static mut STORAGE: Storage = MaybeUninit::uninit();
    static mut STACK: MaybeUninit<Net> = MaybeUninit::uninit();
    static mut SERVER: MaybeUninit<Server<'static, CONNECTIONS>> = MaybeUninit::uninit();

    board::clock::start();
    // Built in statics, by functions that return before serving begins, so that their temporaries
    // don't stay on the stack.
    let stack = network(STACK, FRAMES, STORAGE);
    let scratch = Scratch { frame: &mut SCRATCH.0, reply: &mut SCRATCH.1 };
    let Some(server) = server(SERVER, stack, RINGS, SPARE_RINGS, scratch) else {
        board::console::print(c"fault: a buffer is too small\n");
        board::console::exit(false)
    };
    board::console::print(c"ready\n");
    serve(stack, server)
}

#[inline(never)]
fn network(
    stack: &'static mut MaybeUninit<Net>,
    frames: &'static mut Frames,
    storage: &'static mut Storage,
) -> &'static mut Net {
    let mut device = Ethernet::start(network::HARDWARE, frames);
    let iface = network::interface(&mut device);
    // Filled here: as the initial value of a static, five empty sockets would take 1 KiB of flash.
    let storage = storage.write([SocketStorage::EMPTY; CONNECTIONS + 1]);
    stack.write(Stack { device, iface, sockets: SocketSet::new(&mut storage[..]) })
}

#[inline(never)]
fn server(
    server: &'static mut MaybeUninit<Server<'static, CONNECTIONS>>,
    stack: &mut Net,
    rings: &'static mut Rings,
    spare: &'static mut [[u8; SPARE_RING]; 2],
    scratch: Scratch<'static>,
) -> Option<&'static mut Server<'static, CONNECTIONS>> {
    let slots = rings.each_mut().map(|(receive, transmit)| socket(stack, receive, transmit));
    let [receive, transmit] = spare;
    let spare = socket(stack, receive, transmit);
    let resources = Resources::new(slots, spare, scratch, &LIMITS);
    Some(server.write(Server::new(&mut stack.sockets, resources).ok()?))
}

#[inline(never)]
fn socket(
    stack: &mut Net,
    receive: &'static mut [u8],
    transmit: &'static mut [u8],
) -> SocketHandle {
    stack.sockets.add(Socket::new(SocketBuffer::new(receive), SocketBuffer::new(transmit)))
}

#[inline(never)]
fn serve(stack: &mut Net, server: &mut Server<'static, CONNECTIONS>) -> ! {
    loop {
        // The result is not needed: `wait` returns within a millisecond, at the next tick.
        let _longest = server.poll(network::now(), stack, &mut TABLE.bind(Demo));
        stack.device.wait();
    }
}

/// smoltcp has assertions, so the linker keeps this. The board resets.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::restart()
}
