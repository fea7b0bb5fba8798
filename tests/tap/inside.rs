//! The tests that tests/tap.rs runs inside a network namespace with tap0 up.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use linecard_suite::cases;
use linecard_suite::prerequisite;
use linecard_suite::process::{self, Finished, Server};
use linecard_suite::target::Target;
use rustix::process::{Pid, Signal, kill_process};

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
/// Connections that the example serves at once.
const SLOTS: usize = 8;
const LIMIT: Duration = Duration::from_mins(2);

fn example(name: &str) -> String {
    let linecard = PathBuf::from(LINECARD);
    linecard.with_file_name("examples").join(name).to_str().expect("UTF-8").to_owned()
}

fn tap_server(args: &[&str]) -> Server {
    Server::start(&example("tap_server"), args)
}

fn call(args: &[&str]) -> Finished {
    process::run(LINECARD, &[&["call"], args].concat(), LIMIT)
}

fn tap_client(args: &[&str]) -> Finished {
    process::run(&example("tap_client"), args, LIMIT)
}

fn assert_thanked(ended: &Finished) {
    assert!(ended.status == Some(0) && ended.stdout == b"Thank you.\n", "{ended:?}");
}

fn assert_struct_returned(ended: &Finished) {
    let text = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status == Some(0) && text.contains("Piece of cake!"), "{ended:?}");
}

fn assert_fails(ended: &Finished, message: &str) {
    assert!(ended.status == Some(1) && ended.stdout.is_empty(), "{ended:?}");
    assert!(ended.stderr.lines().count() == 1 && ended.stderr.contains(message), "{ended:?}");
}

fn target(server: &Server) -> Target {
    Target { connections: SLOTS, connection_limit: Some(SLOTS), ..Target::device(server.addr) }
}

/// All slots answer at once.
fn assert_alive(addr: SocketAddr) {
    assert!(are_alive(addr));
}

/// Whether all slots answer at once. They don't while one is still closing.
fn are_alive(addr: SocketAddr) -> bool {
    let streams: io::Result<Vec<_>> = (0..SLOTS).map(|_| try_to_connect(addr)).collect();
    let Ok(mut streams) = streams else { return false };
    streams.iter_mut().all(|stream| {
        let mut reply = Vec::new();
        let _refused = stream.write_all(b"STRING\nhi\n");
        let _reset = stream.take(14).read_to_end(&mut reply);
        reply == b"OK\nThank you.\n"
    })
}

fn connect(addr: SocketAddr) -> TcpStream {
    try_to_connect(addr).expect("to connect")
}

fn try_to_connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&addr, Duration::from_secs(20))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// The addresses, without the last one if the kernel has no IPv6.
fn with_ipv6<'a>(addresses: &'a [&'a str]) -> &'a [&'a str] {
    let known = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    if known.contains("tap0") {
        return addresses;
    }
    prerequisite::missing("no IPv6 in this kernel: sysctl net.ipv6.conf.all.disable_ipv6=0");
    &addresses[..addresses.len() - 1]
}

fn ip(args: &str) {
    let status = Command::new("ip").args(args.split(' ')).status().expect("ip");
    assert!(status.success(), "ip {args}");
}

#[test]
#[ignore = "only inside examples/tap"]
fn the_suite_passes() {
    let server = tap_server(&[]);
    // Cases that wait longer are in the next test, which runs at the same time.
    let target = Target { longest_wait: Duration::from_secs(2), ..target(&server) };
    cases::assert_all_pass(&target, &cases::all(&target));
    assert_alive(server.addr);
}

#[test]
#[ignore = "only inside examples/tap"]
fn the_suites_timeouts_pass() {
    let server = tap_server(&["--frame-deadline", "1", "--idle-timeout", "3"]);
    let target = Target {
        frame_deadline: Some(Duration::from_secs(1)),
        idle_timeout: Some(Duration::from_secs(3)),
        ..target(&server)
    };
    cases::assert_all_pass(&target, &cases::timed(&target));
    assert_alive(server.addr);
}

#[test]
#[ignore = "only inside examples/tap"]
fn the_tool_calls_the_example_server() {
    let mut server = tap_server(&[]);
    for address in with_ipv6(&["192.168.69.1", "192.168.69.1:61000", "[fd69::1]:61000"]) {
        assert_thanked(&call(&[address, "STRING", "hi"]));
        assert_struct_returned(&call(&[address, "COMPLEX"]));
    }
    assert_fails(&call(&["192.168.69.1", "FROB", "x"]), "unknown-command");
    let _ = call(&["192.168.69.1", "STRING", "hi"]);

    // A client that is connected when the server stops is notified.
    let mut stream = connect(server.addr);
    stream.write_all(b"STRING\nhi\n").expect("to send");
    let mut reply = [0; 14];
    stream.read_exact(&mut reply).expect("a reply");
    assert!(server.is_running());
    let pid = Pid::from_raw(i32::try_from(server.id()).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::TERM).expect("to signal");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("the end");
    assert_eq!(rest, "ERR\nstopping\n");
    drop(stream);
    let ended = server.wait(LIMIT);
    assert!(ended.status == Some(0) && ended.stderr.is_empty(), "{ended:?}");
}

#[test]
#[ignore = "only inside examples/tap"]
fn the_example_client_calls_the_tools_server() {
    let server = Server::start(LINECARD, &["serve", "--listen", ":0"]);
    let port = server.addr.port().to_string();
    for address in with_ipv6(&["192.168.69.100", "fd69::100"]) {
        let at = ["--port", &port, address];
        assert_thanked(&tap_client(&[&at[..], &["STRING", "hi"]].concat()));
        assert_struct_returned(&tap_client(&[&at[..], &["COMPLEX"]].concat()));
    }
    let at = format!("192.168.69.100:{port}");
    assert_fails(&tap_client(&[&at, "FROB", "x"]), "unknown-command");
    assert_fails(&tap_client(&["192.168.69.100:1", "STRING", "x"]), "refused");
    assert_fails(&tap_client(&["--timeout", "1", "192.168.69.77", "STRING", "x"]), "no answer");

    let file = std::env::temp_dir().join(format!("linecard-tap-{}.pcap", std::process::id()));
    let path = file.to_str().expect("UTF-8");
    assert_thanked(&tap_client(&["--pcap", path, &at, "STRING", "hi"]));
    let capture = std::fs::read(&file).expect("the capture");
    std::fs::remove_file(&file).expect("to remove it");
    assert!(capture.len() > 500 && capture[..4] == 0xa1b2_c3d4_u32.to_ne_bytes(), "{capture:?}");
    assert!(capture.windows(10).any(|bytes| bytes == b"Thank you."));
    let cut = tap_client(&["--pcap", "/dev/full", &at, "STRING", "hi"]);
    assert!(cut.stdout == b"Thank you.\n" && cut.status == Some(1), "{cut:?}");
    assert!(cut.stderr.lines().count() == 1 && cut.stderr.contains("/dev/full"), "{cut:?}");
}

#[test]
#[ignore = "only inside examples/tap"]
fn after_thousands_of_connects_and_resets_every_slot_is_alive() {
    let server = tap_server(&[]);
    for round in 0..3_000 {
        let mut stream = connect(server.addr);
        match round % 4 {
            // The reply is not read, so closing resets the connection.
            0 => {
                stream.write_all(b"STRING\nhi\n").expect("to send");
                stream.peek(&mut [0]).expect("a reply");
            }
            1 => stream.write_all(b"STRING 5\nhi").expect("to send"),
            2 => {}
            _ => {
                stream.write_all(b"STRING\nhi\n").expect("to send");
                stream.read_exact(&mut [0; 14]).expect("a reply");
            }
        }
    }
    assert_alive(server.addr);
}

#[test]
#[ignore = "only inside examples/tap"]
fn among_hostile_peers_a_client_is_answered_and_every_slot_is_alive() {
    let server = tap_server(&["--frame-deadline", "1"]);
    let mut client = connect(server.addr);
    let over = AtomicBool::new(false);
    // Six slots for them, one for the client, and one that stays free.
    let attackers: [Hostile; 6] =
        [send_slowly, send_slowly, ignore_replies, ignore_replies, reset, send_garbage];
    let acts = attackers.map(|_| AtomicUsize::new(0));
    thread::scope(|scope| {
        for (attacker, acts) in attackers.into_iter().zip(&acts) {
            let (over, addr) = (&over, server.addr);
            scope.spawn(move || {
                while !over.load(Relaxed) {
                    // It is refused, reset or timed out, and connects again.
                    let _outcome =
                        try_to_connect(addr).and_then(|stream| attacker(stream, over, acts));
                }
            });
        }
        let _guard = SetOnDrop(&over);
        let end = Instant::now() + Duration::from_secs(4);
        while Instant::now() < end {
            client.write_all(b"STRING\nhi\n").expect("to send");
            let mut reply = [0; 14];
            client.read_exact(&mut reply).expect("a reply");
            assert_eq!(&reply, b"OK\nThank you.\n");
        }
    });
    assert!(
        acts.iter().all(|acts| acts.load(Relaxed) > 10),
        "a hostile peer did too little: {acts:?}"
    );
    drop(client);
    let end = Instant::now() + Duration::from_secs(20);
    while !are_alive(server.addr) {
        assert!(Instant::now() < end, "a slot is lost");
    }
}

/// Counts its actions.
type Hostile = fn(TcpStream, &AtomicBool, &AtomicUsize) -> io::Result<()>;

/// Ends the hostile peers, also when the client fails.
struct SetOnDrop<'f>(&'f AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Sends a frame that never ends, one byte at a time.
fn send_slowly(mut stream: TcpStream, over: &AtomicBool, acts: &AtomicUsize) -> io::Result<()> {
    stream.write_all(b"STRING\n")?;
    while !over.load(Relaxed) {
        stream.write_all(b"x")?;
        acts.fetch_add(1, Relaxed);
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Sends requests and never reads a reply.
fn ignore_replies(mut stream: TcpStream, over: &AtomicBool, acts: &AtomicUsize) -> io::Result<()> {
    stream.set_write_timeout(Some(Duration::from_millis(100)))?;
    while !over.load(Relaxed) {
        acts.fetch_add(1, Relaxed);
        match stream.write_all(&b"STRING\nhi\n".repeat(100)) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Closes with an unread reply, which resets the connection.
fn reset(mut stream: TcpStream, _: &AtomicBool, acts: &AtomicUsize) -> io::Result<()> {
    stream.write_all(b"STRING\nhi\n")?;
    let mut reply = [0; 2];
    stream.peek(&mut reply)?;
    acts.fetch_add(usize::from(reply == *b"OK"), Relaxed);
    Ok(())
}

fn send_garbage(mut stream: TcpStream, _: &AtomicBool, acts: &AtomicUsize) -> io::Result<()> {
    stream.write_all(b"COMPLEX 3\n\xff\xff\xff\nFROB\n\xff\n9 9 9\n")?;
    let mut replies = Vec::new();
    stream.read_to_end(&mut replies)?;
    acts.fetch_add(usize::from(replies.ends_with(b"bad-head\n")), Relaxed);
    Ok(())
}

#[test]
#[ignore = "only inside examples/tap"]
fn with_loss_and_corruption_every_call_completes_and_no_reply_is_wrong() {
    ip("link set tap0 address 02:00:00:00:00:64");
    ip("neighbour replace 192.168.69.1 lladdr 02:00:00:00:00:01 dev tap0 nud permanent");
    let faults = ["--drop-chance", "10", "--corrupt-chance", "10"];
    let neighbour = ["--neighbour", "192.168.69.100=02:00:00:00:00:64"];
    let _server = tap_server(&[&faults[..], &neighbour].concat());
    let start = Instant::now();
    for round in 0..12 {
        let ended = match round % 2 {
            0 => call(&["192.168.69.1", "STRING", "hi", "--timeout", "60"]),
            _ => call(&["192.168.69.1", "COMPLEX", "--timeout", "60"]),
        };
        if round % 2 == 0 { assert_thanked(&ended) } else { assert_struct_returned(&ended) }
    }
    eprintln!("12 calls in {:?}", start.elapsed());
}

#[test]
#[ignore = "only inside examples/tap"]
fn a_deleted_device_ends_the_server_with_one_line() {
    let server = tap_server(&[]);
    ip("link delete tap0");
    assert_fails(&server.wait(LIMIT), "tap_server: ");
}

#[test]
#[ignore = "only inside examples/tap"]
fn each_wrong_option_is_reported_in_one_line() {
    let server = tap_server(&[]);
    let server_with = |args: &[&str]| process::run(&example("tap_server"), args, LIMIT);
    assert_fails(&server_with(&[]), "another process");
    drop(server);
    assert_fails(&server_with(&["--tap", "a-name-much-too-long"]), "1 to 15");
    assert_fails(&server_with(&["--tap", "lo"]), "not a TAP device");
    assert_fails(&server_with(&["--ip", "nonsense"]), "192.168.69.1/24");
    assert_fails(&server_with(&["--ip", "224.0.0.1/24"]), "192.168.69.1/24");
    assert_fails(&server_with(&["--gateway", "nonsense"]), "192.168.69.100");
    assert_fails(&server_with(&["--neighbour", "nonsense"]), "02:00:00:00:00:64");
    assert_fails(&server_with(&["--pcap", "/nowhere/capture"]), "/nowhere/capture");
    assert_fails(&tap_client(&["nonsense", "STRING", "hi"]), "192.168.69.100");
    assert_eq!(server_with(&["--no-such-option"]).status, Some(2));
}
