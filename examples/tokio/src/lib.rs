//! What linecard's async front needs of tokio: a timer, and a stream whose writes end.

use std::io;
use std::time::Duration;

use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{ErrorType, Read, Write};
use linecard_core::Instant;
use linecard_core::asynch::Timer;
use tokio::net::TcpStream;
use tokio::time;

/// tokio's clock.
#[derive(Clone, Copy, Debug)]
pub struct TokioTimer {
    start: time::Instant,
}

impl TokioTimer {
    /// A timer that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: time::Instant::now() }
    }
}

impl Timer for TokioTimer {
    fn now(&self) -> Instant {
        let millis = self.start.elapsed().as_millis();
        Instant::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    async fn until(&self, at: Instant) {
        time::sleep_until(self.start + Duration::from_millis(at.as_millis())).await;
    }
}

/// A TCP stream with a limit for each write: a peer that reads nothing doesn't hold a task for
/// ever.
pub struct Stream {
    tcp: FromTokio<TcpStream>,
    write_timeout: Duration,
}

impl Stream {
    /// A stream whose writes fail with `TimedOut` when the peer takes nothing for so long. Small
    /// writes are sent at once.
    ///
    /// # Errors
    /// The system refuses to set that option.
    pub fn new(tcp: TcpStream, write_timeout: Duration) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        Ok(Self { tcp: FromTokio::new(tcp), write_timeout })
    }

    /// tokio's stream.
    #[must_use]
    pub fn into_inner(self) -> TcpStream {
        self.tcp.into_inner()
    }
}

impl ErrorType for Stream {
    type Error = io::Error;
}

impl Read for Stream {
    /// Cancel-safe, as tokio's is.
    async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.tcp.read(buf).await
    }
}

impl Write for Stream {
    /// Cancel-safe, as tokio's is.
    async fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        time::timeout(self.write_timeout, self.tcp.write(buf)).await?
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush().await
    }
}
