//! The usual tokio server: length-delimited frames that hold an enum in postcard.
//!
//!     tokio serve
//!     tokio frames STRING|COMPLEX COUNT REQUESTS-FILE REPLIES-FILE

use std::env::args;
use std::error::Error;
use std::fs;

use futures::{SinkExt, StreamExt};
use linecard_demo::Complex;
use linecard_peers::listen_async;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

#[derive(Serialize, Deserialize)]
enum Request {
    String(String),
    Complex(Complex),
}

#[derive(Serialize, Deserialize)]
enum Reply {
    String(String),
    Complex(Complex),
}

fn answer(request: Request) -> Reply {
    match request {
        Request::String(_) => Reply::String("Thank you.".into()),
        Request::Complex(value) => Reply::Complex(value),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let args: Vec<String> = args().collect();
    if let [_, _frames, command, count, requests, replies] = args.as_slice() {
        return frames(command, count.parse()?, requests, replies);
    }
    let listener = listen_async()?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(tcp).await {
                eprintln!("{error}");
            }
        });
    }
}

async fn serve(tcp: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
    tcp.set_nodelay(true)?;
    let mut framed = Framed::new(tcp, LengthDelimitedCodec::new());
    while let Some(frame) = framed.next().await {
        let request = postcard::from_bytes(&frame?)?;
        let reply = postcard::to_stdvec(&answer(request))?;
        framed.send(tokio_util::bytes::Bytes::from(reply)).await?;
    }
    Ok(())
}

fn frames(
    command: &str,
    count: usize,
    requests: &str,
    replies: &str,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let request = || match command {
        "STRING" => Request::String("Additional data.".into()),
        _ => Request::Complex(Complex::sample()),
    };
    fs::write(requests, delimited(&postcard::to_stdvec(&request())?).repeat(count))?;
    fs::write(replies, delimited(&postcard::to_stdvec(&answer(request()))?).repeat(count))?;
    Ok(())
}

fn delimited(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap_or_default();
    [&len.to_be_bytes(), bytes].concat()
}
