//! Urgent data (`MSG_OOB`) among the replies: a read ends where it stands, and is no sign of an
//! empty socket.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::net::{SendFlags, send};
use rustix::process::{Pid, Signal, WaitOptions, waitpid};

use crate::interrupt::{finish, signal, start};
use crate::support::{REPLY, count, fake_of, figures, requests};

/// Replies with an urgent byte between the two. A client that takes them one by one still gets
/// both.
fn reply_with_urgent_data(tcp: &mut TcpStream) {
    tcp.write_all(REPLY).expect("sent");
    send(&*tcp, b"!", SendFlags::OOB).expect("sent");
    tcp.write_all(REPLY).expect("sent");
}

#[test]
fn replies_behind_urgent_data_are_read() {
    let (send, ready) = channel();
    let (go, stopped) = channel();
    let (addr, server) = fake_of(move |listener| {
        let (mut tcp, _) = listener.accept().expect("a connection");
        requests(&mut tcp, 2);
        send.send(()).expect("a test");
        stopped.recv().expect("a test");
        reply_with_urgent_data(&mut tcp);
        send.send(()).expect("a test");
        requests(&mut tcp, 2);
        reply_with_urgent_data(&mut tcp);
    });
    let options = ["--requests", "4", "--depth", "2", "--timeout", "10", "--json"];
    let load = start(&addr.to_string(), &options);
    ready.recv_timeout(Duration::from_secs(20)).expect("requests");
    // While the process is stopped, all of it arrives: one event for both replies.
    signal(load.id(), Signal::STOP);
    let id = i32::try_from(load.id()).ok().and_then(Pid::from_raw);
    waitpid(id, WaitOptions::UNTRACED).expect("a stopped process");
    go.send(()).expect("a server");
    ready.recv_timeout(Duration::from_secs(20)).expect("replies");
    signal(load.id(), Signal::CONT);
    let ended = finish(load);
    let figures = figures(&ended);
    assert_eq!((count(&figures, "requests"), count(&figures, "errors")), (4, 0), "{figures}");
    server.join().expect("all requests are answered");
}
