//! How `linecard serve` stops (docs/PROTOCOL.md §8.6).
#![cfg(unix)]

use std::time::Duration;

use linecard_suite::oracle::{Body, Reply};
use linecard_suite::peer::Peer;
use linecard_suite::process::{Finished, Server};
use linecard_suite::target::Target;
use rustix::process::{Pid, Signal, kill_process};

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
/// How late a busy machine may be.
const LATE: Duration = Duration::from_secs(5);

fn serve(stop_timeout: &str) -> Server {
    Server::start(LINECARD, &["serve", "--listen", "127.0.0.1:0", "--stop-timeout", stop_timeout])
}

fn peer(server: &Server) -> Peer {
    Peer::connect(&Target::desktop(server.addr)).expect("a connection")
}

fn signal(server: &Server, signal: Signal) {
    let id = i32::try_from(server.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(id, signal).expect("a signal");
}

fn stopping() -> Reply {
    Reply::refusal("stopping", None)
}

fn thanks(tag: u32) -> Reply {
    Reply { tag: Some(tag), result: Ok(Body::Line(b"Thank you.".to_vec())) }
}

fn ends_cleanly(server: Server, stop_timeout: Duration) {
    let ended: Finished = server.wait(stop_timeout + LATE);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

/// A peer that closes when it gets `stopping` doesn't make the server wait.
fn stops_with_an_idle_peer(with: Signal) {
    let server = serve("20");
    let mut idle = peer(&server);
    idle.is_alive().expect("served");
    signal(&server, with);
    idle.expect_end(&[stopping()]).expect("stopping, and a clean end");
    drop(idle);
    ends_cleanly(server, Duration::ZERO);
}

#[test]
fn sigterm_stops_it_and_idle_peers_get_stopping() {
    stops_with_an_idle_peer(Signal::TERM);
}

#[test]
fn sigint_stops_it_and_idle_peers_get_stopping() {
    stops_with_an_idle_peer(Signal::INT);
}

#[test]
fn without_a_connection_it_stops_at_once() {
    let server = serve("20");
    signal(&server, Signal::TERM);
    ends_cleanly(server, Duration::ZERO);
}

#[test]
fn pipelined_requests_are_answered_until_stopping() {
    let server = serve("20");
    let mut peer = peer(&server);
    let requests: Vec<u8> =
        (0..20_000).flat_map(|tag| format!("STRING #{tag}\nhi\n").into_bytes()).collect();
    peer.send_in_background(requests, true).expect("a thread");
    peer.expect(&[thanks(0)]).expect("the first is answered");
    signal(&server, Signal::TERM);
    let mut replies = peer.rest().expect("whole replies and a clean end");
    if replies.len() < 19_999 {
        assert!(stopping().matches(&replies.pop().expect("a last reply")), "not stopping");
    } else {
        // All were answered before the signal came. Then there may be a `stopping`, or none.
        replies.truncate(19_999);
    }
    for (reply, tag) in replies.iter().zip(1..) {
        assert_eq!(*reply, thanks(tag));
    }
    drop(peer);
    ends_cleanly(server, Duration::ZERO);
}

#[test]
fn a_request_that_has_begun_may_be_finished() {
    let server = serve("20");
    let mut begun = peer(&server);
    begun.send(b"STRING #1\na\nSTRING #2\nha").expect("sent");
    // This reply shows that the server has read the half request after it.
    begun.expect(&[thanks(1)]).expect("answered");
    // So many that each worker has some. Once all got `stopping`, every worker is stopping.
    let mut idle: Vec<Peer> = (0..64).map(|_| peer(&server)).collect();
    idle.iter_mut().for_each(|idle| idle.is_alive().expect("served"));
    signal(&server, Signal::TERM);
    for idle in &mut idle {
        idle.expect_end(&[stopping()]).expect("stopping");
    }
    begun.send(b"lf\nSTRING #3\nnever begun\n").expect("sent");
    begun.expect_end(&[thanks(2), stopping()]).expect("finished, then stopping");
    drop((begun, idle));
    ends_cleanly(server, Duration::ZERO);
}

#[test]
fn a_request_that_is_never_finished_delays_no_stop() {
    let server = serve("2");
    let mut begun = peer(&server);
    begun.send(b"STRING #1\na\nSTRING #2\nha").expect("sent");
    begun.expect(&[thanks(1)]).expect("answered");
    signal(&server, Signal::TERM);
    begun.expect_end(&[stopping()]).expect("stopping");
    ends_cleanly(server, Duration::from_secs(2));
}

#[test]
fn a_peer_that_never_reads_delays_no_stop() {
    let server = serve("1");
    let mut never_reads = peer(&server);
    let requests = b"STRING #1\nhi\n".repeat(2_000_000);
    let taken =
        never_reads.send_until_blocked(&requests, Duration::from_millis(500)).expect("sent");
    assert!(taken < requests.len(), "{taken} bytes were taken while no reply was read");
    signal(&server, Signal::TERM);
    ends_cleanly(server, Duration::from_secs(1));
}

#[test]
fn after_a_stop_no_connection_is_accepted() {
    let server = serve("20");
    let addr = server.addr;
    let mut held = peer(&server);
    held.is_alive().expect("served");
    signal(&server, Signal::TERM);
    held.expect_end(&[stopping()]).expect("stopping");
    drop(held);
    ends_cleanly(server, Duration::ZERO);
    assert!(std::net::TcpStream::connect(addr).is_err(), "the port is still served");
}
