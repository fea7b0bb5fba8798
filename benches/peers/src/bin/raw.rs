//! A raw echo: for each `REQUEST-LEN` bytes, whatever they are, it sends the reply.
//!
//!     raw blocking|epoll REQUEST-LEN REPLY-FILE
//!
//! It does one read and one write for all that was received, as a server without a protocol would.
//! `blocking` has one thread a connection. `epoll` has one thread, with mio, and registers for both
//! directions as Linecard does.

use std::env::args;
use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread;

use linecard_peers::listen;
use mio::{Events, Interest, Poll, Token};

const BUF_LEN: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = args().collect();
    let [_, manner, request_len, reply] = args.as_slice() else {
        return Err("raw blocking|epoll REQUEST-LEN REPLY-FILE".into());
    };
    let echo = Echo::new(request_len.parse()?, &fs::read(reply)?);
    let listener = listen()?;
    match manner.as_str() {
        "blocking" => blocking(&listener, &echo),
        _ => epoll(listener, &echo),
    }
}

struct Echo {
    request_len: usize,
    reply_len: usize,
    /// As many replies as one read may bring requests.
    replies: Vec<u8>,
}

/// Bytes read at one time: at most 128 requests, so that their replies fit in memory.
fn read_len(request_len: usize) -> usize {
    BUF_LEN.min(request_len * 128)
}

impl Echo {
    fn new(request_len: usize, reply: &[u8]) -> Self {
        let replies = reply.repeat(read_len(request_len) / request_len + 2);
        Self { request_len, reply_len: reply.len(), replies }
    }

    /// The replies due after `len` more bytes. `partial`: bytes received of an unfinished request.
    fn replies(&self, partial: &mut usize, len: usize) -> &[u8] {
        let bytes = *partial + len;
        *partial = bytes % self.request_len;
        &self.replies[..bytes / self.request_len * self.reply_len]
    }
}

fn blocking(listener: &TcpListener, echo: &Echo) -> Result<(), Box<dyn Error>> {
    thread::scope(|scope| {
        for tcp in listener.incoming() {
            let mut tcp = tcp?;
            tcp.set_nodelay(true)?;
            thread::Builder::new().stack_size(64 * 1024).spawn_scoped(scope, move || {
                let mut rx = vec![0; read_len(echo.request_len)];
                let mut partial = 0;
                while let Ok(len @ 1..) = tcp.read(&mut rx) {
                    if tcp.write_all(echo.replies(&mut partial, len)).is_err() {
                        break;
                    }
                }
            })?;
        }
        Ok(())
    })
}

struct Connection {
    tcp: mio::net::TcpStream,
    /// Bytes received of an unfinished request.
    partial: usize,
    unsent: Vec<u8>,
}

fn epoll(listener: TcpListener, echo: &Echo) -> Result<(), Box<dyn Error>> {
    listener.set_nonblocking(true)?;
    let mut listener = mio::net::TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
    let mut connections: Vec<Option<Connection>> = vec![None];
    let mut free = Vec::new();
    let mut events = Events::with_capacity(1024);
    let mut rx = vec![0; read_len(echo.request_len)];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let Token(key) = event.token();
            if key == 0 {
                accept_all(&listener, &poll, &mut connections, &mut free)?;
                continue;
            }
            let Some(connection) = &mut connections[key] else { continue };
            if serve(connection, echo, &mut rx, event.is_read_closed()).is_err() {
                connections[key] = None;
                free.push(key);
            }
        }
    }
}

fn accept_all(
    listener: &mio::net::TcpListener,
    poll: &Poll,
    connections: &mut Vec<Option<Connection>>,
    free: &mut Vec<usize>,
) -> io::Result<()> {
    while let Ok((mut tcp, _)) = listener.accept() {
        tcp.set_nodelay(true)?;
        let key = free.pop().unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
        });
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut tcp, Token(key), interest)?;
        connections[key] = Some(Connection { tcp, partial: 0, unsent: Vec::new() });
    }
    Ok(())
}

/// Serves a connection that is ready. An error ends the connection.
fn serve(
    Connection { tcp, partial, unsent }: &mut Connection,
    echo: &Echo,
    rx: &mut [u8],
    hung_up: bool,
) -> io::Result<()> {
    if !unsent.is_empty() {
        let sent = write(tcp, unsent)?;
        unsent.drain(..sent);
    }
    while unsent.is_empty() {
        let len = match tcp.read(rx) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let replies = echo.replies(partial, len);
        let sent = write(tcp, replies)?;
        unsent.extend_from_slice(&replies[sent..]);
        if len < rx.len() && !hung_up {
            break;
        }
    }
    Ok(())
}

fn write(tcp: &mut mio::net::TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match tcp.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}
