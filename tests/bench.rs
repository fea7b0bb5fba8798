//! `linecard bench`: its figures, and what it makes of servers that don't answer as they should.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use linecard_suite::process::{self, Finished, Server};
use serde_json::Value;

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
const REQUEST: &[u8] = b"STRING\nAdditional data.\n";
const REPLY: &[u8] = b"OK\nThank you.\n";

fn serve(options: &[&str]) -> Server {
    Server::start(LINECARD, &[&["serve", "--listen", "127.0.0.1:0"], options].concat())
}

fn bench(to: &str, options: &[&str]) -> Finished {
    process::run(LINECARD, &[&["bench", to], options].concat(), Duration::from_mins(1))
}

fn figures(ended: &Finished) -> Value {
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn count(figures: &Value, name: &str) -> u64 {
    figures[name].as_u64().unwrap_or_else(|| panic!("no {name} in {figures}"))
}

fn micros(figures: &Value, quantile: &str) -> f64 {
    figures["latency_us"][quantile].as_f64().unwrap_or_else(|| panic!("no {quantile}: {figures}"))
}

/// What it reports of a load that all goes well.
fn well(to: &str, options: &[&str]) -> Value {
    let ended = bench(to, &[options, &["--json"]].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
    let figures = figures(&ended);
    assert_eq!(count(&figures, "errors"), 0, "{figures}");
    let rising = ["p50", "p90", "p99", "p99.9", "max"].map(|quantile| micros(&figures, quantile));
    assert!(rising.is_sorted() && rising[0] > 0.0, "{figures}");
    figures
}

#[test]
fn both_commands_at_any_depth() {
    let server = serve(&[]);
    for command in ["STRING", "COMPLEX"] {
        for (connections, depth) in [("1", "1"), ("3", "64"), ("2", "5000")] {
            let options = ["--command", command, "--connections", connections, "--depth", depth];
            let figures = well(&server.at(), &[&options[..], &["--seconds", "0.2"]].concat());
            assert_eq!(figures["command"], command);
            let requests = count(&figures, "requests");
            assert!(requests >= 1, "{figures}");
            let seconds = figures["seconds"].as_f64().expect("seconds");
            let rate = figures["requests_per_second"].as_f64().expect("a rate");
            #[expect(clippy::cast_precision_loss, reason = "some thousands")]
            let expected = requests as f64 / seconds;
            assert!((rate / expected - 1.0).abs() < 0.01, "{figures}");
        }
    }
}

#[test]
fn a_server_with_a_devices_limits() {
    let server = serve(&["--max-body", "2048", "--max-reply", "2048", "--skip-budget", "65536"]);
    let figures =
        well(&server.at(), &["--command", "COMPLEX", "--depth", "500", "--requests", "1500"]);
    assert_eq!(count(&figures, "requests"), 1_500);
}

#[test]
fn exactly_so_many_requests() {
    let server = serve(&[]);
    for (connections, depth, requests) in [("1", "1", 1), ("7", "10", 1_003), ("5", "64", 3)] {
        let number = requests.to_string();
        let options = ["--connections", connections, "--depth", depth, "--requests", &number];
        assert_eq!(count(&well(&server.at(), &options), "requests"), requests);
    }
}

#[test]
fn for_people_it_says_the_same_in_words() {
    let server = serve(&[]);
    let ended = bench(&server.at(), &["--requests", "100"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    for words in ["100 requests", "requests a second", "p99.9", "0 errors"] {
        assert!(text.contains(words), "no {words:?} in:\n{text}");
    }
}

#[test]
fn an_open_loop_sends_what_is_due() {
    let server = serve(&[]);
    let options = ["--rate", "400", "--seconds", "0.5", "--connections", "3"];
    let figures = well(&server.at(), &options);
    assert_eq!(count(&figures, "requests"), 200);
    assert_eq!(count(&figures, "rate"), 400);
    assert!(figures["seconds"].as_f64().expect("seconds") > 0.49, "{figures}");
}

/// A server of one connection that does what a test wants of it.
fn fake(serve: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    thread::spawn(move || serve(listener.accept().expect("a connection").0));
    addr
}

/// Answers each request with the same bytes, until there are no more.
fn answer(mut tcp: TcpStream, reply: &[u8]) {
    let mut request = vec![0; REQUEST.len()];
    while tcp.read_exact(&mut request).is_ok() {
        assert_eq!(request, REQUEST);
        if tcp.write_all(reply).is_err() {
            break;
        }
    }
}

/// While the server slept, requests were due: their latencies show it, most of all those of the first.
#[test]
fn an_open_loop_shows_a_stall() {
    let stall = Duration::from_millis(500);
    let addr = fake(move |tcp| {
        thread::sleep(stall);
        answer(tcp, REPLY);
    });
    let figures = well(&addr.to_string(), &["--rate", "100", "--seconds", "1"]);
    assert_eq!(count(&figures, "requests"), 100);
    assert!(micros(&figures, "max") > 450_000.0, "{figures}");
    // Half of the requests were due within the stall, and a quarter of them waited for half of it.
    assert!(micros(&figures, "p90") > 300_000.0, "{figures}");
}

/// What it reports of a load in which requests fail, by kind; and the line that it ends with.
fn badly(to: SocketAddr, options: &[&str]) -> (Value, String) {
    let ended = bench(&to.to_string(), &[options, &["--json"]].concat());
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    (figures(&ended), ended.stderr)
}

#[test]
fn errors_are_counted_by_kind() {
    let addr = fake(|tcp| answer(tcp, b"ERR\nfailed no\n"));
    let (figures, line) = badly(addr, &["--requests", "100", "--depth", "10"]);
    assert_eq!((count(&figures, "requests"), count(&figures, "errors")), (0, 100), "{figures}");
    assert_eq!(figures["errors_by_kind"]["failed"], 100, "{figures}");
    assert!(line.contains("100 requests failed (failed)"), "{line}");
}

#[test]
fn another_reply_is_an_error_and_another_framing_is_none() {
    let mixed = [REPLY, b"NEWS\nnone\nOK 10\nThank you.\n", b"OK\nThink you.\n", REPLY].concat();
    let addr = fake(move |mut tcp| {
        tcp.read_exact(&mut vec![0; 4 * REQUEST.len()]).expect("four requests");
        tcp.write_all(&mixed).expect("sent");
        answer(tcp, REPLY);
    });
    let ended = bench(&addr.to_string(), &["--requests", "8", "--depth", "4", "--json"]);
    let figures = figures(&ended);
    assert_eq!((count(&figures, "requests"), count(&figures, "errors")), (7, 1), "{figures}");
    assert_eq!(figures["errors_by_kind"]["another reply"], 1, "{figures}");
}

#[test]
fn a_server_that_closes_is_told_of() {
    let addr = fake(|mut tcp| {
        let mut requests = vec![0; 10 * REQUEST.len()];
        tcp.read_exact(&mut requests).expect("ten requests");
        tcp.write_all(&[REPLY, REPLY, b"ERR\nstopping\n"].concat()).expect("sent");
    });
    let (figures, _) = badly(addr, &["--requests", "10", "--depth", "10"]);
    assert_eq!((count(&figures, "requests"), count(&figures, "errors")), (2, 8), "{figures}");
    assert_eq!(figures["errors_by_kind"]["stopping"], 1, "{figures}");
    assert_eq!(figures["errors_by_kind"]["closed by the server"], 7, "{figures}");
}

#[test]
fn a_server_of_another_protocol_is_told_of() {
    let addr = fake(|mut tcp| tcp.write_all(b"SSH-2.0 what?\r\n").expect("sent"));
    let (figures, _) = badly(addr, &["--requests", "3", "--depth", "3"]);
    assert_eq!(count(&figures, "errors"), 3, "{figures}");
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    for rate in [&[][..], &["--rate", "30"]] {
        let addr = fake(|mut tcp| {
            let _all = tcp.read_to_end(&mut Vec::new());
        });
        let (figures, _) = badly(addr, &[rate, &["--seconds", "0.1", "--timeout", "0.3"]].concat());
        assert!(figures["errors_by_kind"]["no reply in time"].as_u64() >= Some(1), "{figures}");
    }
}

#[test]
fn a_refused_connection_is_one_line() {
    let addr = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port");
    let ended = bench(&addr.to_string(), &["--connections", "10"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.contains(&addr.to_string()), "{ended:?}");
}

#[test]
fn a_connection_too_many_is_told_of() {
    let server = serve(&["--max-connections", "2"]);
    let options = ["--connections", "3", "--requests", "300"];
    let (figures, _) = badly(server.addr, &options);
    assert_eq!(count(&figures, "requests"), 200, "{figures}");
    assert_eq!(count(&figures, "errors"), 100, "{figures}");
    assert!(figures["errors_by_kind"]["busy"].as_u64() >= Some(1), "{figures}");
}

#[test]
fn wrong_usage_is_status_2() {
    for options in [
        &["--depth", "0"][..],
        &["--connections", "0"],
        &["--depth", "1000000"],
        &["--command", "OTHER"],
        &["--rate", "5", "--requests", "5"],
        &["--raw-requests", "x"],
    ] {
        let ended = bench("127.0.0.1:1", options);
        assert_eq!(ended.status, Some(2), "{options:?}: {ended:?}");
    }
}
