//! A simulated network: a server's stack and a client's, joined by a hub in memory, under a clock
//! that the tests move.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::pedantic)]

pub mod link;
pub mod peer;
pub mod raw_station;
pub mod rng;

use linecard_core::{Answered, Frame, Limits, OutBuf, Reply, Service, Session, Table, pump};
use linecard_demo::{Demo, table};
use linecard_smoltcp::{Resources, Scratch, Server, Stack, Timeouts};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address};

use link::{Faults, Link, Port};
use peer::Peer;

/// Connections that the server takes at once.
pub const SLOTS: usize = 4;
pub const PORT: u16 = 61_000;
pub const SERVER: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
pub const LIMITS: Limits = Limits::DEVICE;

/// The most polls in a row without time passing: more are a busy loop.
const MAX_POLLS_AT_ONE_TIME: usize = 20_000;

pub struct Sim {
    pub link: Link,
    pub now: Instant,
    pub server_stack: Stack<'static, Port>,
    pub server: Server<'static, SLOTS>,
    pub client_stack: Stack<'static, Port>,
    /// The longest time that passes between two polls.
    pub max_step: Duration,
    /// How long each call of a handler takes.
    pub handler_time: Duration,
    commands: Table<Demo, 2>,
    polls_at_this_time: usize,
    next_port: u16,
}

/// What a simulation is made of.
pub struct SimConfig {
    pub seed: u64,
    pub faults: Faults,
    pub mtu: usize,
    /// Bytes of each of the server's transmit rings beyond what they must hold.
    pub ring_slack: usize,
    pub limits: Limits,
    pub timeouts: Timeouts,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            faults: Faults::NONE,
            mtu: 1_514,
            ring_slack: 1_000,
            limits: LIMITS,
            timeouts: Timeouts::DEFAULT,
        }
    }
}

impl Sim {
    pub fn new() -> Self {
        Self::with_config(SimConfig::default())
    }

    pub fn with_config(config: SimConfig) -> Self {
        let link = Link::new(config.seed, config.faults);
        let now = Instant::from_millis(1_000);
        let mut server_stack = stack(link.add_port(config.mtu), 1, config.seed, now);
        let client_stack = stack(link.add_port(config.mtu), 2, config.seed + 1, now);
        let limits: &'static Limits = Box::leak(Box::new(config.limits));
        let (receive, transmit) =
            (limits.max_request_frame_len(), limits.max_reply_frame_len() + config.ring_slack);
        let slots = [(); SLOTS].map(|()| server_stack.sockets.add(socket(receive, transmit)));
        let spare = server_stack.sockets.add(socket(16, 16));
        let resources = Resources::new(slots, spare, scratch(limits), limits);
        let resources = Resources { timeouts: config.timeouts, ..resources };
        let server = Server::new(&mut server_stack.sockets, resources).unwrap();
        Self {
            link,
            now,
            server_stack,
            server,
            client_stack,
            max_step: Duration::from_secs(3_600),
            handler_time: Duration::ZERO,
            commands: table(),
            polls_at_this_time: 0,
            next_port: 49_152,
        }
    }

    /// Begins to connect a client socket to the server.
    pub fn connect(&mut self) -> SocketHandle {
        self.connect_with(65_536)
    }

    /// The same with a receive ring of `receive` bytes.
    pub fn connect_with(&mut self, receive: usize) -> SocketHandle {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(49_152);
        let handle = self.client_stack.sockets.add(socket(receive, 65_536));
        let socket = self.client_stack.sockets.get_mut::<Socket>(handle);
        socket.set_nagle_enabled(false);
        // After a late segment that said that the window was shut, a sending smoltcp has lost its
        // timer. It learns from the answer to a keep-alive that the window is open.
        socket.set_keep_alive(Some(Duration::from_secs(5)));
        let server = (IpAddress::Ipv4(SERVER), PORT);
        socket.connect(self.client_stack.iface.context(), server, port).unwrap();
        handle
    }

    /// A client socket.
    pub fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.client_stack.sockets.get_mut(handle)
    }

    /// Polls both sides. Returns how long both may sleep.
    fn poll(&mut self) -> Option<Duration> {
        let server = self.poll_server();
        let client = self.client_stack.poll(self.now, |_, _| false);
        server.into_iter().chain(client).min()
    }

    pub fn poll_server(&mut self) -> Option<Duration> {
        let mut service = CountCalls { inner: self.commands.bind(Demo), calls: 0 };
        let longest = self.server.poll(self.now, &mut self.server_stack, &mut service);
        self.now += self.handler_time * service.calls;
        longest
    }

    /// Moves the clock to the next arrival of a frame, but no further than `longest`.
    pub fn sleep(&mut self, longest: Option<Duration>) {
        let then = self.now + longest.unwrap_or(Duration::from_secs(1));
        let then = self.link.next_arrival().map_or(then, |at| at.min(then));
        self.polls_at_this_time = if then > self.now { 0 } else { self.polls_at_this_time + 1 };
        assert!(self.polls_at_this_time < MAX_POLLS_AT_ONE_TIME, "a busy loop");
        self.now = self.now.max(then);
    }

    /// Runs until `done` returns true. Returns whether that was within `limit`.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + limit;
        while !done(self) {
            if self.now >= end {
                return false;
            }
            let idle = self.poll();
            if done(self) {
                return true;
            }
            // `done` may have queued more to send.
            let idle = self.poll().into_iter().chain(idle);
            self.sleep(idle.chain([end - self.now, self.max_step]).min());
        }
        true
    }

    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// Resets the client's connections, over a link without faults.
    pub fn reset_all(&mut self) {
        self.run_for(Duration::from_millis(100));
        self.link.set_faults(Faults::NONE);
        for (_, socket) in self.client_stack.sockets.iter_mut() {
            let smoltcp::socket::Socket::Tcp(socket) = socket;
            socket.abort();
        }
        self.run_for(Duration::from_secs(1));
    }

    /// Every slot becomes free, and then answers, all of them at once.
    pub fn assert_all_slots_work(&mut self) {
        self.link.set_faults(Faults::NONE);
        assert!(
            self.run_until(Duration::from_secs(120), |sim| sim.server.connections() == 0),
            "not every slot became free: {:?}",
            self.server
        );
        let handles = [(); SLOTS].map(|()| self.connect());
        for handle in handles {
            let mut peer = Peer::new(handle, b"STRING #7\nhi\n".to_vec());
            let answered = self.run_until(Duration::from_secs(10), |sim| {
                peer.poll(sim);
                peer.received == b"OK #7\nThank you.\n"
            });
            assert!(answered, "{:?}", String::from_utf8_lossy(&peer.received));
        }
        assert_eq!(self.server.connections(), SLOTS);
        for handle in handles {
            self.socket(handle).close();
        }
        assert!(self.run_until(Duration::from_secs(10), |sim| sim.server.connections() == 0));
    }
}

/// Counts the requests that handlers answer.
struct CountCalls<S> {
    inner: S,
    calls: u32,
}

impl<S: Service> Service for CountCalls<S> {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        self.calls += 1;
        self.inner.call(request, reply)
    }
}

/// A stack with the address 10.0.0.`number`.
pub fn stack(mut port: Port, number: u8, seed: u64, now: Instant) -> Stack<'static, Port> {
    let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into());
    config.random_seed = seed;
    let mut iface = Interface::new(config, &mut port, now);
    let address = IpCidr::new(IpAddress::v4(10, 0, 0, number), 24);
    iface.update_ip_addrs(|addresses| addresses.push(address).unwrap());
    Stack { device: port, iface, sockets: SocketSet::new(vec![]) }
}

/// A socket with rings of these sizes.
pub fn socket(receive: usize, transmit: usize) -> Socket<'static> {
    Socket::new(SocketBuffer::new(vec![0; receive]), SocketBuffer::new(vec![0; transmit]))
}

/// The least that a server needs.
pub fn scratch(limits: &Limits) -> Scratch<'static> {
    let bytes = |len| Box::leak(vec![0; len].into_boxed_slice());
    Scratch {
        frame: bytes(limits.max_request_frame_len()),
        reply: bytes(limits.max_reply_frame_len()),
    }
}

/// What a server must answer however the bytes are cut: what core's session answers to all of them
/// at once.
pub fn replies_to(limits: &Limits, input: &[u8]) -> Vec<u8> {
    let now = linecard_core::Instant::default();
    let (mut session, commands) = (Session::new(limits, now), table());
    let mut bytes = vec![0; 1 << 20];
    let mut out = OutBuf::new(&mut bytes);
    let _ = pump(&mut session, &mut commands.bind(Demo), now, input, true, &mut out);
    out.written().to_vec()
}
