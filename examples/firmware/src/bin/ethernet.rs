//! The demo commands over TCP, on the board's own Ethernet: four connections at once, and a fifth that is told `busy`.
//!
//! `examples/firmware/run` boots it in QEMU; then `linecard call 127.0.0.1:61000 STRING hello` prints `Thank you.`

#![no_std]
#![no_main]

use core::mem::MaybeUninit;

use board::ethernet::{Ethernet, Frames, SEGMENT_CAP};
use board::network;
use linecard_commands::Demo;
use linecard_core::Limits;
use linecard_firmware as board;
use linecard_smoltcp::{Parts, Scratch, Server, Stack};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer};

const CONNECTIONS: usize = 4;
const LIMITS: Limits = Limits::DEVICE;
/// The longest frame, and a segment more: with less, a peer would see a window too small for a whole
/// segment while a frame is not yet complete, and wait seconds for a larger one (RFC 9293, 3.8.6.2.1).
const RECEIVE: usize = LIMITS.frame_room() + SEGMENT_CAP;
const FRAME: usize = LIMITS.frame_room();
const TRANSMIT: usize = LIMITS.reply_room();
/// Of the socket that says `busy`.
const SPARE: usize = 16;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut FRAMES: Frames = Frames::new();
    static mut RINGS: [([u8; RECEIVE], [u8; TRANSMIT]); CONNECTIONS] =
        [([0; _], [0; _]); CONNECTIONS];
    static mut SPARE_RINGS: [[u8; SPARE]; 2] = [[0; SPARE]; 2];
    static mut SCRATCH: ([u8; FRAME], [u8; TRANSMIT]) = ([0; _], [0; _]);
    static mut STORAGE: MaybeUninit<[SocketStorage<'static>; CONNECTIONS + 1]> = MaybeUninit::uninit();

    board::clock::start();
    let mut device = Ethernet::start(network::HARDWARE, FRAMES);
    let iface = network::interface(&mut device);
    // Filled here: as the first value of a static, five empty places would take a kilobyte of flash.
    let storage = STORAGE.write([SocketStorage::EMPTY; CONNECTIONS + 1]);
    let mut sockets = SocketSet::new(&mut storage[..]);
    let slots = RINGS.each_mut().map(|(receive, transmit)| {
        sockets.add(Socket::new(SocketBuffer::new(&mut receive[..]), SocketBuffer::new(&mut transmit[..])))
    });
    let [receive, transmit] = SPARE_RINGS;
    let spare = sockets.add(Socket::new(SocketBuffer::new(&mut receive[..]), SocketBuffer::new(&mut transmit[..])));
    let scratch = Scratch { frame: &mut SCRATCH.0, reply: &mut SCRATCH.1 };

    let mut stack = Stack { device, iface, sockets };
    let parts = Parts::new(slots, spare, scratch, &LIMITS);
    let Ok(mut server) = Server::new(&mut stack.sockets, parts) else {
        board::console::say(c"fault: the parts don't fit\n");
        board::console::exit(false)
    };
    let table = linecard_commands::table();
    board::console::say(c"ready\n");
    loop {
        // How long it may sleep is no matter: the next tick is at most a millisecond away.
        let _longest = server.poll(network::now(), &mut stack, &mut table.bind(Demo));
        stack.device.wait();
    }
}

/// smoltcp has assertions, so the linker keeps this: the server starts afresh.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::restart()
}
