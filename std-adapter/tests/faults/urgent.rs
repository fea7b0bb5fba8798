//! Urgent data among requests: a read stops in front of it.

use std::io::{Read, Write};
use std::net::TcpStream;

use socket2::SockRef;

use crate::support::App;
use crate::support::Running;

/// With many connections, because it depends on what has arrived when the server reads.
#[test]
fn requests_behind_urgent_data_are_answered() {
    let server = Running::start(App::new().0, 2, |_| ());
    let mut streams: Vec<TcpStream> = (0..200).map(|_| server.stream()).collect();
    for stream in &mut streams {
        stream.set_nodelay(true).expect("a socket");
        stream.write_all(b"ECHO 1 #1\na\n").expect("sent");
        SockRef::from(&*stream).send_out_of_band(b"!").expect("sent");
        stream.write_all(b"ECHO 1 #2\nb\n").expect("sent");
    }
    let replies = b"OK 1 #1\na\nOK 1 #2\nb\n";
    for (at, stream) in streams.iter_mut().enumerate() {
        let mut received = [0; 20];
        stream.read_exact(&mut received).unwrap_or_else(|error| panic!("connection {at}: {error}"));
        assert_eq!(&received, replies, "connection {at}");
    }
    drop(streams);
    server.stop();
}
