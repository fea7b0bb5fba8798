//! What the network costs by itself: smoltcp on the board's Ethernet, and four sockets that send
//! back what they receive, without Linecard. The size table compares the Ethernet image with it.

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
        // It listens before the board prints that it is ready.
        let _ = socket.listen(PORT);
        sockets.add(socket);
    }
    board::console::print(c"ready\n");
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

/// Sends back what was received, as far as the transmit ring takes it. Closes after the peer, and
/// then listens again.
fn echo(socket: &mut Socket<'_>) {
    if !socket.is_open() {
        let _ = socket.listen(PORT);
    }
    // Both rings can't be borrowed at once, so the bytes go through a small buffer.
    let mut buf = [0; 64];
    while socket.can_recv() && socket.send_queue() + buf.len() <= socket.send_capacity() {
        let Ok(len) = socket.recv_slice(&mut buf) else { return };
        let _ = socket.send_slice(&buf[..len]);
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
