//! What the network costs by itself: smoltcp on the board's Ethernet, four sockets that send back what they receive, and nothing of
//! Linecard. The size table sets the Ethernet image beside it.

#![no_std]
#![no_main]

use core::mem::MaybeUninit;

use board::ethernet::{Ethernet, Frames};
use board::network::{self, RECEIVE_RING, TRANSMIT_RING};
use linecard_firmware as board;
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer};

const CONNECTIONS: usize = 4;
const PORT: u16 = 61000;

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut FRAMES: Frames = Frames::new();
    static mut RINGS: [([u8; RECEIVE_RING], [u8; TRANSMIT_RING]); CONNECTIONS] =
        [([0; _], [0; _]); CONNECTIONS];
    static mut STORAGE: MaybeUninit<[SocketStorage<'static>; CONNECTIONS]> = MaybeUninit::uninit();

    board::clock::start();
    let mut device = Ethernet::start(network::HARDWARE, FRAMES);
    let mut iface = network::interface(&mut device);
    let mut sockets = SocketSet::new(&mut STORAGE.write([SocketStorage::EMPTY; CONNECTIONS])[..]);
    for (received, to_send) in RINGS {
        let mut socket =
            Socket::new(SocketBuffer::new(&mut received[..]), SocketBuffer::new(&mut to_send[..]));
        // It listens before the board says that it is ready.
        let _ = socket.listen(PORT);
        sockets.add(socket);
    }
    board::console::say(c"ready\n");
    loop {
        iface.poll(network::now(), &mut device, &mut sockets);
        for (_, socket) in sockets.iter_mut() {
            let smoltcp::socket::Socket::Tcp(socket) = socket;
            echo(socket);
        }
        iface.poll(network::now(), &mut device, &mut sockets);
        device.wait();
    }
}

/// Sends back what has been received, as far as there is room for it; closes after the peer; listens again after that.
fn echo(socket: &mut Socket<'_>) {
    if !socket.is_open() {
        let _ = socket.listen(PORT);
    }
    // The rings can't be borrowed both at once: a little at a time goes through the stack.
    let mut some = [0; 64];
    while socket.can_recv() && socket.send_queue() + some.len() <= socket.send_capacity() {
        let Ok(len) = socket.recv_slice(&mut some) else { return };
        let _ = socket.send_slice(&some[..len]);
    }
    if !socket.may_recv() && !socket.can_recv() && socket.may_send() {
        socket.close();
    }
}

/// As in the Ethernet image.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    board::restart()
}
