//! The client on a connection that carries few bytes at a time.

use std::net::TcpStream;

use linecard_std::protocol::{Bytes, Command};
use linecard_std::{Client, ClientConfig, Stream};
use socket2::SockRef;

use crate::support::{App, Running};

struct Echo;

impl Command for Echo {
    const NAME: &'static str = "ECHO";
    type Request<'i> = Bytes<'i>;
    type Reply<'i> = Bytes<'i>;
}

#[test]
fn tiny_socket_buffers_change_nothing() {
    let server = Running::start(App::new().0, 1, |_| ());
    let tcp = TcpStream::connect(server.addr).expect("a connection");
    SockRef::from(&tcp).set_send_buffer_size(1).expect("the smallest there is");
    SockRef::from(&tcp).set_recv_buffer_size(1).expect("the smallest there is");
    let stream = Stream::new(tcp).expect("a socket");
    let mut client = Client::from_stream(stream, &ClientConfig::default());
    let body: Vec<u8> = (0..=u8::MAX).cycle().take(60_000).collect();
    let reply = client.call::<Echo>(&Bytes(&body)).expect("a reply");
    assert!(reply.0 == body, "one long call");
    for len in [0, 1, 255, 10_000] {
        let pieces: Vec<_> = (0..10).map(|at| &body[at..at + len]).collect();
        // As many without a reply as the client allows.
        let mut sent = Vec::new();
        for piece in &pieces {
            match client.send::<Echo>(&Bytes(piece)) {
                Ok(ticket) => sent.push((ticket, piece)),
                Err(_) => break,
            }
        }
        assert!(!sent.is_empty());
        for (ticket, piece) in sent {
            let reply = client.receive(ticket).expect("a reply");
            assert!(reply.0 == *piece, "{len} bytes");
        }
    }
    server.stop();
}
