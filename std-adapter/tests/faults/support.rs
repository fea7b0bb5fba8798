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

/// Nothing here takes so long, even on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A door that handlers wait at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    pub(crate) fn open(&self) {
        *self.0.0.lock().expect("a lock") = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let shut = self.0.0.lock().expect("a lock");
        let (_open, timed_out) =
            self.0.1.wait_timeout_while(shut, SOON, |open| !*open).expect("a lock");
        assert!(!timed_out.timed_out(), "the door stayed shut");
    }
}

/// What panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb");
    }
}

/// Knows its commands by itself. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// Requests carried out.
    pub(crate) handled: Arc<AtomicU64>,
    /// What `DOOR` waits at, and says when it does.
    pub(crate) door: Door,
    pub(crate) at_the_door: Sender<()>,
    /// It panics when it is told of a refusal.
    pub(crate) touchy: bool,
}

impl App {
    pub(crate) fn new() -> (Self, Receiver<()>) {
        let (at_the_door, came) = channel();
        (Self { handled: Arc::default(), door: Door::default(), at_the_door, touchy: false }, came)
    }
}

impl Service for App {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        let handled = self.handled.fetch_add(1, Relaxed) + 1;
        match request.name {
            "ECHO" => reply.bytes(request.body.bytes()),
            "COUNT" => reply.text(&handled.to_string()),
            "PANIC" => panic!("a handler that panics"),
            "BOMB" => panic::panic_any(Bomb),
            "SLEEP" => {
                let millis = str::from_utf8(request.body.bytes()).expect("digits").parse();
                thread::sleep(Duration::from_millis(millis.expect("digits")));
                reply.text("slept")
            }
            "DOOR" => {
                self.at_the_door.send(()).expect("a test that listens");
                self.door.wait();
                reply.text("open")
            }
            name => reply.error(Code::UnknownCommand, name),
        }
    }

    fn refused(&mut self, code: Code) {
        assert!(!self.touchy, "told of {code}");
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
    /// With so many workers, and otherwise as `change` makes it.
    pub(crate) fn start(app: App, workers: usize, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { workers, ..Config::default() };
        change(&mut config);
        let server = Server::bind("127.0.0.1:0", config).expect("a free port");
        let (addr, handle) = (server.local_addr(), server.handle());
        let (at_the_end, ended) = channel();
        thread::spawn(move || at_the_end.send(server.run(app)));
        Self { addr, handle, ended }
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::connect(&Target::desktop(self.addr)).expect("a connection")
    }

    /// A connection that a worker has: peers are dealt to the workers in turn.
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

    /// How it ends, by itself.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.ended.recv_timeout(SOON).expect("an end, in time")
    }

    /// Stops it; then nothing is left of any connection.
    pub(crate) fn stop(&self) -> Counters {
        self.handle.stop();
        self.end().expect("a clean end");
        let counters = self.handle.counters();
        assert!(nothing_left(&counters), "{counters:?}");
        counters
    }

    /// Waits until the counters are as wished.
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
    (counters.open, counters.lingering, counters.parked) == (0, 0, 0)
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
