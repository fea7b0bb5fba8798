//! A tarpc service over tarpc's TCP transport, in bincode.
//!
//!     tarpc serve
//!     tarpc frames STRING|COMPLEX COUNT REQUESTS-FILE REPLIES-FILE

use std::env::args;
use std::error::Error;
use std::fs;
use std::future::{Future, ready};
use std::pin::pin;

use futures::StreamExt;
use linecard_demo::Complex;
use linecard_peers::listen_async;
use tarpc::serde_transport;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::{Serializer, formats::Bincode};
use tarpc::tokio_util::codec::LengthDelimitedCodec;
use tarpc::{ClientMessage, Request, Response, context};

#[tarpc::service]
trait Demo {
    async fn string(text: String) -> String;
    async fn complex(value: Complex) -> Complex;
}

#[derive(Clone)]
struct Service;

impl Demo for Service {
    async fn string(self, _: context::Context, _text: String) -> String {
        "Thank you.".into()
    }

    async fn complex(self, _: context::Context, value: Complex) -> Complex {
        value
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = args().collect();
    if let [_, _frames, command, count, requests, replies] = args.as_slice() {
        return frames(command, count.parse()?, requests, replies);
    }
    let listener = listen_async()?;
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let framed = LengthDelimitedCodec::builder().new_framed(tcp);
        let transport = serde_transport::new(framed, Bincode::default());
        let channel = BaseChannel::with_defaults(transport).execute(Service.serve());
        tokio::spawn(channel.for_each(spawn));
    }
}

fn spawn(request: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> {
    tokio::spawn(request);
    ready(())
}

/// Generates requests of one connection. They differ in their ids, as those of a tarpc client do.
/// Their deadline is ten seconds after they are received.
fn frames(command: &str, count: u64, requests: &str, replies: &str) -> Result<(), Box<dyn Error>> {
    let (mut requested, mut replied) = (Vec::new(), Vec::new());
    for id in 0..count {
        let (message, reply) = match command {
            "STRING" => (
                DemoRequest::String { text: "Additional data.".into() },
                DemoResponse::String("Thank you.".into()),
            ),
            _ => (
                DemoRequest::Complex { value: Complex::sample() },
                DemoResponse::Complex(Complex::sample()),
            ),
        };
        let context = context::current();
        requested.extend(frame(&ClientMessage::Request(Request { context, id, message }))?);
        replied.extend(frame(&Response { request_id: id, message: Ok(reply) })?);
    }
    fs::write(requests, requested)?;
    fs::write(replies, replied)?;
    Ok(())
}

fn frame<T: serde::Serialize>(message: &T) -> std::io::Result<Vec<u8>> {
    let bytes = pin!(Bincode::<T, T>::default()).serialize(message)?;
    let len = u32::try_from(bytes.len()).unwrap_or_default();
    Ok([&len.to_be_bytes(), &bytes[..]].concat())
}
