//! What the tests of `linecard bench` share.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use linecard_suite::process::{self, Finished, Server};
use serde_json::Value;

pub(crate) const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
pub(crate) const REQUEST: &[u8] = b"STRING\nAdditional data.\n";
pub(crate) const REPLY: &[u8] = b"OK\nThank you.\n";

pub(crate) fn serve(options: &[&str]) -> Server {
    Server::start(LINECARD, &[&["serve", "--listen", "127.0.0.1:0"], options].concat())
}

pub(crate) fn bench(to: &str, options: &[&str]) -> Finished {
    process::run(LINECARD, &[&["bench", to], options].concat(), Duration::from_mins(1))
}

pub(crate) fn figures(ended: &Finished) -> Value {
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

pub(crate) fn count(figures: &Value, name: &str) -> u64 {
    figures[name].as_u64().unwrap_or_else(|| panic!("no {name} in {figures}"))
}

pub(crate) fn micros(figures: &Value, quantile: &str) -> f64 {
    figures["latency_us"][quantile].as_f64().unwrap_or_else(|| panic!("no {quantile}: {figures}"))
}

/// The results of a load without a failure.
pub(crate) fn well(to: &str, options: &[&str]) -> Value {
    let ended = bench(to, &[options, &["--json"]].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
    let figures = figures(&ended);
    assert_eq!(count(&figures, "errors"), 0, "{figures}");
    let rising = ["p50", "p90", "p99", "p99.9", "max"].map(|quantile| micros(&figures, quantile));
    assert!(rising.is_sorted() && rising[0] > 0.0, "{figures}");
    figures
}

/// A server for one connection that runs a script.
pub(crate) fn fake(script: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    fake_of(move |listener| script(listener.accept().expect("a connection").0)).0
}

/// A server that runs a script, and the thread on which it runs.
pub(crate) fn fake_of<T: Send + 'static>(
    script: impl FnOnce(TcpListener) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    (addr, thread::spawn(move || script(listener)))
}

/// Reads so many requests.
pub(crate) fn requests(tcp: &mut TcpStream, count: usize) {
    let mut requests = vec![0; count * REQUEST.len()];
    tcp.read_exact(&mut requests).expect("requests");
    assert_eq!(requests, REQUEST.repeat(count));
}

/// Answers each request with `reply`, until the client closes.
pub(crate) fn answer(mut tcp: TcpStream, reply: &[u8]) {
    let mut request = vec![0; REQUEST.len()];
    while tcp.read_exact(&mut request).is_ok() {
        assert_eq!(request, REQUEST);
        if tcp.write_all(reply).is_err() {
            break;
        }
    }
}

/// The results of a load in which requests fail, and the line on standard error.
pub(crate) fn badly(to: SocketAddr, options: &[&str]) -> (Value, String) {
    let ended = bench(&to.to_string(), &[options, &["--json"]].concat());
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    (figures(&ended), ended.stderr)
}
