//! Connections that begin and end in many ways.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::support::{App, Running, nothing_left};

#[test]
fn no_connection_is_left() {
    let server = Running::start(App::new().0, 2, |config| {
        config.limits.frame_timeout = Duration::from_millis(200);
        config.limits.idle_timeout = Duration::from_millis(300);
        config.write_timeout = Duration::from_millis(300);
    });
    let mut kept = Vec::new();
    for round in 0..1_000 {
        let mut stream = server.stream();
        let sent: &[u8] = match round / 8 % 5 {
            0 => b"",
            1 => b"ECHO 5\nhi",
            2 => b"ECHO 2\nhi\nECHO",
            3 => b"\0\n",
            _ => b"FROB\n\nECHO 2\nhiX",
        };
        stream.write_all(sent).expect("sent");
        match round % 8 {
            0 => SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a socket option"),
            1 => stream.shutdown(Shutdown::Write).expect("a socket option"),
            2 => kept.push(stream),
            3 => {
                stream.shutdown(Shutdown::Write).expect("a socket option");
                kept.push(stream);
            }
            4 => kept.extend(fill_without_reading(stream)),
            _ => drop(stream),
        }
    }
    // Those that are kept time out.
    let counters = server.until("nothing left", nothing_left);
    assert_eq!(counters.accepted, 1_000);
    drop(kept);
    server.stop();
}

/// Sends requests until the server takes no more, and reads nothing. `None` if that fails.
fn fill_without_reading(mut stream: TcpStream) -> Option<TcpStream> {
    let request = [b"ECHO 30000\n".as_slice(), &vec![b'x'; 30_000], b"\n"].concat();
    stream.set_nonblocking(true).ok()?;
    while stream.write_all(&request).is_ok() {}
    Some(stream)
}
