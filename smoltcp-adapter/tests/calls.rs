//! The polled client and the blocking stream, against the server and against peers that do as they
//! like.

mod world;

use std::cell::RefCell;
use std::rc::Rc;

use embedded_io::{ErrorKind, Read, Write};
use linecard_core::blocking::{Caller, CallerError};
use linecard_core::{Body, CallError, Code, Postcard, RequestError, Text};
use linecard_demo::{Complex, ComplexCommand, StringCommand};
use linecard_smoltcp::{Client, ClientEvent, Platform, Scratch, Stack, Stream};
use smoltcp::socket::tcp::Socket;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use world::wire::{End, Weather};
use world::{PORT, SERVER, SLOTS, World, socket, stack};

const SECOND: Duration = Duration::from_secs(1);
const AT: IpEndpoint = IpEndpoint { addr: IpAddress::Ipv4(SERVER), port: PORT };

/// What a client was told, in owned form.
type Heard = Vec<String>;

struct Polled {
    world: World,
    client: Client<'static, 4>,
    heard: Heard,
}

fn caller(window: u32) -> Polled {
    let mut world = World::fair();
    let handle = world.client.sockets.add(socket(2_048, 2_048));
    let bytes = |len| Box::leak(vec![0; len].into_boxed_slice());
    let scratch = Scratch { frame: bytes(1_024), reply: bytes(512) };
    Polled { world, client: Client::new(handle, scratch, window), heard: vec![] }
}

fn told(news: ClientEvent<'_>) -> String {
    match news {
        ClientEvent::Reply { tag, body: Ok(Body::Line(bytes) | Body::Counted(bytes)) } => {
            format!("{tag}: {}", String::from_utf8_lossy(bytes))
        }
        ClientEvent::Reply { tag, body: Err(refusal) } => format!("{tag}: no: {}", refusal.code),
        other => format!("{other:?}"),
    }
}

impl Polled {
    fn open(&mut self) {
        self.client.open(self.world.now, &mut self.world.client, AT, 50_000, SECOND).unwrap();
        self.hear(1);
        assert_eq!(self.heard, ["Opened"]);
        self.heard.clear();
    }

    fn string(&mut self, text: &str, timeout: Duration) -> Result<u32, RequestError> {
        let sockets = &mut self.world.client.sockets;
        self.client.call::<StringCommand>(self.world.now, sockets, &Text(text), timeout)
    }

    /// Runs until so much was heard.
    fn hear(&mut self, count: usize) {
        let end = self.world.now + Duration::from_secs(100);
        while self.heard.len() < count {
            assert!(self.world.now < end, "{:?}", self.heard);
            let heard = &mut self.heard;
            let on = &mut |news: ClientEvent<'_>| heard.push(told(news));
            let client = self.client.poll(self.world.now, &mut self.world.client, on);
            let server = self.world.poll_server();
            if self.heard.len() < count {
                self.world.pass(client.into_iter().chain(server).min());
            }
        }
    }
}

#[test]
fn calls_are_answered_in_order_and_the_window_is_kept() {
    let mut caller = caller(1_000);
    assert_eq!(caller.string("early", SECOND), Err(RequestError::Closed));
    caller.open();
    for tag in 0..4 {
        assert_eq!(caller.string("hi", SECOND), Ok(tag));
    }
    assert_eq!(caller.string("hi", SECOND), Err(RequestError::Window));
    caller.hear(4);
    assert_eq!(caller.heard, ["0: Thank you.", "1: Thank you.", "2: Thank you.", "3: Thank you."]);
    assert_eq!(caller.string("hi", SECOND), Ok(4));
    caller.hear(5);
    caller.client.close(caller.world.now, &mut caller.world.client.sockets, SECOND);
    caller.hear(6);
    assert_eq!(caller.heard[5], "Closed(Local)");
    caller.world.assert_alive();
    caller.heard.clear();
    caller.open();
}

#[test]
fn closing_without_a_connection_does_nothing() {
    let mut caller = caller(1_000);
    let mut events = vec![];
    caller.client.close(caller.world.now, &mut caller.world.client.sockets, SECOND);
    assert_eq!(caller.client.deadline(), None);
    let end = caller.world.now + SECOND * 2;
    while caller.world.now < end {
        let on_event = &mut |event: ClientEvent<'_>| events.push(told(event));
        caller.client.poll(caller.world.now, &mut caller.world.client, on_event);
        caller.world.pass(Some(SECOND / 4));
    }
    assert!(events.is_empty(), "{events:?}");
    caller.open();

    caller.client.close(caller.world.now, &mut caller.world.client.sockets, SECOND);
    caller.hear(1);
    caller.client.close(caller.world.now, &mut caller.world.client.sockets, SECOND);
    assert_eq!(caller.client.deadline(), None, "it is closed already");
}

#[test]
fn closing_a_connection_that_the_server_ended_keeps_the_reason() {
    let mut caller = caller(1_000);
    caller.open();
    caller.world.server.stop(caller.world.now);
    caller.hear(1);
    assert!(caller.heard[0].contains("Stopping"), "{:?}", caller.heard);
    let deadline = caller.client.deadline();
    caller.client.close(caller.world.now, &mut caller.world.client.sockets, SECOND * 10);
    assert_eq!(caller.client.deadline(), deadline, "no later than without");
    caller.hear(2);
    assert_eq!(caller.heard[1], "Closed(Fault(End))");
}

#[test]
fn a_reset_is_reported_behind_the_replies_that_came_before_it() {
    let mut caller = caller(1_000);
    let handle = caller.world.stack.sockets.add(socket(4_096, 4_096));
    caller.world.stack.sockets.get_mut::<Socket<'_>>(handle).listen(7).unwrap();
    let at = IpEndpoint { port: 7, ..AT };
    caller.client.open(caller.world.now, &mut caller.world.client, at, 50_000, SECOND).unwrap();
    caller.hear(1);
    caller.string("one", SECOND).unwrap();
    caller.string("two", SECOND).unwrap();
    let peer = caller.world.stack.sockets.get_mut::<Socket<'_>>(handle);
    peer.send_slice(b"OK #0\nfine\n").unwrap();
    caller.world.poll_server();
    caller.world.stack.sockets.get_mut::<Socket<'_>>(handle).abort();
    caller.world.poll_server();
    caller.hear(3);
    assert_eq!(caller.heard[1..], ["0: fine", "Closed(Reset)"]);
    assert_eq!(caller.string("late", SECOND), Err(RequestError::Closed));
}

#[test]
fn hundreds_of_calls_wrap_in_every_ring() {
    let mut caller = caller(2_048);
    caller.open();
    let value = Complex::example();
    for round in 0..300 {
        let levels = Postcard(value.levels().unwrap());
        let sockets = &mut caller.world.client.sockets;
        caller.client.call::<ComplexCommand>(caller.world.now, sockets, &levels, SECOND).unwrap();
        caller.string(&"x".repeat(round), SECOND).unwrap();
        caller.hear(2);
        assert!(caller.heard[0].contains("Piece of cake!"), "{:?}", caller.heard);
        assert!(caller.heard[1].ends_with(": Thank you."), "{:?}", caller.heard);
        caller.heard.clear();
    }
}

#[test]
fn nobody_there_is_said_in_time() {
    let mut caller = caller(1_000);
    caller.world.stack.device.cut();
    let begun = caller.world.now;
    caller.client.open(begun, &mut caller.world.client, AT, 50_000, SECOND).unwrap();
    caller.hear(1);
    assert_eq!(caller.heard, ["Closed(TimedOut)"]);
    assert_eq!(caller.world.now - begun, SECOND);
}

#[test]
fn a_port_that_nobody_listens_on_is_refused() {
    let mut caller = caller(1_000);
    let at = IpEndpoint { port: 1, ..AT };
    caller.client.open(caller.world.now, &mut caller.world.client, at, 50_000, SECOND).unwrap();
    caller.hear(1);
    assert_eq!(caller.heard, ["Closed(Refused)"]);
    assert!(caller.client.open(caller.world.now, &mut caller.world.client, AT, 0, SECOND).is_err());
}

#[test]
fn a_call_that_is_not_answered_in_time_is_given_up_and_its_late_reply_skipped() {
    let mut caller = caller(1_000);
    caller.open();
    caller.world.wire.set_weather(Weather { delay: 300..=300, ..Weather::FAIR });
    assert_eq!(caller.string("slow", Duration::from_millis(500)), Ok(0));
    assert_eq!(caller.string("patient", SECOND * 2), Ok(1));
    caller.hear(2);
    assert_eq!(caller.heard, ["TimedOut { tag: 0 }", "1: Thank you."]);
}

#[test]
fn a_full_servers_busy_is_told() {
    let mut caller = caller(1_000);
    for _ in 0..SLOTS {
        caller.world.connect();
    }
    caller.world.run_for(SECOND);
    caller.client.open(caller.world.now, &mut caller.world.client, AT, 50_000, SECOND).unwrap();
    caller.hear(3);
    assert!(caller.heard[1].contains("Busy"), "{:?}", caller.heard);
    assert_eq!(caller.heard[2], "Closed(Fault(End))");
}

#[test]
fn a_server_that_stops_tells_and_closes() {
    let mut caller = caller(1_000);
    caller.open();
    caller.world.server.stop(caller.world.now + SECOND);
    caller.hear(2);
    assert!(caller.heard[0].contains("Stopping"), "{:?}", caller.heard);
    assert_eq!(caller.heard[1], "Closed(Fault(End))");
    assert_eq!(caller.string("late", SECOND), Err(RequestError::Closed));
}

/// A peer of raw bytes on the server's side, in place of the server: says `says` when it is
/// connected, then is silent.
fn peer_says(says: &[u8]) -> Heard {
    let mut caller = caller(1_000);
    let handle = caller.world.stack.sockets.add(socket(4_096, 16_384));
    let port = 7;
    caller.world.stack.sockets.get_mut::<Socket<'_>>(handle).listen(port).unwrap();
    let at = IpEndpoint { port, ..AT };
    caller.client.open(caller.world.now, &mut caller.world.client, at, 50_000, SECOND).unwrap();
    caller.hear(1);
    caller.string("hi", SECOND).unwrap();
    caller.world.stack.sockets.get_mut::<Socket<'_>>(handle).send_slice(says).unwrap();
    caller.hear(2);
    caller.heard.drain(..1);
    caller.heard
}

#[test]
fn servers_that_lie_are_found_out() {
    for (says, news) in [
        (&b"OK\nx\n"[..], "Closed(Fault(Grammar))"),
        (
            b"nonsense that is longer than any head may be, and has no end at all",
            "Closed(Fault(Grammar))",
        ),
        (b"OK 1 #0\nxy\n", "Closed(Fault(Desync))"),
        (b"OK #0\nfine\n", "0: fine"),
        (b"ERR #0\nnovelty\n", "0: no: failed"),
        (b"TICK\n1\n", "Event(Frame { name: \"TICK\", tag: None, body: Line([49]) })"),
        (b"OK #9\nlate\n", "TimedOut { tag: 0 }"),
        (b"", "TimedOut { tag: 0 }"),
    ] {
        assert_eq!(peer_says(says), [news], "{}", String::from_utf8_lossy(says));
    }
    let long = [b"OK 5000 #0\n", &[b'x'; 5_000][..], b"\n"].concat();
    assert_eq!(peer_says(&long), ["TooLarge { tag: 0, len: 5000 }"]);
}

/// What a blocking stream runs on here: while the one side waits, the other is polled.
struct Shared {
    world: Rc<RefCell<World>>,
}

impl Platform for Shared {
    fn now(&mut self) -> Instant {
        self.world.borrow().now
    }

    fn sleep(&mut self, longest: Option<Duration>) -> Result<(), ErrorKind> {
        let mut world = self.world.borrow_mut();
        let server = world.poll_server();
        world.pass(longest.into_iter().chain(server).min());
        Ok(())
    }
}

/// A stack beside the world's own, plugged in in its client's place.
fn blocking(test: impl FnOnce(&mut Stack<'static, End>, Shared)) {
    let world = World::fair();
    let mut stack = stack(world.client.device.clone(), 2, 7, world.now);
    test(&mut stack, Shared { world: Rc::new(RefCell::new(world)) });
}

#[test]
fn cores_blocking_front_calls_over_the_stream() {
    blocking(|stack, host| {
        let handle = stack.sockets.add(socket(1_000, 1_000));
        let mut stream = Stream::connect(stack, handle, host, AT, 50_000, SECOND).unwrap();
        let mut caller = Caller::<_, _, 4>::new(&mut stream, vec![0; 512], vec![0; 512], 1_000);
        for _ in 0..100 {
            caller.io().set_timeout(SECOND);
            let first = caller.send::<StringCommand>(&Text("hi")).unwrap();
            let value = Complex::example();
            let levels = Postcard(value.levels().unwrap());
            let second = caller.send::<ComplexCommand>(&levels).unwrap();
            assert_eq!(caller.receive(first).unwrap().0, "Thank you.");
            assert_eq!(Complex::from(caller.receive(second).unwrap().0), value);
        }
        match caller.call_named("FROB", &Text("x")) {
            Err(CallerError::Call(CallError::Refused(refusal))) => {
                assert_eq!(refusal.code, Code::UnknownCommand);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(stream.close(SECOND), Ok(()));
    });
}

#[test]
fn the_streams_deadline_is_one_for_all_pieces_and_passes() {
    blocking(|stack, host| {
        let world = Rc::clone(&host.world);
        let handle = stack.sockets.add(socket(1_000, 1_000));
        let mut stream = Stream::connect(stack, handle, host, AT, 50_000, SECOND).unwrap();
        let begun = world.borrow().now;
        stream.set_timeout(SECOND);
        stream.write_all(b"STRING 9\nhalf").unwrap();
        assert_eq!(stream.read(&mut [0; 9]), Err(ErrorKind::TimedOut));
        assert_eq!(world.borrow().now - begun, SECOND);
        assert_eq!(stream.read(&mut []), Ok(0));
        // The time that passed is no fault of the stream's.
        stream.set_timeout(SECOND);
        stream.write_all(b"-half\n").unwrap();
        let mut reply = [0; 14];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"OK\nThank you.\n");
        stream.shutdown();
        assert_eq!(stream.read(&mut [0; 9]), Ok(0), "the end");
    });
}

#[test]
fn the_stream_says_why_it_is_not_there() {
    blocking(|stack, host| {
        let world = Rc::clone(&host.world);
        let host = || Shared { world: Rc::clone(&world) };
        let handle = stack.sockets.add(socket(100, 100));
        let at = IpEndpoint { port: 1, ..AT };
        let refused = Stream::connect(stack, handle, host(), at, 50_000, SECOND).map(drop);
        assert_eq!(refused, Err(ErrorKind::ConnectionRefused));
        let invalid = Stream::connect(stack, handle, host(), AT, 0, SECOND).map(drop);
        assert_eq!(invalid, Err(ErrorKind::InvalidInput));
        world.borrow().stack.device.cut();
        let silent = Stream::connect(stack, handle, host(), AT, 50_001, SECOND).map(drop);
        assert_eq!(silent, Err(ErrorKind::TimedOut));
        let again = Stream::connect(stack, handle, host(), AT, 50_002, SECOND).map(drop);
        assert_eq!(again, Err(ErrorKind::TimedOut), "and the socket is closed");
    });
}
