//! The images in QEMU: their output, their replies, and their errors. `examples/firmware/test`
//! builds them first.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use linecard_firmware_host::image::{
    CLIENT, CORE, COST, ECHO, ETHERNET, FAULT, Image, OVERFLOW, SERIAL,
};
use linecard_firmware_host::qemu::{self, Qemu, Wiring};
use linecard_firmware_host::{cost, image, load, panics};
use linecard_suite::peer::Peer;
use linecard_suite::prerequisite;
use linecard_suite::process::Server;
use linecard_suite::target::Target;

/// How long any board of these tests may run.
const LIMIT: Duration = Duration::from_mins(3);
/// How long a board may take, on a busy machine, for what it does at once.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The images' frame timeout, which is also the silence after which a link begins a new session.
const SILENCE: Duration = Duration::from_secs(10);

/// A running board; a server is ready. `None` where QEMU is missing, which was reported.
fn boot(image: Image, wiring: Wiring<'_>) -> Option<Qemu> {
    if let Err(error) = qemu::installed() {
        prerequisite::missing(&error);
        return None;
    }
    let mut qemu = Qemu::boot(image, wiring, LIMIT).expect("a board");
    if [CORE, SERIAL, ETHERNET].contains(&image) {
        qemu.wait_for("ready", TIMEOUT).expect("a board that starts");
    }
    Some(qemu)
}

fn ends_with_an_error(image: Image) {
    let Some(mut qemu) = boot(image, Wiring::Nothing) else { return };
    let (status, output) = qemu.wait_for_end(TIMEOUT).expect("an end");
    assert!(!status.success(), "{status}");
    let expected = image.expected_output().expect("an expected output");
    let output = String::from_utf8(output).expect("text");
    let expected = String::from_utf8(expected).expect("text");
    // Code addresses differ from compiler to compiler.
    let before_address = |text: &str| text.split(" 0x").next().map(str::to_owned);
    assert_eq!(before_address(&output), before_address(&expected), "{output}");
}

#[test]
fn a_stack_overflow_is_reported_and_ends_with_an_error() {
    ends_with_an_error(OVERFLOW);
}

#[test]
fn a_fault_is_reported_and_ends_with_an_error() {
    ends_with_an_error(FAULT);
}

#[test]
fn instructions_per_request_are_counted() {
    if let Err(error) = qemu::installed() {
        return prerequisite::missing(&error);
    }
    let mut qemu = Qemu::boot(COST, Wiring::Counting, LIMIT).expect("a board");
    let (status, output) = qemu.wait_for_end(TIMEOUT).expect("an end");
    assert!(status.success(), "{status}");
    // The times differ from compiler to compiler.
    let without_time = |output: Vec<u8>| -> Vec<String> {
        let output = String::from_utf8(output).expect("text");
        output.lines().map(|line| line.trim_end_matches(char::is_numeric).to_owned()).collect()
    };
    assert_eq!(
        without_time(output),
        without_time(COST.expected_output().expect("an expected output"))
    );
    let costs = cost::measure().expect("figures");
    let names: Vec<&str> = costs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["STRING", "COMPLEX"]);
    let twice = cost::measure().expect("figures");
    assert_eq!(costs, twice, "instructions, not time");
    assert!(
        costs.iter().all(|(_, instructions)| (500..50_000).contains(instructions)),
        "{costs:?}"
    );
}

#[test]
fn core_answers_from_memory() {
    let Some(qemu) = boot(CORE, Wiring::Nothing) else { return };
    let expected = CORE.expected_output().expect("an expected output");
    assert_eq!(qemu.output().escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[test]
fn the_servers_print_what_is_expected_and_end_when_they_are_dropped() {
    for (image, wiring) in [(SERIAL, Wiring::Uart(0)), (ETHERNET, Wiring::Server(0))] {
        let Some(mut qemu) = boot(image, wiring) else { return };
        let addr = qemu.addr().expect("an address");
        let mut peer = Peer::connect(&Target::device(addr)).expect("a connection");
        peer.is_alive().expect("an answer");
        qemu.check().expect("no fault");
        assert_eq!(qemu.output(), image.expected_output().expect("an expected output"));
        drop(qemu);
        assert!(TcpStream::connect(addr).is_err(), "QEMU still has the port");
    }
}

#[test]
fn the_time_limit_ends_qemu() {
    if qemu::installed().is_err() {
        return prerequisite::missing("QEMU is not installed");
    }
    let mut qemu =
        Qemu::boot(CORE, Wiring::Nothing, Duration::from_millis(1_500)).expect("a board");
    let (status, _) = qemu.wait_for_end(TIMEOUT).expect("an end");
    assert!(!status.success(), "{status}");
}

#[test]
fn the_rest_of_a_broken_frame_on_a_link_never_runs() {
    for broken in [&b"not a head\n"[..], b"STRING 2 #9\nabc\n"] {
        let Some(mut qemu) = boot(SERIAL, Wiring::Uart(0)) else { return };
        let mut line = SerialLine::open(qemu.addr().expect("an address"));
        assert_eq!(line.ask(b"STRING #1\nbefore\n"), "OK #1\nThank you.\n");
        // Its rest comes at once and goes on, with pauses shorter than the frame timeout.
        line.send(broken);
        line.send(b"STRING #2\nrest\n");
        let refusal = line.read_until_silent(SILENCE / 2);
        assert!(refusal.starts_with("ERR") && refusal.lines().count() == 2, "{refusal:?}");
        line.send(b"STRING #3\nrest\n");
        assert_eq!(line.read_until_silent(SILENCE * 7 / 10), "", "the rest ran");
        line.send(b"STRING #4\nrest\n");
        line.expect_recovery(b"STRING #5\nafter\n", "OK #5\nThank you.\n");
        qemu.check().expect("no fault");
    }
}

/// A break is received as a framing error, which the image treats as it does an overrun. (QEMU's
/// UART has flow control, so there is no overrun.)
#[test]
fn the_rest_of_a_frame_damaged_on_a_link_never_runs() {
    let Some(mut qemu) = boot(SERIAL, Wiring::Uart(0)) else { return };
    let mut line = SerialLine::open(qemu.addr().expect("an address"));
    line.send(b"STRING #1\nbefore\nSTRING 40 #2\ndam");
    assert_eq!(line.read_len(b"OK #1\nThank you.\n".len()), "OK #1\nThank you.\n");
    qemu.send_break().expect("a break");
    line.send(b"aged\nSTRING #3\nrest\n");
    assert_eq!(line.read_until_silent(SILENCE * 7 / 10), "", "the rest ran");
    line.send(b"STRING #4\nrest\n");
    line.expect_recovery(b"STRING #5\nafter\n", "OK #5\nThank you.\n");
    qemu.check().expect("no fault");
}

#[test]
fn an_unfinished_frame_on_a_link_times_out_and_the_link_recovers() {
    let Some(mut qemu) = boot(SERIAL, Wiring::Uart(0)) else { return };
    let mut line = SerialLine::open(qemu.addr().expect("an address"));
    let start = Instant::now();
    line.send(b"STRING #1\nhalf a li");
    assert_eq!(line.read_len(b"ERR\ntimeout\n".len()), "ERR\ntimeout\n");
    assert!(start.elapsed() + Duration::from_millis(50) >= SILENCE, "{:?}", start.elapsed());
    line.expect_recovery(b"STRING #2\nafter\n", "OK #2\nThank you.\n");
}

#[test]
fn a_link_survives_many_frames() {
    let Some(mut qemu) = boot(SERIAL, Wiring::Uart(0)) else { return };
    let target = Target::device(qemu.addr().expect("an address"));
    load::frames_on_a_link(&target, 2_000, 99).expect("replies as the oracle says");
    qemu.check().expect("no fault");
}

#[test]
fn the_board_calls_a_desktop_server() {
    let Some(linecard) = std::env::var_os("LINECARD") else {
        return prerequisite::missing("no desktop server; examples/firmware/test builds one");
    };
    let linecard = linecard.into_string().expect("a path in Unicode");
    let server = Server::start(&linecard, &["serve", "--listen", "127.0.0.1:0"]);
    let Some(mut qemu) = boot(CLIENT, Wiring::Client(&server.addr.port().to_string())) else {
        return;
    };
    let (status, output) = qemu.wait_for_end(TIMEOUT).expect("an end");
    let expected = CLIENT.expected_output().expect("an expected output");
    assert_eq!(String::from_utf8_lossy(&output), String::from_utf8_lossy(&expected));
    assert!(status.success(), "{status}");
}

#[test]
fn a_client_without_a_server_reports_it() {
    let Some(mut qemu) = boot(CLIENT, Wiring::Client("1")) else { return };
    let (status, output) = qemu.wait_for_end(TIMEOUT).expect("an end");
    assert_eq!(String::from_utf8_lossy(&output), "client: can't connect\n");
    assert!(!status.success(), "{status}");
}

#[test]
fn the_serial_image_cannot_panic() {
    let found = panics::find(SERIAL).expect("the serial image: build it first");
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "panic routines in the serial image:\n{}", found.join("\n"));
}

#[test]
fn the_search_for_panic_routines_finds_those_of_smoltcp() {
    let found = panics::find(ECHO).expect("the echo: build it first");
    let routine = found.iter().find(|panic| panic.routine.contains("panic_fmt"));
    assert!(!routine.expect("smoltcp can panic").callers.is_empty(), "no caller");
    let called =
        found.iter().flat_map(|panic| &panic.callers).any(|caller| caller.contains("smoltcp"));
    assert!(called, "{found:?}");
}

#[test]
fn run_answers_at_the_address_it_prints_and_ends_qemu() {
    if let Err(error) = qemu::installed() {
        return prerequisite::missing(&error);
    }
    let run = image::firmware().join("run");
    for args in [&["0"][..], &["--serial", "0"]] {
        let server = Server::start(run.to_str().expect("a path in Unicode"), args);
        let addr = server.addr;
        let mut peer = Peer::connect(&Target::device(addr)).expect("a connection");
        peer.is_alive().expect("an answer");
        let id = server.id().to_string();
        let kill = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(kill.expect("a signal").success());
        let finished = server.wait(TIMEOUT);
        assert_eq!(finished.status, Some(0), "{}", finished.stderr);
        assert!(TcpStream::connect(addr).is_err(), "QEMU still runs");
    }
}

/// The other end of the board's UART.
struct SerialLine(TcpStream);

impl SerialLine {
    fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("the UART's other end");
        stream.set_nodelay(true).expect("no delay");
        Self(stream)
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("to send");
    }

    fn ask(&mut self, request: &[u8]) -> String {
        self.send(request);
        self.read_len(b"OK #1\nThank you.\n".len())
    }

    fn read_len(&mut self, len: usize) -> String {
        let mut bytes = vec![0; len];
        self.0.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        self.0.read_exact(&mut bytes).expect("a reply");
        String::from_utf8(bytes).expect("text")
    }

    /// After a frame timeout of silence, in which nothing may come, the board answers.
    ///
    /// The board's clock counts ticks, which a busy host delays. A request that comes too early for
    /// it is discarded and makes the silence start again.
    fn expect_recovery(&mut self, request: &[u8], reply: &str) {
        for _attempt in 0..4 {
            assert_eq!(self.read_until_silent(SILENCE + Duration::from_secs(2)), "", "not silent");
            self.send(request);
            let received = self.read_until_silent(Duration::from_secs(1));
            if !received.is_empty() {
                assert_eq!(received, reply);
                return;
            }
        }
        panic!("the link does not recover");
    }

    /// Reads until nothing has come for `silence`.
    fn read_until_silent(&mut self, silence: Duration) -> String {
        let mut bytes = Vec::new();
        let mut chunk = [0; 256];
        self.0.set_read_timeout(Some(silence)).expect("a timeout");
        while let Ok(len @ 1..) = self.0.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..len]);
        }
        String::from_utf8(bytes).expect("text")
    }
}
