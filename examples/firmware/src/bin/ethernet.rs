//! The demo commands over TCP, on the board's own Ethernet: four connections at once, and a fifth that is told `busy`.
//!
//! `examples/firmware/run` boots it in QEMU; then `linecard call 127.0.0.1:61000 STRING hello` prints `Thank you.`

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
const FRAME: usize = LIMITS.max_request_frame_len();
const REPLY: usize = LIMITS.max_reply_frame_len();
/// Of the socket that says `busy`.
const SPARE: usize = 16;

/// Filled by the compiler: it is in flash.
static TABLE: Table<Demo, 2> = table();

type Net = Stack<'static, Ethernet<'static>>;
type Rings = [([u8; RECEIVE_RING], [u8; TRANSMIT_RING]); CONNECTIONS];
type Storage = MaybeUninit<[SocketStorage<'static>; CONNECTIONS + 1]>;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut FRAMES: Frames = Frames::new();
    static mut RINGS: Rings = [([0; _], [0; _]); CONNECTIONS];
    static mut SPARE_RINGS: [[u8; SPARE]; 2] = [[0; SPARE]; 2];
    static mut SCRATCH: ([u8; FRAME], [u8; REPLY]) = ([0; _], [0; _]);
    static mut STORAGE: Storage = MaybeUninit::uninit();
    static mut STACK: MaybeUninit<Net> = MaybeUninit::uninit();
    static mut SERVER: MaybeUninit<Server<'static, CONNECTIONS>> = MaybeUninit::uninit();

    board::clock::start();
    // In statics, and by functions that have returned when the serving begins, lest what they need for
    // a moment stays on the stack for good.
    let stack = network(STACK, FRAMES, STORAGE);
    let scratch = Scratch { frame: &mut SCRATCH.0, reply: &mut SCRATCH.1 };
    let Some(server) = server(SERVER, stack, RINGS, SPARE_RINGS, scratch) else {
        board::console::say(c"fault: the parts don't fit\n");
        board::console::exit(false)
    };
    board::console::say(c"ready\n");
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
    // Filled here: as the first value of a static, five empty places would take a kilobyte of flash.
    let storage = storage.write([SocketStorage::EMPTY; CONNECTIONS + 1]);
    stack.write(Stack { device, iface, sockets: SocketSet::new(&mut storage[..]) })
}

#[inline(never)]
fn server(
    server: &'static mut MaybeUninit<Server<'static, CONNECTIONS>>,
    stack: &mut Net,
    rings: &'static mut Rings,
    spare: &'static mut [[u8; SPARE]; 2],
    scratch: Scratch<'static>,
) -> Option<&'static mut Server<'static, CONNECTIONS>> {
    let slots = rings.each_mut().map(|(receive, transmit)| socket(stack, receive, transmit));
    let [receive, transmit] = spare;
    let spare = socket(stack, receive, transmit);
    let parts = Resources::new(slots, spare, scratch, &LIMITS);
    Some(server.write(Server::new(&mut stack.sockets, parts).ok()?))
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
        // How long it may sleep is no matter: the next tick is at most a millisecond away.
        let _longest = server.poll(network::now(), stack, &mut TABLE.bind(Demo));
        stack.device.wait();
    }
}

/// smoltcp has assertions, so the linker keeps this: the server starts afresh.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::restart()
}
