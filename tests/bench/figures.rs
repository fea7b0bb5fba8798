//! Loads of servers that answer as they should.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use crate::support::{
    REPLY, answer, badly, bench, count, fake, fake_of, micros, requests, serve, well,
};

#[test]
fn both_commands_run_at_any_depth() {
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

/// From an empty text to one of megabytes, also with more in flight than socket buffers hold.
#[test]
fn texts_of_any_size_are_sent() {
    let server = serve(&["--max-body", "3000000"]);
    for (size, depth, requests) in
        [(0, "64", 200), (1, "1", 3), (60_000, "8", 40), (60_000, "1", 3), (3_000_000, "3", 6)]
    {
        let (size, number) = (size.to_string(), requests.to_string());
        let options = ["--size", &size, "--depth", depth, "--requests", &number];
        let figures = well(&server.at(), &options);
        assert_eq!(count(&figures, "requests"), requests);
        assert_eq!(count(&figures, "size").to_string(), size);
    }
    let figures = well(&server.at(), &["--size", "5000", "--rate", "100", "--seconds", "0.2"]);
    assert_eq!(count(&figures, "requests"), 20);
    let ended = bench(&server.at(), &["--size", "70000", "--requests", "5"]);
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(text.contains("70000 bytes in each request"), "{text}");
}

/// A body over the server's limit is skipped; one over the skip budget ends the connection.
#[test]
fn a_size_over_the_limit_is_reported() {
    let server = serve(&["--max-body", "1000", "--skip-budget", "2000"]);
    let at = server.at().parse().expect("an address");
    for (size, requests) in [("1001", 3), ("2001", 1)] {
        let number = requests.to_string();
        let (figures, line) = badly(at, &["--size", size, "--requests", &number]);
        let counts = (count(&figures, "requests"), count(&figures, "errors"));
        assert_eq!(counts, (0, requests), "{figures}");
        assert!(line.contains("too-large"), "{line}");
    }
    for (other, status) in [(["--command", "COMPLEX"], 1), (["--raw-requests", "file"], 2)] {
        let ended = bench(&server.at(), &[&["--size", "5"], &other[..]].concat());
        assert_eq!(ended.status, Some(status), "{ended:?}");
        assert!(ended.stderr.contains("--size"), "{ended:?}");
    }
}

#[test]
fn a_server_with_the_limits_of_a_device_passes() {
    let server = serve(&["--max-body", "2048", "--max-reply", "2048", "--skip-budget", "65536"]);
    let figures =
        well(&server.at(), &["--command", "COMPLEX", "--depth", "500", "--requests", "1500"]);
    assert_eq!(count(&figures, "requests"), 1_500);
}

#[test]
fn the_given_number_of_requests_is_sent() {
    let server = serve(&[]);
    for (connections, depth, requests) in [("1", "1", 1), ("7", "10", 1_003), ("5", "64", 3)] {
        let number = requests.to_string();
        let options = ["--connections", connections, "--depth", depth, "--requests", &number];
        assert_eq!(count(&well(&server.at(), &options), "requests"), requests);
    }
}

#[test]
fn without_json_the_report_is_text() {
    let server = serve(&[]);
    let ended = bench(&server.at(), &["--requests", "100"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    for words in ["100 requests", "requests a second", "p99.9", "0 errors"] {
        assert!(text.contains(words), "no {words:?} in:\n{text}");
    }
}

#[test]
fn an_open_loop_sends_at_its_rate() {
    let server = serve(&[]);
    let options = ["--rate", "400", "--seconds", "0.5", "--connections", "3"];
    let figures = well(&server.at(), &options);
    assert_eq!(count(&figures, "requests"), 200);
    assert_eq!(count(&figures, "rate"), 400);
    assert!(figures["seconds"].as_f64().expect("seconds") > 0.49, "{figures}");
}

/// Requests were due while the server slept, and their latencies must show it.
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

/// A rate that no machine can reach, and a time that no clock can be advanced by.
#[test]
fn a_load_ends_whatever_its_options() {
    let server = serve(&[]);
    for options in [
        &["--rate", "1000000000000", "--seconds", "0.2", "--timeout", "0.2"][..],
        &["--requests", "5", "--timeout", "1e19"],
        &["--rate", "5", "--seconds", "0.2", "--timeout", "1e19"],
    ] {
        let ended = bench(&server.at(), options);
        assert!(ended.took < Duration::from_secs(10), "{ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    }
}

/// A connection that has nothing more to do may be closed by the server.
#[test]
fn an_end_after_the_last_reply_is_no_error() {
    let (addr, server) = fake_of(|listener| {
        let mut tcp: Vec<_> = (0..2).map(|_| listener.accept().expect("a connection").0).collect();
        let ended = tcp.remove(0);
        send_and_end(ended);
        requests(&mut tcp[0], 1);
        tcp[0].write_all(REPLY).expect("sent");
    });
    let options = ["--requests", "2", "--connections", "2"];
    assert_eq!(count(&well(&addr.to_string(), &options), "requests"), 2);
    server.join().expect("both connections are served");
}

/// Answers one request, closes, and waits until the client has closed too.
fn send_and_end(mut tcp: TcpStream) {
    requests(&mut tcp, 1);
    tcp.write_all(REPLY).and_then(|()| tcp.shutdown(Shutdown::Write)).expect("sent");
    assert_eq!(tcp.read(&mut [0]).expect("an end"), 0);
}
