//! The shortest client, and how to have several calls on their way.
//!
//!     cargo run --release --example client [ADDR [NAME…]]
//!
//! against `cargo run --release --example server` prints
//!
//!     Hello Ada, you are guest 1.
//!     Hello Grace, you are guest 2.
use linecard_std::Client;
use linecard_std::protocol::{Command, Text};

/// The same declaration as the server's.
struct Greet;
impl Command for Greet {
    const NAME: &'static str = "GREET";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or("127.0.0.1:61000".into());
    let mut names: Vec<String> = args.collect();
    if names.is_empty() {
        names = vec!["Ada".into(), "Grace".into()];
    }

    let mut client = Client::connect(&address)?;
    // All requests go out in one write; the replies come in the same order.
    let tickets = names.iter().map(|name| client.send::<Greet>(&Text(name)));
    for ticket in tickets.collect::<Result<Vec<_>, _>>()? {
        println!("{}", client.receive(ticket)?.0);
    }
    Ok(())
}
