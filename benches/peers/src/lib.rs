//! What the servers of this package share.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// Listens on a free loopback port and prints `listening on IP:PORT`. The backlog holds a burst of
/// connects, which the default of std, mio and tokio (128 or 1,024) does not.
///
/// # Errors
/// The system refuses the socket.
pub fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    let listener = TcpListener::from(socket);
    println!("listening on {}", listener.local_addr()?);
    Ok(listener)
}

/// The same for tokio.
///
/// # Errors
/// The system refuses the socket.
pub fn listen_async() -> io::Result<tokio::net::TcpListener> {
    let listener = listen()?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
