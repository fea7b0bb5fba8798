//! Servers that never come to an end, or answer what wasn't asked: a load ends at its deadline all
//! the same, and each request is counted once (docs/PROTOCOL.md §10).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{REPLY, badly, bench, count, fake, fake_of, figures, requests};

/// How late a busy machine may be.
const LATE: Duration = Duration::from_secs(5);

/// The results of a load of one connection with eight requests in flight, all of which fail, and
/// which must end at its deadline.
fn all_eight_fail(script: impl Fn(TcpStream) + Clone + Send + 'static) -> [Value; 3] {
    let loads: [&[&str]; 3] =
        [&["--requests", "8"], &["--seconds", "0.3"], &["--seconds", "0.3", "--rate", "1000"]];
    loads.map(|load| {
        let script = script.clone();
        let addr = fake(move |mut tcp| {
            requests(&mut tcp, 1);
            script(tcp);
        });
        let options = [load, &["--depth", "8", "--timeout", "0.3", "--json"]].concat();
        let ended = bench(&addr.to_string(), &options);
        assert_eq!((ended.status, ended.stderr.lines().count()), (Some(1), 1), "{ended:?}");
        assert!(ended.took < Duration::from_millis(600) + LATE, "{ended:?}");
        let figures = figures(&ended);
        assert_eq!(count(&figures, "requests"), 0, "{figures}");
        figures
    })
}

fn no_reply_in_time(figures: &Value) -> u64 {
    figures["errors_by_kind"]["no reply in time"].as_u64().unwrap_or(0)
}

#[test]
fn frames_without_end_that_answer_nothing_end_with_the_deadline() {
    for frame in ["TICK\n1\n", "TICK 3\n\n\n\n\n", "OK #4000000000\nlate\n", "ERR #7\nbusy\n"] {
        let [count, seconds, rate] =
            all_eight_fail(
                move |mut tcp| while tcp.write_all(&frame.repeat(9_000).into_bytes()).is_ok() {},
            );
        assert_eq!(no_reply_in_time(&count), 8, "{count}");
        assert_eq!(no_reply_in_time(&seconds), 8, "{seconds}");
        // All that were due in the time, although only eight could be sent.
        assert_eq!(no_reply_in_time(&rate), 300, "{rate}");
    }
}

#[test]
fn dribbled_bytes_dont_move_the_deadline() {
    for begun in ["TICK 100000\n", "OK 100000\n", "OK\n"] {
        let [count, ..] = all_eight_fail(move |mut tcp| {
            let mut bytes = begun.bytes().chain(std::iter::repeat(b'x'));
            while tcp.write_all(&[bytes.next().expect("endless")]).is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
        });
        assert_eq!(no_reply_in_time(&count), 8, "{count}");
    }
}

#[test]
fn slow_replies_dont_move_the_deadline_of_a_load_with_a_time() {
    for load in [&["--seconds", "0.3"][..], &["--seconds", "0.3", "--rate", "2000"]] {
        let addr = fake(|mut tcp| {
            while tcp.write_all(REPLY).is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
        });
        let options = [load, &["--depth", "400", "--timeout", "0.3"]].concat();
        let ended = bench(&addr.to_string(), &[&options[..], &["--json"]].concat());
        assert!(ended.took < Duration::from_millis(600) + LATE, "{ended:?}");
        assert!(no_reply_in_time(&figures(&ended)) > 300, "{ended:?}");
    }
}

#[test]
fn surplus_replies_are_one_failure() {
    for load in [&["--seconds", "0.5"][..], &["--seconds", "0.5", "--rate", "20"]] {
        let addr = fake(|mut tcp| {
            requests(&mut tcp, 1);
            while tcp.write_all(&REPLY.repeat(9_000)).is_ok() {}
        });
        let ended = bench(&addr.to_string(), &[load, &["--timeout", "0.5", "--json"]].concat());
        assert!(ended.took < Duration::from_secs(1) + LATE, "{ended:?}");
        let figures = figures(&ended);
        let (requests, errors) = (count(&figures, "requests"), count(&figures, "errors"));
        if load.len() == 2 {
            assert_eq!((requests, errors), (1, 1), "{figures}");
        } else {
            assert_eq!(requests + errors, 10, "each request counts once: {figures}");
        }
        assert!(figures["errors_by_kind"]["a reply without a request"].is_u64(), "{figures}");
    }
}

/// A connection's end, and not a reply: what is in flight fails with it, and nothing more is sent.
#[test]
fn an_untagged_stopping_ends_the_connection() {
    for load in [&["--requests", "30"][..], &["--seconds", "20"]] {
        let (addr, server) = fake_of(|listener| {
            let (mut tcp, _) = listener.accept().expect("a connection");
            requests(&mut tcp, 10);
            // The rest of its answer stays away: that the client closes must follow from this
            // alone.
            tcp.write_all(&[REPLY, REPLY, b"ERR\nstopping\n", REPLY].concat()).expect("sent");
            let mut behind = Vec::new();
            let _reset = tcp.read_to_end(&mut behind);
            behind.len()
        });
        let (figures, _) = badly(addr, &[load, &["--depth", "10"]].concat());
        assert_eq!(server.join().expect("an end"), 0, "bytes were sent after `stopping`");
        let failed = if load[0] == "--requests" { 28 } else { 8 };
        assert_eq!((count(&figures, "requests"), count(&figures, "errors")), (2, failed));
        assert_eq!(figures["errors_by_kind"]["stopping"], failed, "{figures}");
    }
}
