//! `linecard serve` as a process, under faults of the system and of the network.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use linecard_suite::oracle::{Body, Reply};
use linecard_suite::peer::Peer;
use linecard_suite::prerequisite;
use linecard_suite::process::Server;
use linecard_suite::target::Target;
use rustix::process::{Pid, Signal, kill_process};

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
const SOON: Duration = Duration::from_secs(30);

fn serve(options: &[&str]) -> Server {
    Server::start(LINECARD, &[&["serve", "--listen", "127.0.0.1:0"], options].concat())
}

fn peer(server: &Server) -> Peer {
    Peer::connect(&Target::desktop(server.addr)).expect("a connection")
}

fn signal(process: u32, signal: Signal) {
    let id = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(id, signal).expect("a signal");
}

fn thanks(tag: u32) -> Reply {
    Reply { tag: Some(tag), result: Ok(Body::Line(b"Thank you.".to_vec())) }
}

fn descriptors(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).expect("a running server").count()
}

fn until_descriptors(process: u32, what: &str, are: impl Fn(usize) -> bool) {
    let end = Instant::now() + SOON;
    while !are(descriptors(process)) {
        assert!(Instant::now() < end, "{} descriptors: never {what}", descriptors(process));
        thread::sleep(Duration::from_millis(5));
    }
}

/// CPU time used, in hundredths of a second.
fn cpu(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a running server");
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks")).sum()
}

#[test]
fn out_of_descriptors_it_waits_without_using_cpu_time() {
    const LIMIT: usize = 40;
    let limited = format!("ulimit -n {LIMIT}; exec '{LINECARD}' serve --listen 127.0.0.1:0");
    let server = Server::start("sh", &["-c", &limited]);
    let process = server.id();
    let idle = descriptors(process);
    let free = LIMIT - idle;
    let mut inside: Vec<Peer> = (0..free).map(|_| peer(&server)).collect();
    inside.iter_mut().for_each(|peer| peer.is_alive().expect("served"));
    assert_eq!(descriptors(process), LIMIT);

    let mut waiting: Vec<Peer> = (0..20).map(|_| peer(&server)).collect();
    let start = Instant::now();
    let before = cpu(process);
    while start.elapsed() < Duration::from_secs(3) {
        inside.iter_mut().take(3).for_each(|peer| peer.is_alive().expect("served meanwhile"));
        thread::sleep(Duration::from_millis(100));
    }
    let used = cpu(process) - before;
    println!("{used} hundredths of a second of CPU time in {:?}", start.elapsed());
    assert!(used <= 30, "busy waiting: {used} hundredths of a second");

    inside.truncate(3);
    waiting.iter_mut().for_each(|peer| peer.is_alive().expect("served in the end"));
    drop((inside, waiting));
    until_descriptors(process, "all closed", |now| now == idle);
    signal(process, Signal::TERM);
    let ended = server.wait(SOON);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let warnings = ended.stderr.matches("can't accept").count();
    assert_eq!(warnings, 1, "one warning, not one for each attempt: {ended:?}");
}

/// Stops and continues a process. On Linux this interrupts its waits (EINTR), even without a
/// handler.
fn interrupt(process: u32, times: u32) {
    for _ in 0..times {
        signal(process, Signal::STOP);
        thread::sleep(Duration::from_millis(2));
        signal(process, Signal::CONT);
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn interrupted_waits_change_nothing_for_the_server() {
    const REQUESTS: u32 = 20_000;
    let server = serve(&[]);
    let mut idle = peer(&server);
    idle.is_alive().expect("served");
    interrupt(server.id(), 20);
    let mut busy = peer(&server);
    let requests = (0..REQUESTS).flat_map(|tag| format!("STRING #{tag}\nhi\n").into_bytes());
    let sent = busy.send_in_background(requests.collect(), true).expect("a thread");
    interrupt(server.id(), 50);
    let replies = busy.rest().expect("whole replies and a clean end");
    assert_eq!(replies.len(), REQUESTS as usize);
    assert!(replies.iter().zip(0..).all(|(reply, tag)| *reply == thanks(tag)));
    assert!(sent.join().expect("no panic"));
    idle.is_alive().expect("still served");
}

#[test]
fn interrupted_waits_change_nothing_for_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address").to_string();
    let client = Command::new(LINECARD)
        .args(["call", &addr, "STRING", "hi", "--timeout", "60"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a client");
    let (mut server, _) = listener.accept().expect("a connection");
    let request = request_head(&mut server);
    interrupt(client.id(), 30);
    for byte in request.replace("STRING", "OK").bytes().chain(*b"Thank you.\n") {
        server.write_all(&[byte]).expect("sent");
        interrupt(client.id(), 1);
    }
    let ended = client.wait_with_output().expect("an end");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(ended.stdout, b"Thank you.\n");
}

/// The head of a request of two lines, with its LF.
fn request_head(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(SOON)).expect("a time limit");
    let mut request = BufReader::new(stream);
    let (mut head, mut body) = (String::new(), String::new());
    request.read_line(&mut head).and_then(|_| request.read_line(&mut body)).expect("a request");
    head
}

#[test]
fn under_load_sigterm_ends_every_connection_with_stopping() {
    let server = serve(&["--stop-timeout", "20"]);
    let requests: Vec<u8> =
        (0..20_000).flat_map(|tag| format!("STRING #{tag}\nhi\n").into_bytes()).collect();
    let mut peers: Vec<Peer> = (0..100).map(|_| peer(&server)).collect();
    let sending: Vec<_> = peers
        .iter()
        .map(|peer| peer.send_in_background(requests.clone(), false).expect("a thread"))
        .collect();
    peers[99].expect(&[thanks(0)]).expect("the first is answered");
    let reading: Vec<_> = peers
        .into_iter()
        .enumerate()
        .map(|(at, mut peer)| thread::spawn(move || (u32::from(at == 99), peer.rest())))
        .collect();
    signal(server.id(), Signal::TERM);
    let start = Instant::now();
    for thread in reading {
        let (first, replies) = thread.join().expect("no panic");
        let mut replies = replies.expect("whole replies and a clean end");
        let last = replies.pop().expect("a last reply");
        assert!(Reply::refusal("stopping", None).matches(&last), "not stopping: {last:?}");
        assert!(replies.iter().zip(first..).all(|(reply, tag)| *reply == thanks(tag)));
    }
    for thread in sending {
        let _all_was_sent = thread.join().expect("no panic");
    }
    let ended = server.wait(SOON);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
}

/// Runs a test of this file in a new network namespace.
fn in_a_namespace(test: &str) {
    let inside = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net"]).args(args);
        command
    };
    let up = inside(&["ip", "link", "set", "lo", "up"]).output();
    if !up.as_ref().is_ok_and(|up| up.status.success()) {
        return prerequisite::missing(&format!(
            "no peer can vanish: `unshare --user --map-root-user --net ip link set lo up` fails; \
             install iproute2 and util-linux, and allow unprivileged user namespaces: {up:?}"
        ));
    }
    let this = std::env::current_exe().expect("this program");
    let ended = inside(&[&this.to_string_lossy(), "--exact", test, "--ignored", "--nocapture"])
        .output()
        .expect("this program");
    let words = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success() && words.contains("1 passed"), "{words}{ended:?}");
}

#[test]
fn connections_to_vanished_peers_are_closed() {
    in_a_namespace("inside_peers_vanish");
}

#[test]
#[ignore = "takes loopback down: connections_to_vanished_peers_are_closed runs it in a namespace"]
fn inside_peers_vanish() {
    let lo = |state: &str| {
        let set = Command::new("ip").args(["link", "set", "lo", state]).status();
        assert!(set.is_ok_and(|set| set.success()), "lo can't be set {state}");
    };
    let devices = fs::read_to_string("/proc/net/dev").expect("a list of devices");
    assert!(devices.lines().count() == 3, "not in a new namespace:\n{devices}");
    lo("up");
    let times = ["--idle-timeout", "3", "--frame-deadline", "3", "--write-timeout", "3"];
    let server = serve(&times);
    let process = server.id();
    let base = descriptors(process);
    let mut idle = peer(&server);
    idle.is_alive().expect("served");
    let mut begun = peer(&server);
    begun.send(b"STRING #1\na\nSTRING #2\nha").expect("sent");
    begun.expect(&[thanks(1)]).expect("answered");
    let mut never_reads = peer(&server);
    let requests = b"STRING #1\nhi\n".repeat(1_000_000);
    let taken =
        never_reads.send_until_blocked(&requests, Duration::from_millis(300)).expect("sent");
    assert!(taken < requests.len());
    assert_eq!(descriptors(process), base + 3);
    let start = Instant::now();
    lo("down");
    until_descriptors(process, "all closed", |now| now == base);
    println!("three peers that vanished were closed after {:?}", start.elapsed());
    lo("up");
    peer(&server).is_alive().expect("others are still served");
    drop((idle, begun, never_reads));
}
