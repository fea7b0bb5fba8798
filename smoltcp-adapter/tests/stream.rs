//! The blocking stream, by itself and under core's blocking front.

#![cfg(feature = "blocking")]

mod sim;

use std::cell::RefCell;
use std::rc::Rc;

use embedded_io::{ErrorKind, Read, Write};
use linecard_core::blocking::{Caller, CallerError};
use linecard_core::{CallError, Code, Postcard, Text};
use linecard_demo::{Complex, ComplexCommand, StringCommand};
use linecard_smoltcp::{Platform, Stack, Stream};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use sim::link::Port;
use sim::{PORT, SERVER, Sim, socket, stack};

const SECOND: Duration = Duration::from_secs(1);
const ENDPOINT: IpEndpoint = IpEndpoint { addr: IpAddress::Ipv4(SERVER), port: PORT };

/// Polls the simulation's server while the stream's side sleeps.
#[derive(Clone)]
struct SharedSim(Rc<RefCell<Sim>>);

impl Platform for SharedSim {
    fn now(&mut self) -> Instant {
        self.0.borrow().now
    }

    fn sleep(&mut self, longest: Option<Duration>) -> Result<(), ErrorKind> {
        let mut sim = self.0.borrow_mut();
        let server = sim.poll_server();
        sim.sleep(longest.into_iter().chain(server).min());
        Ok(())
    }
}

/// A stack at the port of the simulation's client, and the simulation.
fn fixture() -> (Stack<'static, Port>, SharedSim) {
    let sim = Sim::new();
    let stack = stack(sim.client_stack.device.clone(), 2, 7, sim.now);
    (stack, SharedSim(Rc::new(RefCell::new(sim))))
}

#[test]
fn cores_blocking_front_calls_over_the_stream() {
    let (mut stack, sim) = fixture();
    let handle = stack.sockets.add(socket(1_000, 1_000));
    let mut stream = Stream::connect(&mut stack, handle, sim, ENDPOINT, 50_000, SECOND).unwrap();
    let mut caller = Caller::<_, _, 4>::new(&mut stream, vec![0; 512], vec![0; 512], 1_000);
    for _ in 0..100 {
        caller.io().set_timeout(SECOND);
        let first = caller.send::<StringCommand>(&Text("hi")).unwrap();
        let value = Complex::sample();
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
}

#[test]
fn one_deadline_holds_for_a_whole_call_and_a_later_one_can_be_set() {
    let (mut stack, sim) = fixture();
    let now = || sim.0.borrow().now;
    let handle = stack.sockets.add(socket(1_000, 1_000));
    let mut stream =
        Stream::connect(&mut stack, handle, sim.clone(), ENDPOINT, 50_000, SECOND).unwrap();
    let start = now();
    stream.set_timeout(SECOND);
    stream.write_all(b"STRING 9\nhalf").unwrap();
    assert_eq!(stream.read(&mut [0; 9]), Err(ErrorKind::TimedOut));
    assert_eq!(now() - start, SECOND);
    assert_eq!(stream.read(&mut []), Ok(0));
    stream.set_timeout(SECOND);
    stream.write_all(b"-half\n").unwrap();
    let mut reply = [0; 14];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"OK\nThank you.\n");
    stream.shutdown();
    assert_eq!(stream.read(&mut [0; 9]), Ok(0), "the end of the stream");
}

#[test]
fn each_reason_not_to_connect_has_its_error() {
    let (mut stack, sim) = fixture();
    let handle = stack.sockets.add(socket(100, 100));
    let mut connect = |remote_port, local_port| {
        let remote = IpEndpoint { port: remote_port, ..ENDPOINT };
        Stream::connect(&mut stack, handle, sim.clone(), remote, local_port, SECOND).map(drop)
    };
    assert_eq!(connect(1, 50_000), Err(ErrorKind::ConnectionRefused));
    assert_eq!(connect(PORT, 0), Err(ErrorKind::InvalidInput));
    sim.0.borrow().server_stack.device.disconnect();
    assert_eq!(connect(PORT, 50_001), Err(ErrorKind::TimedOut));
    assert_eq!(connect(PORT, 50_002), Err(ErrorKind::TimedOut), "the socket was closed again");
}
