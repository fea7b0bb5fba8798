//! A small world: a server's stack and a client's, joined by a hub in memory, under a clock of its
//! own.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::pedantic)]

pub mod ghost;
pub mod peer;
pub mod seed;
pub mod wire;

use linecard_core::{Answered, Frame, Limits, OutBuf, Reply, Service, Session, Table, pump};
use linecard_demo::{Demo, table};
use linecard_smoltcp::{Resources, Scratch, Server, Stack, Timeouts};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address};

use wire::{End, Weather, Wire};

/// Connections that the server takes at once.
pub const SLOTS: usize = 4;
pub const PORT: u16 = 61_000;
pub const SERVER: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
pub const LIMITS: Limits = Limits::DEVICE;

/// As many polls without time passing are no work but a spin.
const SPIN: usize = 20_000;

pub struct World {
    pub wire: Wire,
    pub now: Instant,
    pub stack: Stack<'static, End>,
    pub server: Server<'static, SLOTS>,
    pub client: Stack<'static, End>,
    /// The longest time that passes in one step, however little is to be done.
    pub step: Duration,
    /// How long each call of a handler takes.
    pub handler_time: Duration,
    commands: Table<Demo, 2>,
    still: usize,
    next_port: u16,
}

/// Counts the requests that handlers answer.
struct Counter<S> {
    inner: S,
    calls: u32,
}

impl<S: Service> Service for Counter<S> {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        self.calls += 1;
        self.inner.call(request, reply)
    }
}

pub struct Plan {
    pub seed: u64,
    pub weather: Weather,
    pub mtu: usize,
    /// Bytes of each of the server's rings beyond what they must hold.
    pub ring_slack: usize,
    pub limits: Limits,
    pub timeouts: Timeouts,
}

impl Plan {
    pub fn fair() -> Self {
        Self {
            seed: 1,
            weather: Weather::FAIR,
            mtu: 1514,
            ring_slack: 1_000,
            limits: LIMITS,
            timeouts: Timeouts::DEFAULT,
        }
    }
}

impl World {
    pub fn fair() -> Self {
        Self::new(Plan::fair())
    }

    pub fn new(plan: Plan) -> Self {
        let wire = Wire::new(plan.seed, plan.weather);
        let now = Instant::from_millis(1_000);
        let mut stack = stack(wire.plug(plan.mtu), 1, plan.seed, now);
        let client = self::stack(wire.plug(plan.mtu), 2, plan.seed + 1, now);
        let limits: &'static Limits = Box::leak(Box::new(plan.limits));
        let (rx, tx) =
            (limits.max_request_frame_len(), limits.max_reply_frame_len() + plan.ring_slack);
        let slots = [(); SLOTS].map(|()| stack.sockets.add(socket(rx, tx)));
        let spare = stack.sockets.add(socket(16, 16));
        let parts = Resources::new(slots, spare, scratch(limits), limits);
        let parts = Resources { timeouts: plan.timeouts, ..parts };
        let server = Server::new(&mut stack.sockets, parts).unwrap();
        let commands = table();
        let step = Duration::from_secs(3_600);
        Self {
            wire,
            now,
            stack,
            server,
            client,
            step,
            handler_time: Duration::ZERO,
            commands,
            still: 0,
            next_port: 49_152,
        }
    }

    /// A socket of the client's, on its way to the server.
    pub fn connect(&mut self) -> SocketHandle {
        self.connect_with(65_536)
    }

    /// The same with a receive ring of so many bytes.
    pub fn connect_with(&mut self, receive: usize) -> SocketHandle {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(49_152);
        let handle = self.client.sockets.add(socket(receive, 65_536));
        let socket = self.client.sockets.get_mut::<Socket>(handle);
        socket.set_nagle_enabled(false);
        // A smoltcp that sends forgets its timer when a late segment says that the window is shut,
        // and learns that it is open from the answer to a keep-alive.
        socket.set_keep_alive(Some(Duration::from_secs(5)));
        socket.connect(self.client.iface.context(), (IpAddress::Ipv4(SERVER), PORT), port).unwrap();
        handle
    }

    pub fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.client.sockets.get_mut(handle)
    }

    /// Polls both sides; returns how long both may sleep.
    fn poll(&mut self) -> Option<Duration> {
        let server = self.poll_server();
        let client = self.client.poll(self.now, |_, _| false);
        server.into_iter().chain(client).min()
    }

    pub fn poll_server(&mut self) -> Option<Duration> {
        let mut service = Counter { inner: self.commands.bind(Demo), calls: 0 };
        let longest = self.server.poll(self.now, &mut self.stack, &mut service);
        self.now += self.handler_time * service.calls;
        longest
    }

    /// Lets time pass, until a frame arrives or for so long.
    pub fn pass(&mut self, longest: Option<Duration>) {
        let then = self.now + longest.unwrap_or(Duration::from_secs(1));
        let then = self.wire.next_arrival().map_or(then, |at| at.min(then));
        self.still = if then > self.now { 0 } else { self.still + 1 };
        assert!(self.still < SPIN, "polls without end");
        self.now = self.now.max(then);
    }

    /// Runs until `done`, and says whether that was within the time.
    pub fn run(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + limit;
        while !done(self) {
            if self.now >= end {
                return false;
            }
            let idle = self.poll();
            if done(self) {
                return true;
            }
            // What `done` did may be more to send.
            let idle = self.poll().into_iter().chain(idle);
            self.pass(idle.chain([end - self.now, self.step]).min());
        }
        true
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run(span, |_| false);
    }

    /// Ends what the client still has, in fair weather.
    pub fn reset_all(&mut self) {
        self.run_for(Duration::from_millis(100));
        self.wire.set_weather(Weather::FAIR);
        for (_, socket) in self.client.sockets.iter_mut() {
            let smoltcp::socket::Socket::Tcp(socket) = socket;
            socket.abort();
        }
        self.run_for(Duration::from_secs(1));
    }

    /// Every slot answers, all of them at once.
    pub fn assert_alive(&mut self) {
        self.wire.set_weather(Weather::FAIR);
        assert!(
            self.run(Duration::from_secs(120), |world| world.server.connections() == 0),
            "not every slot became free: {:?}",
            self.server
        );
        let handles = [(); SLOTS].map(|()| self.connect());
        for handle in handles {
            let mut peer = peer::Peer::new(handle, b"STRING #7\nhi\n".to_vec());
            let answered = self.run(Duration::from_secs(10), |world| {
                peer.drive(world);
                peer.got == b"OK #7\nThank you.\n"
            });
            assert!(answered, "{:?}", String::from_utf8_lossy(&peer.got));
        }
        assert_eq!(self.server.connections(), SLOTS);
        for handle in handles {
            self.socket(handle).close();
        }
        assert!(self.run(Duration::from_secs(10), |world| world.server.connections() == 0));
    }
}

pub fn stack(mut device: End, station: u8, seed: u64, now: Instant) -> Stack<'static, End> {
    let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, station]).into());
    config.random_seed = seed;
    let mut iface = Interface::new(config, &mut device, now);
    let address = IpCidr::new(IpAddress::v4(10, 0, 0, station), 24);
    iface.update_ip_addrs(|addresses| addresses.push(address).unwrap());
    Stack { device, iface, sockets: SocketSet::new(vec![]) }
}

pub fn socket(receive: usize, transmit: usize) -> Socket<'static> {
    Socket::new(SocketBuffer::new(vec![0; receive]), SocketBuffer::new(vec![0; transmit]))
}

pub fn scratch(limits: &Limits) -> Scratch<'static> {
    let bytes = |len| Box::leak(vec![0; len].into_boxed_slice());
    Scratch {
        frame: bytes(limits.max_request_frame_len()),
        reply: bytes(limits.max_reply_frame_len()),
    }
}

/// What a server must answer, however the bytes are cut: the core's session over all of them at
/// once.
pub fn replies_to(limits: &Limits, input: &[u8]) -> Vec<u8> {
    let (mut session, commands) =
        (Session::new(limits, linecard_core::Instant::default()), table());
    let mut bytes = vec![0; 1 << 20];
    let mut out = OutBuf::new(&mut bytes);
    let _ = pump(
        &mut session,
        &mut commands.bind(Demo),
        linecard_core::Instant::default(),
        input,
        true,
        &mut out,
    );
    out.written().to_vec()
}
