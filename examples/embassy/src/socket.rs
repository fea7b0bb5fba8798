//! What a server must mind about a TCP socket of embassy-net.

use embassy_futures::select::select;
use embassy_net::tcp::{Error, State, TcpReader, TcpSocket};
use embassy_time::{Duration, Timer, with_timeout};
use embedded_io_async::{ErrorType, Read, Write};

/// From the first SYN to the ACK that completes the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long bytes may wait to be written while none can be (docs/PROTOCOL.md §8.3), or be
/// unacknowledged by a peer that is silent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Between the probes that find out whether a silent peer is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long the peer may take to close after us (docs/PROTOCOL.md §8.1).
const LINGER: Duration = Duration::from_secs(2);
/// How long a reset may wait to be sent.
const RESET_TIMEOUT: Duration = Duration::from_secs(1);

/// Waits for a connection.
pub(crate) async fn accept(socket: &mut TcpSocket<'_>, port: u16) {
    socket.set_nagle_enabled(false);
    socket.set_keep_alive(Some(KEEP_ALIVE));
    loop {
        // Forgets the connection before, without a word to its peer.
        socket.abort();
        // A peer that begins a handshake must end it, or it would hold the socket for good.
        socket.set_timeout(Some(HANDSHAKE_TIMEOUT));
        let accepted = socket.accept(port).await;
        socket.set_timeout(Some(WRITE_TIMEOUT));
        if accepted.is_ok() && socket.state() != State::Closed {
            return;
        }
    }
}

/// Closes behind the last reply, so that the peer gets it: docs/PROTOCOL.md §8.1.
pub(crate) async fn close(socket: &mut TcpSocket<'_>) {
    socket.close();
    let (mut reader, mut writer) = socket.split();
    let closing = async {
        // `flush` waits until our last byte and our FIN are acknowledged.
        let acknowledged = async {
            let _reset = writer.flush().await;
            Timer::after(LINGER).await;
        };
        select(discard(&mut reader), acknowledged).await;
        writer.flush().await
    };
    let _closed = with_timeout(WRITE_TIMEOUT, closing).await;
}

/// Resets the connection.
pub(crate) async fn reset(socket: &mut TcpSocket<'_>) {
    socket.abort();
    let _sent = with_timeout(RESET_TIMEOUT, socket.flush()).await;
}

/// Left unread, what the peer still sends would be answered by a reset, which can destroy our last
/// reply.
async fn discard(reader: &mut TcpReader<'_>) {
    while reader.read_with(|bytes| (bytes.len(), ())).await.is_ok() {}
}

/// A socket as a stream that is served.
pub(crate) struct Stream<'s, 'd>(pub(crate) &'s mut TcpSocket<'d>);

impl ErrorType for Stream<'_, '_> {
    type Error = Error;
}

impl Read for Stream<'_, '_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        self.0.read(buf).await
    }
}

impl Write for Stream<'_, '_> {
    /// Fails when the peer took no byte for [`WRITE_TIMEOUT`]. The socket's own timeout only sees
    /// peers that are silent, not one that says again and again that its window is shut.
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Error> {
        let written = with_timeout(WRITE_TIMEOUT, self.0.write(buf)).await;
        written.unwrap_or(Err(Error::ConnectionReset))
    }

    /// Does nothing: what was written is sent without it. The socket's own `flush` waits until all
    /// is acknowledged, a round trip or more, in which no request would be read.
    async fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
