//! A client that connects again by itself, against a server process that is killed and started, and
//! against scripted devices.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use linecard_demo::StringCommand;
use linecard_std::protocol::{CallError, Text};
use linecard_std::{ClientConfig, ConnectionState, Error, ReconnectConfig, ReconnectingClient};
use linecard_suite::process::Server;

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");

fn serve(at: &str) -> Server {
    Server::start(LINECARD, &["serve", "--listen", at])
}

/// Quick retries, and a probe before each call.
fn quick() -> ReconnectConfig {
    ReconnectConfig {
        client: ClientConfig { call_timeout: Duration::from_secs(30), ..ClientConfig::default() },
        first_backoff: Duration::from_millis(1),
        max_backoff: Duration::from_millis(20),
        max_attempts: u32::MAX,
        probe_after: Duration::ZERO,
    }
}

fn call(client: &mut ReconnectingClient) -> Result<String, Error> {
    client.call::<StringCommand>(&Text("hi")).map(|reply| reply.0.to_owned())
}

/// A device on a port of its own: each connection gets its answers, a reply to each request, and is
/// then closed. Returns the first line of each request, by connection.
fn device(
    connections: &'static [&'static [&'static str]],
) -> (SocketAddr, JoinHandle<Vec<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    let thread = thread::spawn(move || {
        let serve_one = |replies: &&[&str]| {
            let (stream, _) = listener.accept().expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a clone")).lines();
            let mut heads = Vec::new();
            let mut replies = replies.iter();
            while let Some(Ok(head)) = lines.next() {
                let _body = lines.next();
                let tag = head.split(' ').next_back().unwrap_or_default().to_owned();
                heads.push(head);
                let Some(reply) = replies.next() else { break };
                let (status, body) = reply.split_once(' ').expect("a status and a body");
                write!(&stream, "{status} {tag}\n{body}\n").expect("it is written");
                if replies.len() == 0 {
                    break;
                }
            }
            heads
        };
        connections.iter().map(serve_one).collect()
    });
    (addr, thread)
}

#[test]
fn the_call_after_a_restart_connects_again() {
    let server = serve("127.0.0.1:0");
    let at = server.at();
    let mut client = ReconnectingClient::new(&at, quick());
    assert_eq!(client.state(), ConnectionState::Disconnected { failures: 0 });
    assert_eq!(call(&mut client).expect("served"), "Thank you.");
    assert_eq!(client.state(), ConnectionState::Connected);
    drop(server);
    let restarted = thread::spawn({
        let at = at.clone();
        move || serve(&at)
    });
    // It attempts to connect until the server is there again.
    assert_eq!(call(&mut client).expect("served again"), "Thank you.");
    assert_eq!(client.state(), ConnectionState::Connected);
    client.keep_alive().expect("it is there");
    drop(restarted.join().expect("started"));
    let once = ReconnectConfig { max_attempts: 1, ..quick() };
    ReconnectingClient::new(at, once).keep_alive().expect_err("it is not there");
}

#[test]
fn a_call_without_a_reply_fails_and_is_not_repeated() {
    let config = ReconnectConfig { probe_after: Duration::MAX, ..quick() };
    let (addr, device) = device(&[&["OK one"], &[], &["OK three"]]);
    let mut client = ReconnectingClient::new(addr.to_string(), config);
    assert_eq!(call(&mut client).expect("answered"), "one");
    // The device has closed the first connection: without a probe the call fails on it.
    let lost = call(&mut client).expect_err("no reply");
    assert!(matches!(lost, Error::Call(CallError::Closed(_)) | Error::Io(_)), "{lost}");
    assert_eq!(client.state(), ConnectionState::Disconnected { failures: 0 });
    let unanswered = call(&mut client).expect_err("no reply");
    assert!(matches!(unanswered, Error::Call(CallError::Closed(_))), "{unanswered}");
    assert_eq!(call(&mut client).expect("answered"), "three");
    let heads = device.join().expect("it ended");
    assert_eq!(heads, [["STRING #0"], ["STRING #0"], ["STRING #0"]], "each request came once");
}

#[test]
fn a_probe_finds_a_lost_connection_before_the_call_is_made() {
    let (addr, device) = device(&[&["OK one"], &["OK two"]]);
    let mut client = ReconnectingClient::new(addr.to_string(), quick());
    assert_eq!(call(&mut client).expect("answered"), "one");
    assert_eq!(call(&mut client).expect("answered on a new connection"), "two");
    assert_eq!(device.join().expect("it ended"), [["STRING #0"], ["STRING #0"]]);
}

#[test]
fn an_unknown_probe_is_an_answer() {
    let (addr, device) = device(&[&["OK one", "ERR unknown-command LC.PING", "OK two"]]);
    let mut client = ReconnectingClient::new(addr.to_string(), quick());
    assert_eq!(call(&mut client).expect("answered"), "one");
    assert_eq!(call(&mut client).expect("answered on the same connection"), "two");
    assert_eq!(device.join().expect("it ended"), [["STRING #0", "LC.PING #1", "STRING #2"]]);
}

#[test]
fn a_wrong_address_is_an_error_after_the_attempts() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let config = ReconnectConfig { max_attempts: 3, ..quick() };
    let mut client = ReconnectingClient::new(free.to_string(), config);
    let error = call(&mut client).expect_err("nobody listens");
    assert!(matches!(&error, Error::Connect(at, _) if *at == free.to_string()), "{error}");
    assert_eq!(client.state(), ConnectionState::Disconnected { failures: 3 });
    let mut client = ReconnectingClient::new("not an address:x", quick());
    let error = call(&mut client).expect_err("no address");
    assert!(matches!(error, Error::Address(_)), "{error}");
}

#[test]
fn a_call_ends_at_its_deadline_though_attempts_are_left() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let client =
        ClientConfig { call_timeout: Duration::from_millis(50), ..ClientConfig::default() };
    let mut client =
        ReconnectingClient::new(free.to_string(), ReconnectConfig { client, ..quick() });
    let error = call(&mut client).expect_err("nobody listens");
    assert!(matches!(error, Error::Connect(..)), "{error}");
}
