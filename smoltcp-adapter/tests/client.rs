//! The polled client, against the server and against servers that break the protocol.

mod sim;

use linecard_core::{Body, Postcard, RequestError, Text};
use linecard_demo::{Complex, ComplexCommand, StringCommand};
use linecard_smoltcp::{Client, ClientEvent, Scratch};
use smoltcp::socket::tcp::Socket;
use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpEndpoint};

use sim::link::Faults;
use sim::{PORT, SERVER, SLOTS, Sim, socket};

const SECOND: Duration = Duration::from_secs(1);
const ENDPOINT: IpEndpoint = IpEndpoint { addr: IpAddress::Ipv4(SERVER), port: PORT };

/// A client, its simulation, and the events that it has reported.
struct Fixture {
    sim: Sim,
    client: Client<'static, 4>,
    events: Vec<String>,
}

impl Fixture {
    fn new(window: u32) -> Self {
        let mut sim = Sim::new();
        let handle = sim.client_stack.sockets.add(socket(2_048, 2_048));
        let bytes = |len| Box::leak(vec![0; len].into_boxed_slice());
        let scratch = Scratch { frame: bytes(1_024), reply: bytes(512) };
        Self { sim, client: Client::new(handle, scratch, window), events: vec![] }
    }

    /// Begins to connect to that port of the server.
    fn begin_open(&mut self, port: u16) {
        let server = IpEndpoint { port, ..ENDPOINT };
        let stack = &mut self.sim.client_stack;
        self.client.open(self.sim.now, stack, server, 50_000, SECOND).unwrap();
    }

    fn open(&mut self) {
        self.begin_open(PORT);
        self.wait_for_events(1);
        assert_eq!(self.events, ["Opened"]);
        self.events.clear();
    }

    fn call(&mut self, text: &str, timeout: Duration) -> Result<u32, RequestError> {
        let sockets = &mut self.sim.client_stack.sockets;
        self.client.call::<StringCommand>(self.sim.now, sockets, &Text(text), timeout)
    }

    fn close(&mut self, timeout: Duration) {
        self.client.close(self.sim.now, &mut self.sim.client_stack.sockets, timeout);
    }

    fn poll_client(&mut self) -> Option<Duration> {
        let events = &mut self.events;
        let on_event = &mut |event: ClientEvent<'_>| events.push(describe(event));
        self.client.poll(self.sim.now, &mut self.sim.client_stack, on_event)
    }

    /// Runs until the client has reported so many events.
    fn wait_for_events(&mut self, count: usize) {
        let end = self.sim.now + Duration::from_secs(100);
        while self.events.len() < count {
            assert!(self.sim.now < end, "{:?}", self.events);
            let client = self.poll_client();
            let server = self.sim.poll_server();
            if self.events.len() < count {
                self.sim.sleep(client.into_iter().chain(server).min());
            }
        }
    }

    /// A socket on the server's side that listens in place of the server.
    fn listen(&mut self, port: u16) -> smoltcp::iface::SocketHandle {
        let handle = self.sim.server_stack.sockets.add(socket(4_096, 16_384));
        self.sim.server_stack.sockets.get_mut::<Socket<'_>>(handle).listen(port).unwrap();
        handle
    }
}

fn describe(event: ClientEvent<'_>) -> String {
    match event {
        ClientEvent::Reply { tag, body: Ok(Body::Line(bytes) | Body::Counted(bytes)) } => {
            format!("{tag}: {}", String::from_utf8_lossy(bytes))
        }
        ClientEvent::Reply { tag, body: Err(refusal) } => format!("{tag}: {}", refusal.code),
        other => format!("{other:?}"),
    }
}

#[test]
fn calls_are_answered_in_order_and_the_window_is_kept() {
    let mut fixture = Fixture::new(1_000);
    assert_eq!(fixture.call("early", SECOND), Err(RequestError::Closed));
    fixture.open();
    for tag in 0..4 {
        assert_eq!(fixture.call("hi", SECOND), Ok(tag));
    }
    assert_eq!(fixture.call("hi", SECOND), Err(RequestError::Window));
    fixture.wait_for_events(4);
    let replies = ["0: Thank you.", "1: Thank you.", "2: Thank you.", "3: Thank you."];
    assert_eq!(fixture.events, replies);
    assert_eq!(fixture.call("hi", SECOND), Ok(4));
    fixture.wait_for_events(5);
    fixture.close(SECOND);
    fixture.wait_for_events(6);
    assert_eq!(fixture.events[5], "Closed(Local)");
    fixture.sim.assert_all_slots_work();
    fixture.events.clear();
    fixture.open();
}

#[test]
fn closing_without_a_connection_does_nothing() {
    let mut fixture = Fixture::new(1_000);
    fixture.close(SECOND);
    assert_eq!(fixture.client.deadline(), None);
    for _ in 0..10 {
        fixture.poll_client();
        fixture.sim.sleep(Some(SECOND / 4));
    }
    assert!(fixture.events.is_empty(), "{:?}", fixture.events);
    fixture.open();

    fixture.close(SECOND);
    fixture.wait_for_events(1);
    fixture.close(SECOND);
    assert_eq!(fixture.client.deadline(), None, "it is closed already");
}

#[test]
fn closing_while_connecting_ends_that() {
    let mut fixture = Fixture::new(1_000);
    fixture.sim.server_stack.device.disconnect();
    fixture.begin_open(PORT);
    fixture.close(SECOND * 10);
    fixture.wait_for_events(1);
    assert_eq!(fixture.events, ["Closed(Local)"]);
}

#[test]
fn closing_a_connection_that_the_server_ended_keeps_the_reason() {
    let mut fixture = Fixture::new(1_000);
    fixture.open();
    fixture.sim.server.stop(fixture.sim.now);
    fixture.wait_for_events(1);
    assert!(fixture.events[0].contains("Stopping"), "{:?}", fixture.events);
    let deadline = fixture.client.deadline();
    fixture.close(SECOND * 10);
    assert_eq!(fixture.client.deadline(), deadline, "no later than before");
    fixture.wait_for_events(2);
    assert_eq!(fixture.events[1], "Closed(Fault(End))");
}

#[test]
fn a_reset_is_reported_after_the_replies_that_came_before_it() {
    let mut fixture = Fixture::new(1_000);
    let handle = fixture.listen(7);
    fixture.begin_open(7);
    fixture.wait_for_events(1);
    fixture.call("one", SECOND).unwrap();
    fixture.call("two", SECOND).unwrap();
    let peer = fixture.sim.server_stack.sockets.get_mut::<Socket<'_>>(handle);
    peer.send_slice(b"OK #0\nfine\n").unwrap();
    fixture.sim.poll_server();
    fixture.sim.server_stack.sockets.get_mut::<Socket<'_>>(handle).abort();
    fixture.sim.poll_server();
    fixture.wait_for_events(3);
    assert_eq!(fixture.events[1..], ["0: fine", "Closed(Reset)"]);
    assert_eq!(fixture.call("late", SECOND), Err(RequestError::Closed));
}

#[test]
fn hundreds_of_calls_wrap_in_every_ring() {
    let mut fixture = Fixture::new(2_048);
    fixture.open();
    let value = Complex::sample();
    for round in 0..300 {
        let levels = Postcard(value.levels().unwrap());
        let (now, sockets) = (fixture.sim.now, &mut fixture.sim.client_stack.sockets);
        fixture.client.call::<ComplexCommand>(now, sockets, &levels, SECOND).unwrap();
        fixture.call(&"x".repeat(round), SECOND).unwrap();
        fixture.wait_for_events(2);
        assert!(fixture.events[0].contains("Piece of cake!"), "{:?}", fixture.events);
        assert!(fixture.events[1].ends_with(": Thank you."), "{:?}", fixture.events);
        fixture.events.clear();
    }
}

#[test]
fn a_server_that_does_not_answer_is_reported_in_time() {
    let mut fixture = Fixture::new(1_000);
    fixture.sim.server_stack.device.disconnect();
    let start = fixture.sim.now;
    fixture.begin_open(PORT);
    fixture.wait_for_events(1);
    assert_eq!(fixture.events, ["Closed(TimedOut)"]);
    assert_eq!(fixture.sim.now - start, SECOND);
}

#[test]
fn a_port_that_nobody_listens_on_is_refused() {
    let mut fixture = Fixture::new(1_000);
    fixture.begin_open(1);
    fixture.wait_for_events(1);
    assert_eq!(fixture.events, ["Closed(Refused)"]);
    let (now, stack) = (fixture.sim.now, &mut fixture.sim.client_stack);
    assert!(fixture.client.open(now, stack, ENDPOINT, 0, SECOND).is_err(), "port 0");
}

#[test]
fn a_call_that_is_not_answered_in_time_is_given_up_and_its_late_reply_skipped() {
    let mut fixture = Fixture::new(1_000);
    fixture.open();
    fixture.sim.link.set_faults(Faults { delay: 300..=300, ..Faults::NONE });
    assert_eq!(fixture.call("slow", Duration::from_millis(500)), Ok(0));
    assert_eq!(fixture.call("patient", SECOND * 2), Ok(1));
    fixture.wait_for_events(2);
    assert_eq!(fixture.events, ["TimedOut { tag: 0 }", "1: Thank you."]);
}

#[test]
fn busy_is_reported() {
    let mut fixture = Fixture::new(1_000);
    for _ in 0..SLOTS {
        fixture.sim.connect();
    }
    fixture.sim.run_for(SECOND);
    fixture.begin_open(PORT);
    fixture.wait_for_events(3);
    assert!(fixture.events[1].contains("Busy"), "{:?}", fixture.events);
    assert_eq!(fixture.events[2], "Closed(Fault(End))");
}

#[test]
fn stopping_is_reported_before_the_end() {
    let mut fixture = Fixture::new(1_000);
    fixture.open();
    fixture.sim.server.stop(fixture.sim.now + SECOND);
    fixture.wait_for_events(2);
    assert!(fixture.events[0].contains("Stopping"), "{:?}", fixture.events);
    assert_eq!(fixture.events[1], "Closed(Fault(End))");
    assert_eq!(fixture.call("late", SECOND), Err(RequestError::Closed));
}

/// The event after a call to a server that sends these bytes and then nothing.
fn event_after(bytes: &[u8]) -> Vec<String> {
    let mut fixture = Fixture::new(1_000);
    let handle = fixture.listen(7);
    fixture.begin_open(7);
    fixture.wait_for_events(1);
    fixture.call("hi", SECOND).unwrap();
    fixture.sim.server_stack.sockets.get_mut::<Socket<'_>>(handle).send_slice(bytes).unwrap();
    fixture.wait_for_events(2);
    fixture.events.split_off(1)
}

#[test]
fn a_server_that_breaks_the_protocol_is_detected() {
    let too_long = format!("ERR #0\nfailed {}\n", "x".repeat(106));
    for (bytes, event) in [
        (&b"OK\nx\n"[..], "Closed(Fault(Grammar))"),
        (too_long.as_bytes(), "Closed(Fault(Grammar))"),
        (
            b"nonsense that is longer than any head may be, and has no end at all",
            "Closed(Fault(Grammar))",
        ),
        (b"OK 1 #0\nxy\n", "Closed(Fault(Desync))"),
        (b"OK #0\nfine\n", "0: fine"),
        (b"ERR #0\nnovelty\n", "0: failed"),
        (b"TICK\n1\n", "Event(Frame { name: \"TICK\", tag: None, body: Line([49]) })"),
        (b"OK #9\nlate\n", "TimedOut { tag: 0 }"),
        (b"", "TimedOut { tag: 0 }"),
    ] {
        assert_eq!(event_after(bytes), [event], "{}", String::from_utf8_lossy(bytes));
    }
    let long = [b"OK 5000 #0\n", &[b'x'; 5_000][..], b"\n"].concat();
    assert_eq!(event_after(&long), ["TooLarge { tag: 0, len: 5000 }"]);
}
