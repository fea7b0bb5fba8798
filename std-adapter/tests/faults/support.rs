//! A server in this process, whose handlers can be made to misbehave.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{io, panic};

use linecard_std::protocol::{Answered, Code, Frame, Reply, Service};
use linecard_std::{Config, Counters, Server, ServerHandle};
use linecard_suite::oracle;
use linecard_suite::peer::Peer;
use linecard_suite::target::Target;
use socket2::{Domain, Socket, Type};

/// Longer than anything here takes, even on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Handlers wait here until the test opens it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    pub(crate) fn open(&self) {
        *self.0.0.lock().expect("a lock") = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let closed = self.0.0.lock().expect("a lock");
        let (_open, timed_out) =
            self.0.1.wait_timeout_while(closed, SOON, |open| !*open).expect("a lock");
        assert!(!timed_out.timed_out(), "the latch was not opened");
    }
}

/// A panic's payload that panics again when it is dropped.
struct PanicOnDrop;

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        panic!("a payload that panics");
    }
}

/// A service without a table. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// Requests carried out.
    pub(crate) handled: Arc<AtomicU64>,
    /// What `WAIT` waits for.
    pub(crate) latch: Latch,
    /// Where `WAIT` reports that it waits.
    waiting: Sender<()>,
    /// Whether `refused` panics.
    pub(crate) panics_in_refused: bool,
}

impl App {
    /// The service, and what receives a message when a `WAIT` begins.
    pub(crate) fn new() -> (Self, Receiver<()>) {
        let (sender, waiting) = channel();
        let app = Self {
            handled: Arc::default(),
            latch: Latch::default(),
            waiting: sender,
            panics_in_refused: false,
        };
        (app, waiting)
    }
}

/// The body as a number.
fn number(request: &Frame<'_>) -> usize {
    str::from_utf8(request.body.bytes()).expect("digits").parse().expect("digits")
}

impl Service for App {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        let handled = self.handled.fetch_add(1, Relaxed) + 1;
        match request.name {
            "ECHO" => reply.bytes(request.body.bytes()),
            "COUNT" => reply.text(&handled.to_string()),
            "PANIC" => panic!("a handler that panics"),
            "PANIC-TWICE" => panic::panic_any(PanicOnDrop),
            "ZEROS" => reply.bytes(&vec![0; number(request)]),
            "SLEEP" => {
                thread::sleep(Duration::from_millis(number(request) as u64));
                reply.text("slept")
            }
            "WAIT" => {
                self.waiting.send(()).expect("a test that receives");
                self.latch.wait();
                reply.text("open")
            }
            name => reply.error(Code::UnknownCommand, name),
        }
    }

    fn refused(&mut self, code: Code) {
        assert!(!self.panics_in_refused, "refused: {code}");
    }
}

/// A server on a thread; it is stopped when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) handle: ServerHandle,
    ended: Receiver<io::Result<()>>,
}

impl Running {
    /// Starts one with so many workers, and otherwise configured by `change`.
    pub(crate) fn start(app: App, workers: usize, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { workers, ..Config::default() };
        change(&mut config);
        let server = Server::bind("127.0.0.1:0", config).expect("a free port");
        let (addr, handle) = (server.local_addr(), server.handle());
        let (sender, ended) = channel();
        thread::spawn(move || sender.send(server.run(app)));
        Self { addr, handle, ended }
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::connect(&Target::desktop(self.addr)).expect("a connection")
    }

    /// A connection that its worker has taken. Connections are dealt to the workers in turn.
    pub(crate) fn served(&self) -> Peer {
        let mut peer = self.peer();
        peer.is_alive().expect("served");
        peer
    }

    pub(crate) fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).expect("a connection");
        stream.set_read_timeout(Some(SOON)).expect("a time limit");
        stream.set_write_timeout(Some(SOON)).expect("a time limit");
        stream
    }

    /// A connection whose receive buffer is small from the beginning.
    pub(crate) fn stream_with_receive_buffer(&self, len: usize) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(len).expect("a socket option");
        socket.connect(&self.addr.into()).expect("a connection");
        socket.into()
    }

    /// Waits for the server to end, and returns how.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.ended.recv_timeout(SOON).expect("an end, in time")
    }

    /// Stops the server. Then no connection is left.
    pub(crate) fn stop(&self) -> Counters {
        self.handle.stop();
        self.end().expect("a clean end");
        let counters = self.handle.counters();
        assert!(nothing_left(&counters), "{counters:?}");
        counters
    }

    /// Waits until `is_so`.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Counters) -> bool) -> Counters {
        let end = Instant::now() + SOON;
        loop {
            let counters = self.handle.counters();
            if is_so(&counters) {
                return counters;
            }
            assert!(Instant::now() < end, "never {what}: {counters:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

pub(crate) fn nothing_left(counters: &Counters) -> bool {
    (counters.open, counters.lingering, counters.buffered) == (0, 0, 0)
}

pub(crate) fn refusal(code: &str, tag: Option<u32>) -> oracle::Reply {
    oracle::Reply { tag, result: Err(oracle::Refusal::any(code)) }
}

pub(crate) fn text(words: &str, tag: Option<u32>) -> oracle::Reply {
    oracle::Reply { tag, result: Ok(oracle::Body::Line(words.into())) }
}

pub(crate) fn bytes(bytes: &[u8], tag: Option<u32>) -> oracle::Reply {
    oracle::Reply { tag, result: Ok(oracle::Body::Counted(bytes.into())) }
}
