//! What `linecard` writes to a terminal, and what to a pipe.
#![cfg(target_os = "linux")]

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use linecard_suite::process;
use linecard_suite::scripted_server::ScriptedServer;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");
/// Sets a title, clears the screen, overwrites the line; C1, DEL, and bytes that are not UTF-8.
const CONTROLS: &[u8] = b"\x1b]0;title\x07\x1b[2Jover\rwritten\xc2\x9b2J\x7f\x9b\xff";
const ESCAPED: &str = r"\x1b]0;title\x07\x1b[2Jover\rwritten\u{9b}2J\x7f\x9b\xff";

/// A server that replies with [`CONTROLS`] and `end`, as a line or counted.
fn lying(counted: bool, end: &'static str) -> ScriptedServer {
    ScriptedServer::start(move |peer| {
        let body = [CONTROLS, end.as_bytes()].concat();
        let len = if counted { format!(" {}", body.len()) } else { String::new() };
        peer.send([format!("OK{len}{}\n", peer.tag()).as_bytes(), &body, b"\n"].concat());
    })
}

/// Runs `linecard` with standard output and standard error on a terminal. Returns what it showed
/// there.
fn on_a_terminal(args: &[&str]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudoterminal");
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("a pseudoterminal");
    let name = ptsname(&terminal, Vec::new()).expect("its name").into_string().expect("ASCII");
    let side = || OpenOptions::new().read(true).write(true).open(&name).expect("its other side");
    // The command, and with it this process's handles of the other side, is dropped once it has
    // started.
    let mut child = Command::new(LINECARD)
        .args(args)
        .stdin(Stdio::null())
        .stdout(side())
        .stderr(side())
        .spawn()
        .expect("linecard");
    let mut shown = Vec::new();
    // When the last handle of the other side is closed, reading ends with an error.
    let _closed = File::from(terminal).read_to_end(&mut shown);
    child.wait().expect("an end");
    String::from_utf8(shown).expect("UTF-8").replace("\r\n", "\n")
}

#[test]
fn a_replys_control_characters_are_escaped_on_a_terminal() {
    for (counted, end, shown) in [(false, "", "\n"), (true, "\n\tx\n", "\n\tx\n")] {
        let server = lying(counted, end);
        let text = on_a_terminal(&["call", &server.at(), "FROB", "hi"]);
        server.check();
        // The terminal itself may show a tab as spaces.
        assert_eq!(text.replace("        ", "\t"), format!("{ESCAPED}{shown}"));
    }
}

#[test]
fn a_replys_bytes_go_into_a_pipe_as_they_came() {
    for (counted, end) in [(false, "\n"), (true, "")] {
        let server = lying(counted, "");
        let args = ["call", &server.at(), "FROB", "hi"];
        let ended = process::run(LINECARD, &args, Duration::from_mins(1));
        server.check();
        assert_eq!(ended.status, Some(0), "{ended:?}");
        assert_eq!(ended.stdout, [CONTROLS, end.as_bytes()].concat());
    }
}

#[test]
fn an_error_message_is_one_line_without_control_characters() {
    let args = ["call", "no\x1b[2Jhost\n.invalid", "FROB"];
    let shown = on_a_terminal(&args);
    let ended = process::run(LINECARD, &args, Duration::from_mins(1));
    for text in [shown, ended.stderr] {
        assert!(text.contains(r"no\x1b[2Jhost\n.invalid"), "{text}");
        let line = text.strip_suffix('\n').expect("one line");
        assert!(!line.contains(char::is_control), "{text}");
    }
}
