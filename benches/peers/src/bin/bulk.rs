//! A Linecard server with one command of its own, `GET`: its reply is `LEN` bytes long.
//!
//!     bulk LEN

use linecard_std::protocol::{Bytes, Command, Failed, Handler, Table, Text};
use linecard_std::{Config, Server};

struct Get;

impl Command for Get {
    const NAME: &'static str = "GET";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Bytes<'i>;
}

/// What `GET` replies.
#[derive(Clone)]
struct Stored(Vec<u8>);

impl Handler<Get> for Stored {
    fn handle<'a>(&'a mut self, _text: Text<'a>) -> Result<Bytes<'a>, Failed<'a>> {
        Ok(Bytes(&self.0))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let len = std::env::args().nth(1).ok_or("bulk LEN")?.parse()?;
    let mut table = Table::<Stored, 1>::new();
    table.insert_command::<Get>()?;
    let server = Server::bind("127.0.0.1:0", Config { workers: 1, ..Config::default() })?;
    println!("listening on {}", server.local_addr());
    server.run(table.bind(Stored(vec![b'x'; len])))?;
    Ok(())
}
