//! The shortest server: one command of its own, with shared state.
//!
//!     cargo run --release --example server
//!
//! prints `listening on 127.0.0.1:61000`, and serves until it is killed. Then, elsewhere:
//!
//!     cargo run --release --example client
//!
//! prints `Hello Ada, you are guest 1.` and a line for Grace.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use linecard_std::protocol::{Command, Failed, Handler, Table, Text};
use linecard_std::{Config, Server};

/// Takes a name, gives back a greeting. Usually in a crate that client and server share.
struct Greet;
impl Command for Greet {
    const NAME: &'static str = "GREET";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}

/// Each worker has one of these; what they share is behind an `Arc`.
#[derive(Clone)]
struct Host {
    guests: Arc<AtomicU64>,
    greeting: String,
}

impl Handler<Greet> for Host {
    fn handle<'a>(&'a mut self, Text(name): Text<'a>) -> Result<Text<'a>, Failed<'a>> {
        if name.is_empty() {
            return Err(Failed("the name is missing"));
        }
        let guest = self.guests.fetch_add(1, Relaxed) + 1;
        self.greeting = format!("Hello {name}, you are guest {guest}.");
        Ok(Text(&self.greeting))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut table = Table::<Host, 1>::new();
    table.insert_command::<Greet>()?;

    let host = Host { guests: Arc::default(), greeting: String::new() };

    let server = Server::bind("127.0.0.1:61000", Config::default())?;
    println!("listening on {}", server.local_addr());
    Ok(server.run(table.bind(host))?)
}
