//! Calls over tokio: a slow one is overtaken by nothing on its own connection, and delays no other.
//!
//! ```text
//! $ examples/tokio/run &
//! $ cargo run --release --manifest-path examples/tokio/Cargo.toml --bin tokio_client
//! one connection: STRING says Thank you.
//! one connection: READ-TEMP says 21.50 °C, STRING behind it Thank you.
//! a deadline of 10 ms: no reply in time
//! the same connection: Thank you.
//! 100 connections, a READ-TEMP each: 100 replies
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use linecard_core::asynch::{Caller, CallerError};
use linecard_core::{Empty, Text};
use linecard_demo::{ReadTemp, StringCommand};
use linecard_tokio_example::{Stream, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// A reply's and a request's longest frame here.
const FRAME_LEN: usize = 256;
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

type Client = Caller<Stream, [u8; FRAME_LEN], 4>;

/// Calls STRING and READ-TEMP of the tokio server.
#[derive(Parser)]
struct Options {
    /// The server
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:61000")]
    connect: SocketAddr,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Options::parse().connect;
    let timer = TokioTimer::start();
    let mut client = connect(server).await?;

    let thanks = client.call::<StringCommand>(&Text("hi"), &timer, CALL_TIMEOUT).await;
    println!("one connection: STRING says {}", thanks.map_err(owned)?.0);

    let temp = client.send::<ReadTemp>(&Empty, &timer, CALL_TIMEOUT).await?;
    let text = client.send::<StringCommand>(&Text("hi"), &timer, CALL_TIMEOUT).await?;
    let temp = client.receive(temp, &timer, CALL_TIMEOUT).await.map_err(owned)?.0;
    let text = client.receive(text, &timer, CALL_TIMEOUT).await.map_err(owned)?.0;
    let degrees = f32::from(temp) / 100.0;
    println!("one connection: READ-TEMP says {degrees:.2} °C, STRING behind it {text}");

    let within = Duration::from_millis(10);
    match client.call::<ReadTemp>(&Empty, &timer, within).await {
        Ok(_) => println!("a deadline of 10 ms: was kept"),
        Err(error) => println!("a deadline of 10 ms: {error}"),
    }
    // The late reply to the call that was given up is skipped.
    let thanks = client.call::<StringCommand>(&Text("hi"), &timer, CALL_TIMEOUT).await;
    println!("the same connection: {}", thanks.map_err(owned)?.0);

    let mut calls = JoinSet::new();
    for _connection in 0..100 {
        calls.spawn(async move {
            let mut client = connect(server).await.ok()?;
            client.call::<ReadTemp>(&Empty, &timer, CALL_TIMEOUT).await.ok().map(|temp| temp.0)
        });
    }
    let replies = calls.join_all().await.into_iter().flatten().count();
    println!("100 connections, a READ-TEMP each: {replies} replies");
    Ok(())
}

async fn connect(server: SocketAddr) -> std::io::Result<Client> {
    let stream = Stream::new(TcpStream::connect(server).await?, WRITE_TIMEOUT)?;
    Ok(Caller::new(stream, [0; FRAME_LEN], [0; FRAME_LEN], 16_384))
}

/// An error that borrows from the client can't be returned from `main`.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn owned(error: CallerError<'_, std::io::Error>) -> String {
    error.to_string()
}
