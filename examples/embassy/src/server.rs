//! The server: a task for each socket.

use embassy_net::Stack;
use embassy_net::tcp::{Error, TcpSocket};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::semaphore::{GreedySemaphore, Semaphore};
use embedded_io_async::Write;
use linecard_core::asynch::{ServeError, serve};
use linecard_core::{Code, Limits, OutBuf, refuse};
use static_cell::ConstStaticCell;

use crate::board::{Board, Service};
use crate::clock::Clock;
use crate::socket::{Stream, accept, close, reset};

/// Connections served at once. One more is answered `busy`.
const CONNECTIONS: usize = 4;
/// More than connections: for the one that is answered `busy`, and for those that are being closed,
/// which don't count (docs/PROTOCOL.md §8.1). With none free, a client is refused by TCP.
pub(crate) const SOCKETS: usize = 2 * CONNECTIONS;

const FRAME: usize = Limits::DEVICE.max_request_frame_len();
const REPLY: usize = Limits::DEVICE.max_reply_frame_len();
/// The longest TCP segment on a link of 1500 bytes.
const SEGMENT: usize = 1_460;

/// A socket's memory.
struct Memory {
    /// A ring that holds the longest frame and one segment more: with less, the peer may find the
    /// window too small for a segment while a frame is incomplete, and wait for its persist timer.
    receive: [u8; FRAME + SEGMENT],
    /// With less, each reply would wait until the one before it is acknowledged.
    transmit: [u8; REPLY + SEGMENT],
    frame: [u8; FRAME],
    reply: [u8; REPLY],
}

impl Memory {
    const ZERO: Self = Self { receive: [0; _], transmit: [0; _], frame: [0; _], reply: [0; _] };
}

static MEMORY: ConstStaticCell<[Memory; SOCKETS]> = ConstStaticCell::new([Memory::ZERO; SOCKETS]);

/// Held by each connection that is served.
static PERMITS: GreedySemaphore<CriticalSectionRawMutex> = GreedySemaphore::new(CONNECTIONS);

/// A socket, and buffers for a frame and a reply.
pub(crate) struct Slot {
    socket: TcpSocket<'static>,
    frame: &'static mut [u8],
    reply: &'static mut [u8],
}

/// All slots. To be called once.
pub(crate) fn slots(stack: Stack<'static>) -> [Slot; SOCKETS] {
    MEMORY.take().each_mut().map(|Memory { receive, transmit, frame, reply }| Slot {
        socket: TcpSocket::new(stack, receive, transmit),
        frame,
        reply,
    })
}

/// Serves one connection after another. All free sockets listen, each in a task of its own.
#[embassy_executor::task(pool_size = SOCKETS)]
pub(crate) async fn slot(mut slot: Slot, port: u16, limits: &'static Limits) -> ! {
    let mut service = Service::<Board>::new(Board);
    loop {
        accept(&mut slot.socket, port).await;
        match connection(&mut slot, limits, &mut service).await {
            Ok(()) => close(&mut slot.socket).await,
            Err(_) => reset(&mut slot.socket).await,
        }
    }
}

/// From the first byte to the last reply.
async fn connection(
    slot: &mut Slot,
    limits: &Limits,
    service: &mut Service,
) -> Result<(), ServeError<Error>> {
    let Slot { socket, frame, reply } = slot;
    let mut stream = Stream(socket);
    if let Some(_permit) = PERMITS.try_acquire(1) {
        return serve(&mut stream, limits, service, frame, reply, &Clock).await;
    }
    let mut out = OutBuf::new(reply);
    refuse(Code::Busy, &mut out);
    stream.write_all(out.written()).await.map_err(ServeError::Io)
}
