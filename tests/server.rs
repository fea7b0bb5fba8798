//! `linecard serve` as a process, under the whole-system suite.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use linecard_suite::cases;
use linecard_suite::oracle::Limits;
use linecard_suite::peer::Peer;
use linecard_suite::prerequisite;
use linecard_suite::process::{self, Server};
use linecard_suite::target::Target;
use linecard_suite::vectors::Vectors;

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
const SOON: Duration = Duration::from_secs(30);

fn serve(options: &[&str]) -> Server {
    Server::start(LINECARD, &[&["serve", "--listen", "127.0.0.1:0"], options].concat())
}

fn peer(server: &Server) -> Peer {
    Peer::connect(&Target::desktop(server.addr)).expect("a connection")
}

#[test]
fn the_suite_passes() {
    let server = serve(&[]);
    let target = Target::desktop(server.addr);
    cases::assert_all_pass(&target, &cases::all(&target));
}

#[test]
fn the_suite_passes_with_the_limits_of_a_device() {
    let server = serve(&["--max-body", "2048", "--max-reply", "2048", "--skip-budget", "65536"]);
    let target = Target { limits: Limits::DEVICE, ..Target::desktop(server.addr) };
    cases::assert_all_pass(&target, &cases::all(&target));
}

#[test]
fn deadlines_are_kept() {
    // Long enough that a pause of the client, on a busy machine, isn't taken for a missed deadline.
    let server = serve(&["--frame-deadline", "1", "--idle-timeout", "1.5"]);
    let target = Target {
        frame_deadline: Some(Duration::from_secs(1)),
        idle_timeout: Some(Duration::from_millis(1_500)),
        ..Target::desktop(server.addr)
    };
    cases::assert_all_pass(&target, &cases::timed(&target));
}

#[test]
fn vectors_with_limits_pass_at_these_limits() {
    let mut seen: Vec<Limits> = Vec::new();
    for limits in Vectors::load().server.into_iter().filter_map(|vector| vector.limits) {
        if seen.contains(&limits) {
            continue;
        }
        seen.push(limits);
        let [body, reply, skip] =
            [limits.max_body, limits.max_reply, limits.skip_budget].map(|limit| limit.to_string());
        let server = serve(&["--max-body", &body, "--max-reply", &reply, "--skip-budget", &skip]);
        let target = Target { limits, ..Target::desktop(server.addr) };
        cases::assert_all_pass(&target, &cases::at_these_limits(&target));
    }
}

#[test]
fn a_connection_over_the_limit_is_answered_busy() {
    let server = serve(&["--max-connections", "2"]);
    let target =
        Target { connections: 2, connection_limit: Some(2), ..Target::desktop(server.addr) };
    let mut cases = cases::all(&target);
    cases.retain(|case| case.section == "8.5");
    cases::assert_all_pass(&target, &cases);
}

#[test]
fn a_peer_that_never_reads_is_reset() {
    let server = serve(&["--write-timeout", "0.5"]);
    let mut stream = TcpStream::connect(server.addr).expect("a connection");
    stream.set_write_timeout(Some(SOON)).expect("a time limit");
    let requests = b"STRING #1\nhi\n".repeat(10_000);
    let start = Instant::now();
    let error = loop {
        if let Err(error) = stream.write_all(&requests) {
            break error;
        }
    };
    assert!(
        matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        "not reset: {error}"
    );
    assert!(start.elapsed() >= Duration::from_millis(500), "reset after {:?}", start.elapsed());
    peer(&server).is_alive().expect("others are still served");
}

/// The server is stopped meanwhile: the kernel's queue must hold all of them.
#[cfg(target_os = "linux")]
#[test]
fn a_burst_of_a_thousand_connects_fits_the_queue() {
    use rustix::process::{Pid, Signal, kill_process};
    const BURST: usize = 1_000;
    if !limits_allow(BURST) {
        return;
    }
    let server = serve(&[]);
    let id = i32::try_from(server.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(id, Signal::STOP).expect("a signal");
    let start = Instant::now();
    let streams: Vec<TcpStream> = (0..BURST)
        .map(|_| TcpStream::connect_timeout(&server.addr, SOON).expect("a connection"))
        .collect();
    let took = start.elapsed();
    kill_process(id, Signal::CONT).expect("a signal");
    // The kernel repeats a connect after a second if the queue was full.
    assert!(took < Duration::from_millis(900), "took {took:?}");
    peer(&server).is_alive().expect("served after the burst");
    drop(streams);
}

#[test]
fn a_taken_port_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address").to_string();
    let ended = process::run(LINECARD, &["serve", "--listen", &addr], SOON);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.contains(&addr) && !ended.stderr.contains("panicked"), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn an_invalid_address_is_one_clear_line() {
    for addr in ["no-such-host.invalid:0", "127.0.0.1:65536", "127.0.0.1:http", "[::1"] {
        let ended = process::run(LINECARD, &["serve", "--listen", addr], SOON);
        assert!(matches!(ended.status, Some(1 | 2)), "{ended:?}");
        assert!(ended.stderr.contains(addr) && !ended.stderr.contains("panicked"), "{ended:?}");
        assert!(ended.stdout.is_empty(), "{ended:?}");
    }
}

#[test]
fn wrong_usage_is_status_2() {
    for args in [
        &["serve", "--nonsense"] as &[&str],
        &["serve", "--max-body", "many"],
        &["serve", "--max-body", "-1"],
        &["serve", "--frame-deadline", "soon"],
        &["serve", "--frame-deadline", "-1"],
        &["serve", "--frame-deadline", "NaN"],
        &["serve", "--max-connections"],
        &["nonsense"],
        &["call"],
        &["call", "127.0.0.1:1"],
        &["call", "127.0.0.1:1", "FROB", "text", "--payload", "file"],
        &["call", "127.0.0.1:1", "FROB", "text", "more"],
    ] {
        let ended = process::run(LINECARD, args, SOON);
        assert_eq!(ended.status, Some(2), "{args:?}: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{args:?}: {ended:?}");
    }
}

#[test]
fn an_address_without_a_host_is_every_interface() {
    let server = Server::start(LINECARD, &["serve", "--listen", ":0"]);
    let port = server.addr.port();
    let mut addrs = vec![SocketAddr::from(([127, 0, 0, 1], port))];
    if prerequisite::ipv6() {
        addrs.push(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port)));
    }
    for addr in addrs {
        let mut peer = Peer::connect(&Target::desktop(addr)).expect("a connection");
        peer.is_alive().unwrap_or_else(|error| panic!("{addr}: {error}"));
    }
}

#[test]
fn it_listens_on_the_given_address() {
    let mut places = vec!["localhost:0"];
    if prerequisite::ipv6() {
        places.push("[::1]:0");
    }
    for place in places {
        let server = Server::start(LINECARD, &["serve", "--listen", place]);
        assert!(server.addr.ip().is_loopback() && server.addr.port() != 0, "{}", server.addr);
        peer(&server).is_alive().expect("it serves");
    }
}

/// Whether the limits of this process and of the kernel's queue allow so many connections.
#[cfg(target_os = "linux")]
fn limits_allow(connections: usize) -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let queue = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap_or_default();
    let queue = queue.trim().parse().is_ok_and(|queue: usize| queue >= connections);
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let files = setrlimit(Resource::Nofile, raised).is_ok()
        && limit.maximum.is_none_or(|most| most >= 2 * connections as u64);
    if !(queue && files) {
        prerequisite::missing(
            "a burst needs `ulimit -Hn` of 2,000 and net.core.somaxconn of 1,000",
        );
    }
    queue && files
}
