//! `linecard call` against servers that lie, dribble, fall silent or close early (docs/PROTOCOL.md
//! §10).

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use linecard_suite::oracle::Body;
use linecard_suite::oracle::complex::Complex;
use linecard_suite::prerequisite;
use linecard_suite::process::{self, Finished, Server};
use linecard_suite::scripted_server::{ReceivedRequest, ScriptedServer};

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
/// No call here takes longer.
const LIMIT: Duration = Duration::from_secs(40);
/// How late a busy machine may be.
const LATE: Duration = Duration::from_secs(5);

fn call(args: &[&str]) -> Finished {
    process::run(LINECARD, &[&["call"], args].concat(), LIMIT)
}

/// Calls a server that runs a script.
fn call_to(server: ScriptedServer, args: &[&str]) -> Finished {
    let addr = server.at();
    let ended = call(&[&[addr.as_str()], args].concat());
    server.check();
    ended
}

fn string_to(script: impl FnOnce(&mut ReceivedRequest) + Send + 'static) -> Finished {
    call_to(ScriptedServer::start(script), &["STRING", "hi"])
}

fn is_answered(ended: &Finished, stdout: impl AsRef<[u8]>) {
    let same = ended.stdout == stdout.as_ref();
    assert!(ended.status == Some(0) && same && ended.stderr.is_empty(), "{ended:?}");
}

/// Status 1, nothing on standard output, and one line on standard error that contains `words`.
fn fails(ended: &Finished, words: &str) {
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.contains(words), "no {words:?}: {ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

fn fails_in_time(ended: &Finished, timeout: Duration) {
    fails(ended, "");
    assert!(ended.took >= timeout, "too early: {ended:?}");
    assert!(ended.took < timeout + LATE, "too late: {ended:?}");
}

// Correct replies.

#[test]
fn only_the_body_of_the_reply_is_printed() {
    let server = Server::start(LINECARD, &["serve", "--listen", "127.0.0.1:0"]);
    is_answered(&call(&[&server.at(), "STRING", "Additional data."]), "Thank you.\n");
    let ended = call(&[&server.at(), "COMPLEX"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(text.contains("string data") && text.contains("Piece of cake!"), "{text}");
}

#[test]
fn errors_of_a_real_server_are_one_line() {
    let server = Server::start(LINECARD, &["serve", "--listen", "127.0.0.1:0"]);
    fails(&call(&[&server.at(), "FROB", "x"]), "unknown-command");
    fails(&call(&[&server.at(), "STRING", &"x".repeat(65_537)]), "too-large");
    let file = payload("trailing", b"\0\0\0\0\0\0");
    fails(&call(&[&server.at(), "COMPLEX2", "--payload", file.path()]), "unknown-command");
}

#[test]
fn an_error_is_reported_while_megabytes_are_sent() {
    let server = Server::start(LINECARD, &["serve", "--listen", "127.0.0.1:0"]);
    let file = payload("megabytes", &vec![b'\n'; 8 << 20]);
    fails(&call(&[&server.at(), "FROB", "--payload", file.path()]), "too-large");
}

#[test]
fn a_request_is_a_line_unless_its_text_needs_a_length() {
    for (text, body) in [
        ("hi", Body::Line(b"hi".to_vec())),
        ("", Body::Line(Vec::new())),
        ("a\nb", Body::Counted(b"a\nb".to_vec())),
        ("a\r", Body::Counted(b"a\r".to_vec())),
        ("a\rb", Body::Line(b"a\rb".to_vec())),
        ("Grüße 🦀", Body::Line("Grüße 🦀".into())),
    ] {
        let script = move |peer: &mut ReceivedRequest| {
            assert_eq!((peer.head.name.as_str(), &peer.body), ("FROB", &body));
            peer.send(format!("OK{}\ndone\n", peer.tag()));
        };
        is_answered(&call_to(ScriptedServer::start(script), &["FROB", text]), "done\n");
    }
}

#[test]
fn a_call_without_text_sends_an_empty_line() {
    let script = |peer: &mut ReceivedRequest| {
        assert!(peer.body.bytes().is_empty());
        peer.send(format!("OK{}\ndone\n", peer.tag()));
    };
    is_answered(&call_to(ScriptedServer::start(script), &["FROB"]), "done\n");
}

#[test]
fn bytes_of_a_file_and_of_a_reply_are_unchanged() {
    let bytes: Vec<u8> = (0..=255).collect();
    let file = payload("bytes", &bytes);
    let script = |peer: &mut ReceivedRequest| {
        let Body::Counted(bytes) = peer.body.clone() else { panic!("not counted") };
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
        peer.send([format!("OK 256{}\n", peer.tag()).as_bytes(), &bytes, b"\n"].concat());
    };
    let ended = call_to(ScriptedServer::start(script), &["FROB", "--payload", file.path()]);
    is_answered(&ended, bytes);
}

#[test]
fn an_empty_file_is_an_empty_counted_body() {
    let file = payload("empty", b"");
    let script = |peer: &mut ReceivedRequest| {
        assert_eq!(peer.body, Body::Counted(Vec::new()));
        peer.send(format!("OK 0{}\n\n", peer.tag()));
    };
    is_answered(&call_to(ScriptedServer::start(script), &["FROB", "--payload", file.path()]), "");
}

#[test]
fn a_file_that_is_missing_is_one_clear_line() {
    let file = payload("gone", b"");
    let path = file.path().to_owned();
    drop(file);
    let ended = call(&["127.0.0.1:1", "FROB", "--payload", &path]);
    fails(&ended, &path);
}

#[test]
fn cr_lf_is_accepted() {
    let ended = string_to(|peer| {
        peer.send(format!("OK{}\r\nThank you.\r\n", peer.tag()));
    });
    is_answered(&ended, "Thank you.\n");
}

// Frames that are skipped.

#[test]
fn late_replies_and_events_are_skipped() {
    let ended = string_to(|peer| {
        let (tag, late) = (peer.tag(), peer.other_tag());
        peer.send(format!("OK{late}\nlate\nOK 5{late}\nOK\n\n\n\nERR{late}\nfailed late\n"));
        peer.send(format!("TICK\n1\nTICK 7{tag}\nERR\nx\n\n\nMORE{tag}\npart\n"));
        peer.send(format!("OK{tag}\nThank you.\n"));
    });
    is_answered(&ended, "Thank you.\n");
}

#[test]
fn events_without_end_end_with_the_deadline() {
    for frames in ["TICK\n1\n", "OK #4000000000\nlate\n", "TICK 3\n\n\n\n\n"] {
        let script = |peer: &mut ReceivedRequest| while peer.send(frames.repeat(100)) {};
        let server = ScriptedServer::start(script);
        let ended = call_to(server, &["STRING", "hi", "--timeout", "1"]);
        fails_in_time(&ended, Duration::from_secs(1));
    }
}

// Deadlines.

#[test]
fn silence_ends_with_the_deadline() {
    let server = ScriptedServer::start(ReceivedRequest::wait_for_close);
    let ended = call_to(server, &["STRING", "hi", "--timeout", "0.7"]);
    fails_in_time(&ended, Duration::from_millis(700));
}

#[test]
fn dribbled_bytes_dont_move_the_deadline() {
    let server = ScriptedServer::start(|peer| {
        let reply = format!("OK 4000{}\n{}", peer.tag(), "x".repeat(4_000));
        for byte in reply.bytes() {
            if !peer.send([byte]) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let ended = call_to(server, &["FROB", "hi", "--timeout", "1"]);
    fails_in_time(&ended, Duration::from_secs(1));
}

#[test]
fn a_server_that_never_reads_ends_with_the_deadline() {
    let file = payload("unread", &vec![0; 32 << 20]);
    let server = ScriptedServer::accept(|mut stream| {
        // The client reads all of this. What it waits for is its own writing.
        while std::io::Write::write_all(&mut stream, b"TICK\n1\n").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let ended = call_to(server, &["FROB", "--payload", file.path(), "--timeout", "1"]);
    fails_in_time(&ended, Duration::from_secs(1));
}

// Sizes.

#[test]
fn a_huge_length_allocates_nothing() {
    for head in ["OK 4294967295", "TICK 4294967295", "OK", "TICK"] {
        let server = ScriptedServer::start(move |peer| {
            let tag = if head.starts_with("OK") { peer.tag() } else { String::new() };
            peer.send(format!("{head}{tag}\n"));
            for _ in 0..512 {
                if !peer.send([b'x'; 8_192]) {
                    return;
                }
            }
            peer.wait_for_close();
        });
        let ended = call_to(server, &["FROB", "hi", "--timeout", "1.5"]);
        fails(&ended, "");
        assert!(ended.took < Duration::from_millis(1_500) + LATE, "{head}: {ended:?}");
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = Complex { c: Some(Box::default()), ..Complex::default() };
    let five =
        (0..3).fold(deep, |value, _| Complex { c: Some(Box::new(value)), ..Complex::default() });
    for body in [vec![1; 2_000], vec![1; 60_000], five.encode(), b"\0\0\0\0\x01".repeat(12_000)] {
        let server = ScriptedServer::start(move |peer| {
            let head = format!("OK {}{}\n", body.len(), peer.tag());
            peer.send([head.as_bytes(), &body, b"\n"].concat());
        });
        fails(&call_to(server, &["COMPLEX"]), "");
    }
}

// Replies that break the protocol.

#[test]
fn malformed_replies_are_faults() {
    let faults: [fn(&str) -> String; 14] = [
        |tag| format!("ERR 6{tag}\nfailed\n"),
        |tag| format!("ERR{tag}\nunknown-command {}\n", "x".repeat(97)),
        |tag| format!("ERR{tag}\nfailed {}\n", "x".repeat(900_000)),
        |_| "ERR #4000000000\n late and no code\n".to_owned(),
        |_| "OK\nThank you.\n".to_owned(),
        |_| "OK 10\nThank you.\n".to_owned(),
        |tag| format!("OK 3{tag}\nThank you.\n"),
        |tag| format!("OK {tag}\nThank you.\n"),
        |tag| format!("OK 010{tag}\nThank you.\n"),
        |tag| format!("{tag} OK\nThank you.\n"),
        |_| "\n".to_owned(),
        |_| "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(),
        |_| "x".repeat(57),
        |_| "\0".repeat(4_096),
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        let server = ScriptedServer::start(move |peer| {
            let bytes = fault(&peer.tag());
            peer.send(bytes);
            peer.wait_for_close();
        });
        // Nothing more comes: a client that waits for it runs into its deadline.
        let ended = call_to(server, &["STRING", "hi", "--timeout", "20"]);
        fails(&ended, "");
        assert!(ended.stderr.len() < 300, "fault {at}: {} bytes", ended.stderr.len());
        assert!(ended.took < Duration::from_secs(15), "fault {at}: {ended:?}");
    }
}

#[test]
fn a_reply_of_another_type_is_an_error() {
    let ended = string_to(|peer| {
        peer.send([format!("OK{}\n", peer.tag()).as_bytes(), b"\xff\n"].concat());
    });
    fails(&ended, "");
    for body in ["\nline\n", " 0\n\n", " 5\n\0\0\0\0\0\n", " 6\n\0\0\0\0\0\0\n"] {
        let server = ScriptedServer::start(move |peer| {
            let (length, rest) = body.split_once('\n').expect("a head and a body");
            peer.send(format!("OK{length}{}\n{rest}", peer.tag()));
        });
        fails(&call_to(server, &["COMPLEX"]), "");
    }
}

#[test]
fn an_error_reply_is_one_line_with_its_words() {
    let ended = string_to(|peer| {
        peer.send(format!("ERR{}\nfailed the tray is open\n", peer.tag()));
    });
    fails(&ended, "the tray is open");
    assert!(ended.stderr.contains("failed"), "{ended:?}");
}

#[test]
fn an_unknown_code_counts_as_failed() {
    let ended = string_to(|peer| {
        peer.send(format!("ERR{}\nquota-exceeded come back tomorrow\n", peer.tag()));
    });
    fails(&ended, "come back tomorrow");
}

#[test]
fn control_characters_in_an_error_reply_are_not_printed() {
    let ended = string_to(|peer| {
        peer.send(format!("ERR{}\nfailed \x1b[31mred\x07\rx\n", peer.tag()));
    });
    fails(&ended, "");
    assert!(!ended.stderr.trim_end().contains(char::is_control), "{ended:?}");
}

#[test]
fn an_untagged_error_fails_the_call() {
    for code in ["busy", "timeout", "stopping", "bad-head"] {
        let ended = string_to(move |peer| {
            peer.send(format!("ERR\n{code}\n"));
        });
        fails(&ended, code);
    }
}

#[test]
fn busy_is_reported_although_the_server_read_nothing() {
    let server = ScriptedServer::accept(|mut stream| {
        std::io::Write::write_all(&mut stream, b"ERR\nbusy\n").expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("half-closed");
        while std::io::Read::read(&mut stream, &mut [0; 4_096]).is_ok_and(|len| len > 0) {}
    });
    fails(&call_to(server, &["STRING", "hi"]), "busy");
}

// Closed connections.

#[test]
fn a_connection_closed_before_the_reply_is_an_error() {
    for part in ["", "OK", "OK{}\n", "OK{}\nThank", "OK 10{}\nThank you.", "TICK\n1\n"] {
        let ended = string_to(move |peer| {
            let bytes = part.replace("{}", &peer.tag());
            peer.send(bytes);
        });
        fails(&ended, "");
        assert!(ended.took < Duration::from_secs(4), "it waited for its deadline: {ended:?}");
    }
}

#[test]
fn a_reset_is_an_error() {
    let server = ScriptedServer::accept(|stream| {
        // Closed with bytes unread, a connection is reset.
        stream.peek(&mut [0]).expect("a request");
    });
    fails(&call_to(server, &["STRING", "hi"]), "");
}

// Addresses.

#[test]
fn an_unknown_host_is_one_clear_line() {
    fails(&call(&["no-such-host.invalid:61000", "STRING", "hi"]), "no-such-host.invalid");
}

#[test]
fn a_refused_connection_is_one_clear_line() {
    let addr = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    fails(&call(&[&addr, "STRING", "hi"]), &addr);
}

#[test]
fn an_invalid_address_is_one_clear_line() {
    for addr in ["127.0.0.1:65536", "127.0.0.1:http", "[::1", "::1:x", ""] {
        let ended = call(&[addr, "STRING", "hi"]);
        assert!(matches!(ended.status, Some(1 | 2)), "{addr}: {ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.contains("panicked"), "{addr}: {ended:?}");
        assert!(ended.stderr.contains(addr), "{addr}: {ended:?}");
    }
}

/// A loopback address on which no program listens. Only Linux has all of 127.0.0.0/8.
#[cfg(target_os = "linux")]
#[test]
fn the_default_port_is_61000() {
    if TcpStream::connect("127.0.0.77:61000").is_ok() {
        prerequisite::missing("port 61000 is taken; the check of the default port needs it free");
        return;
    }
    fails(&call(&["127.0.0.77", "STRING", "hi"]), "127.0.0.77:61000");
}

#[test]
fn every_form_of_a_host_is_accepted() {
    let server = Server::start(LINECARD, &["serve", "--listen", "127.0.0.1:0"]);
    let port = server.addr.port();
    for addr in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!(":{port}")] {
        is_answered(&call(&[&addr, "STRING", "hi"]), "Thank you.\n");
    }
    if prerequisite::ipv6() {
        let server = Server::start(LINECARD, &["serve", "--listen", "[::1]:0"]);
        let port = server.addr.port();
        is_answered(&call(&[&format!("[::1]:{port}"), "STRING", "hi"]), "Thank you.\n");
    }
}

#[test]
fn concurrent_calls_dont_wait_for_each_other() {
    let silent = ScriptedServer::start(ReceivedRequest::wait_for_close);
    let addr = silent.at();
    let waiting = std::thread::spawn(move || call(&[&addr, "STRING", "hi", "--timeout", "3"]));
    let server = Server::start(LINECARD, &["serve", "--listen", "127.0.0.1:0"]);
    let start = Instant::now();
    is_answered(&call(&[&server.at(), "STRING", "hi"]), "Thank you.\n");
    assert!(start.elapsed() < LATE, "took {:?}", start.elapsed());
    fails_in_time(&waiting.join().expect("a call"), Duration::from_secs(3));
    silent.check();
}

/// A file for `--payload`, removed when dropped.
struct Payload(PathBuf);

fn payload(name: &str, bytes: &[u8]) -> Payload {
    let file = format!("linecard-{}-{name}", std::process::id());
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, bytes).expect("a file in the temporary directory");
    Payload(path)
}

impl Payload {
    fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
