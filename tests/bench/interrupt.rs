//! A signal ends a load, and the results until then are printed.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use linecard_suite::process::Finished;
use rustix::process::{Pid, Signal, kill_process};

#[cfg(target_os = "linux")]
use crate::support::serve;
use crate::support::{LINECARD, REPLY, count, fake_of, figures, requests};

/// More than a busy machine needs.
const LATE: Duration = Duration::from_secs(20);

pub(crate) fn start(to: &str, options: &[&str]) -> Child {
    Command::new(LINECARD)
        .args(["bench", to])
        .args(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a load")
}

pub(crate) fn signal(process: u32, signal: Signal) {
    let id = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(id, signal).expect("a signal");
}

pub(crate) fn finish(load: Child) -> Finished {
    let start = Instant::now();
    let ended = load.wait_with_output().expect("an end");
    Finished {
        status: ended.status.code(),
        stdout: ended.stdout,
        stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
        took: start.elapsed(),
    }
}

#[test]
fn a_signal_prints_the_results_so_far() {
    for with in [Signal::INT, Signal::TERM] {
        let (send, both_sent) = channel();
        let (addr, server) = fake_of(move |listener| {
            let (mut tcp, _) = listener.accept().expect("a connection");
            requests(&mut tcp, 1);
            tcp.write_all(REPLY).expect("sent");
            requests(&mut tcp, 1);
            send.send(()).expect("a test");
            // The second isn't answered. It is no failure either.
            tcp.read(&mut [0]).expect("an end")
        });
        let load = start(&addr.to_string(), &["--seconds", "60", "--json"]);
        both_sent.recv_timeout(LATE).expect("two requests");
        signal(load.id(), with);
        let ended = finish(load);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert!(ended.stderr.is_empty() && ended.took < LATE, "{ended:?}");
        let figures = figures(&ended);
        assert_eq!((count(&figures, "requests"), count(&figures, "errors")), (1, 0), "{figures}");
        assert_eq!(figures["interrupted"], true, "{figures}");
        assert_eq!(server.join().expect("an end"), 0);
    }
}

/// When a server stops, each request in flight is counted once.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_stops_fails_no_more_than_was_in_flight() {
    let server = serve(&[]);
    let descriptors =
        || std::fs::read_dir(format!("/proc/{}/fd", server.id())).expect("a server").count();
    let idle = descriptors();
    let options = ["--connections", "3", "--depth", "10", "--seconds", "40", "--json"];
    let load = start(&server.at(), &options);
    let begin = Instant::now();
    while descriptors() < idle + 3 {
        assert!(begin.elapsed() < LATE, "not connected");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(server.id(), Signal::TERM);
    let ended = finish(load);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.took < LATE, "{ended:?}");
    let figures = figures(&ended);
    assert!((3..=30).contains(&count(&figures, "errors")), "{figures}");
    assert_eq!(figures["interrupted"], false, "{figures}");
}
