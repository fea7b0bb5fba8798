//! Servers that lie, for clients to survive: a script for one connection, on a free loopback port.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::oracle::{Body, Frame, Head, Limits, frame};

/// A script that ended in any way ends within this.
const LIMIT: Duration = Duration::from_mins(1);

/// A server for one connection.
#[derive(Debug)]
pub struct Hostile {
    /// Where it listens.
    pub addr: SocketAddr,
    listener: TcpListener,
    script: Receiver<()>,
}

/// The connection, after its first request was read.
#[derive(Debug)]
pub struct Conversation {
    stream: TcpStream,
    /// The request's head.
    pub head: Head,
    /// The request's body.
    pub body: Body,
}

impl Hostile {
    /// Accepts one connection, reads a request, and then does as the script says; a panic in it shows in [`Self::check`].
    ///
    /// # Panics
    /// If there is no loopback.
    pub fn start(script: impl FnOnce(&mut Conversation) + Send + 'static) -> Self {
        Self::accept(move |stream| script(&mut Conversation::begin(stream)))
    }

    /// Accepts one connection and hands it over before anything was read.
    ///
    /// # Panics
    /// If there is no loopback.
    pub fn accept(script: impl FnOnce(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let addr = listener.local_addr().expect("an address");
        let accepting = listener.try_clone().expect("a second handle");
        let (done, ended) = channel();
        thread::spawn(move || {
            let (stream, _) = accepting.accept().expect("a client");
            stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
            stream.set_write_timeout(Some(LIMIT)).expect("a time limit");
            stream.set_nodelay(true).expect("no delay");
            script(stream);
            done.send(())
        });
        Self { addr, listener, script: ended }
    }

    /// The address as a command line takes it.
    #[must_use]
    pub fn at(&self) -> String {
        self.addr.to_string()
    }

    /// The script went through, and the client didn't come back for more: no call is retried by itself.
    ///
    /// # Panics
    /// If not so.
    pub fn check(self) {
        self.script.recv_timeout(LIMIT).expect("the script goes through");
        self.listener.set_nonblocking(true).expect("a listener that doesn't wait");
        let again = self.listener.accept().map(|_| ());
        assert!(again.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "connected again");
    }
}

impl Conversation {
    fn begin(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4_096];
        loop {
            match frame(&bytes, &Limits::DESKTOP) {
                Frame::Whole { head, body, len } => {
                    assert_eq!(len, bytes.len(), "one request alone");
                    return Self { stream, head, body };
                }
                Frame::Incomplete => {}
                other => panic!("no request: {other:?}"),
            }
            let len = stream.read(&mut chunk).expect("a request");
            assert!(len > 0, "the client ends inside its request");
            bytes.extend_from_slice(&chunk[..len]);
        }
    }

    /// The request's tag as it stands in a head, with the space before it; clients tag their calls.
    ///
    /// # Panics
    /// If the request has none.
    #[must_use]
    pub fn tag(&self) -> String {
        format!(" #{}", self.head.tag.expect("a client tags its calls"))
    }

    /// A tag that isn't the request's.
    ///
    /// # Panics
    /// If the request has none.
    #[must_use]
    pub fn other_tag(&self) -> String {
        format!(" #{}", self.head.tag.expect("a client tags its calls") ^ 0x4000_0000)
    }

    /// Sends all of it; false if the client is gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Waits until the client has left.
    ///
    /// # Panics
    /// If it never does.
    pub fn wait_for_the_end(&mut self) {
        let mut chunk = [0; 4_096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::WouldBlock, "the client never leaves");
                    return;
                }
            }
        }
    }
}
