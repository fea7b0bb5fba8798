//! A server that follows a script, to test clients with wrong, late or missing replies.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::oracle::{Body, Frame, Head, Limits, frame};

/// How long a script, and each of its reads and writes, may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A server for one connection, on a free loopback port.
#[derive(Debug)]
pub struct ScriptedServer {
    /// Where it listens.
    pub addr: SocketAddr,
    listener: TcpListener,
    script: Receiver<()>,
}

/// A connection whose first request was read.
#[derive(Debug)]
pub struct ReceivedRequest {
    stream: TcpStream,
    /// The request's head.
    pub head: Head,
    /// The request's body.
    pub body: Body,
}

impl ScriptedServer {
    /// Accepts one connection, reads a request, and runs the script. A panic in the script makes
    /// [`check`](Self::check) panic.
    ///
    /// # Panics
    /// If there is no loopback device.
    pub fn start(script: impl FnOnce(&mut ReceivedRequest) + Send + 'static) -> Self {
        Self::accept(move |stream| script(&mut ReceivedRequest::begin(stream)))
    }

    /// Accepts one connection, and runs the script before anything was read.
    ///
    /// # Panics
    /// If there is no loopback device.
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

    /// The address as a command-line argument.
    #[must_use]
    pub fn at(&self) -> String {
        self.addr.to_string()
    }

    /// Checks that the script ran to its end, and that the client did not connect again: clients
    /// must not retry a call.
    ///
    /// # Panics
    /// If not so.
    pub fn check(self) {
        self.script.recv_timeout(LIMIT).expect("the script runs to its end");
        self.listener.set_nonblocking(true).expect("a listener that doesn't wait");
        let again = self.listener.accept().map(|_| ());
        assert!(
            again.is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
            "the client connected again"
        );
    }
}

impl ReceivedRequest {
    fn begin(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4_096];
        loop {
            match frame(&bytes, &Limits::DESKTOP) {
                Frame::Whole { head, body, len } => {
                    assert_eq!(len, bytes.len(), "a single request");
                    return Self { stream, head, body };
                }
                Frame::Incomplete => {}
                other => panic!("not a request: {other:?}"),
            }
            let len = stream.read(&mut chunk).expect("a request");
            assert!(len > 0, "the client closed within its request");
            bytes.extend_from_slice(&chunk[..len]);
        }
    }

    /// The request's tag as a head has it, with the space before it.
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

    /// Sends all the bytes. False if the client has closed.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Waits until the client closes the connection.
    ///
    /// # Panics
    /// If it never does.
    pub fn wait_for_close(&mut self) {
        let mut chunk = [0; 4_096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::WouldBlock, "the client doesn't close");
                    return;
                }
            }
        }
    }
}
