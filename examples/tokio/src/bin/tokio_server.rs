//! The demo commands on tokio, one task a connection. READ-TEMP waits for a sensor: meanwhile the
//! replies to earlier requests are sent, and other connections are served.
//!
//! ```text
//! $ examples/tokio/run
//! listening on 127.0.0.1:61000
//! ```
//!
//! SIGINT and SIGTERM stop it: each client is told `stopping`, after the frame that it has begun.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use linecard_core::asynch::{Connection, Timer};
use linecard_core::{Code, Limits, OutBuf, refuse, serves};
use linecard_demo::{ComplexCommand, Levels, ReadTemp, StringCommand};
use linecard_tokio_example::{Stream, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time;

static LIMITS: Limits = Limits::DESKTOP;
/// Bytes of replies gathered for one write, beside the longest reply.
const BATCH_LEN: usize = 16 * 1024;
/// A write without progress for so long ends the connection.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a closing connection is drained (docs/PROTOCOL.md §8.1).
const LINGER: Duration = Duration::from_secs(2);
/// How long connections may go on once the server stops: half of it to finish a frame.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the sensor takes.
const CONVERSION: Duration = Duration::from_millis(100);

/// Serves STRING, COMPLEX and READ-TEMP on tokio.
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 is a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:61000")]
    listen: SocketAddr,
    /// Connections at one time; one more is answered `busy`
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    max_connections: usize,
    /// Threads that serve; 0 is one for each CPU
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    workers: usize,
}

/// The state of one connection.
struct Board;

#[expect(clippy::unused_self, reason = "the demo commands need no state")]
impl Board {
    fn string(&mut self, _text: &str) -> &'static str {
        "Thank you."
    }

    fn complex<'a>(&mut self, levels: Levels<'a>) -> Levels<'a> {
        levels
    }

    /// Hundredths of a degree Celsius.
    async fn read_temp(&mut self, (): ()) -> i16 {
        time::sleep(CONVERSION).await;
        2_150
    }
}

serves!(async Board, Service:
    StringCommand => string,
    ComplexCommand => complex,
    async ReadTemp => read_temp,
);

fn main() -> io::Result<()> {
    let options = Options::parse();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if options.workers > 0 {
        runtime.worker_threads(options.workers);
    }
    runtime.enable_all().build()?.block_on(run(&options))
}

async fn run(options: &Options) -> io::Result<()> {
    let listener = listen(options.listen)?;
    println!("listening on {}", listener.local_addr()?);
    let (stop, stopping) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(options.max_connections));
    let mut tasks = JoinSet::new();
    let mut stopped = std::pin::pin!(stop_signal());
    loop {
        tokio::select! {
            outcome = &mut stopped => {
                outcome?;
                break;
            }
            accepted = listener.accept() => match accepted {
                Ok((tcp, _peer)) => {
                    let slot = Arc::clone(&slots).try_acquire_owned();
                    let stopping = stopping.clone();
                    tasks.spawn(async move {
                        // A failed connection concerns its own peer alone.
                        let _outcome = match slot {
                            Ok(_slot) => serve(tcp, stopping).await,
                            Err(_) => refuse_busy(tcp).await,
                        };
                    });
                }
                Err(error) => {
                    // Out of descriptors, mostly: connections that end free some.
                    eprintln!("tokio_server: can't accept a connection: {error}");
                    time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_ended) = tasks.join_next() => {}
        }
    }
    drop(listener);
    stop.send_replace(true);
    let all = async { while tasks.join_next().await.is_some() {} };
    let _in_time = time::timeout(STOP_TIMEOUT, all).await;
    Ok(())
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(addr)?;
    socket.listen(4_096)
}

/// One connection, from its first byte to its close. When the server stops, the serving future is
/// dropped wherever it waits; the connection's state is kept, and serving goes on to its end.
async fn serve(tcp: TcpStream, mut stopping: watch::Receiver<bool>) -> io::Result<()> {
    let mut stream = Stream::new(tcp, WRITE_TIMEOUT)?;
    let mut rx = vec![0; LIMITS.max_request_frame_len()];
    let mut tx = vec![0; LIMITS.max_reply_frame_len() + BATCH_LEN];
    let timer = TokioTimer::start();
    let mut service = Service::<Board>::new(Board);
    let mut connection =
        Connection::new(&LIMITS, timer.now(), &mut rx, &mut tx).map_err(io::Error::other)?;
    let served = tokio::select! {
        outcome = connection.serve(&mut stream, &mut service, &timer) => Some(outcome),
        _ = stopping.wait_for(|stopping| *stopping) => None,
    };
    if let Some(outcome) = served {
        outcome.map_err(io::Error::other)?;
    } else {
        connection.session().stop(timer.now().saturating_add(STOP_TIMEOUT / 2));
        let outcome = connection.serve(&mut stream, &mut service, &timer).await;
        outcome.map_err(io::Error::other)?;
    }
    close(stream.into_inner()).await
}

async fn refuse_busy(mut tcp: TcpStream) -> io::Result<()> {
    let mut buf = [0; 16];
    let mut out = OutBuf::new(&mut buf);
    refuse(Code::Busy, &mut out);
    tcp.write_all(out.written()).await?;
    close(tcp).await
}

/// Ends our side and discards what still comes: a close with unread bytes would destroy the last
/// reply.
async fn close(mut tcp: TcpStream) -> io::Result<()> {
    tcp.shutdown().await?;
    let mut rest = [0; 4_096];
    let drained = async {
        while tcp.read(&mut rest).await? > 0 {}
        Ok(())
    };
    time::timeout(LINGER, drained).await.unwrap_or(Ok(()))
}

#[cfg(unix)]
async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
