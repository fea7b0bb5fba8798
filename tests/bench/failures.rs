//! Servers that refuse, close, fall silent or speak another protocol.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::{REPLY, REQUEST, answer, badly, bench, count, fake, figures, serve};

#[test]
fn errors_are_counted_by_kind() {
    let addr = fake(|tcp| answer(tcp, b"ERR\nfailed no\n"));
    let (figures, line) = badly(addr, &["--requests", "100", "--depth", "10"]);
    assert_eq!((count(&figures, "requests"), count(&figures, "errors")), (0, 100), "{figures}");
    assert_eq!(figures["errors_by_kind"]["failed"], 100, "{figures}");
    assert!(line.contains("100 requests failed (failed)"), "{line}");
}

#[test]
fn a_wrong_body_is_an_error_and_another_framing_is_not() {
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
fn a_server_that_closes_is_reported() {
    let addr = fake(|mut tcp| {
        let mut requests = vec![0; 10 * REQUEST.len()];
        tcp.read_exact(&mut requests).expect("ten requests");
        tcp.write_all(&[REPLY, REPLY].concat()).expect("sent");
    });
    let (figures, _) = badly(addr, &["--requests", "10", "--depth", "10"]);
    assert_eq!((count(&figures, "requests"), count(&figures, "errors")), (2, 8), "{figures}");
    assert_eq!(figures["errors_by_kind"]["closed by the server"], 8, "{figures}");
}

#[test]
fn a_server_of_another_protocol_is_reported() {
    let addr = fake(|mut tcp| tcp.write_all(b"SSH-2.0 what?\r\n").expect("sent"));
    let (figures, _) = badly(addr, &["--requests", "3", "--depth", "3"]);
    assert_eq!(count(&figures, "errors"), 3, "{figures}");
}

#[test]
fn a_silent_server_is_given_up() {
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
fn a_connection_over_the_limit_is_reported() {
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
