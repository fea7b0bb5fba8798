//! `serve`: a connection.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_io::ErrorKind;
use linecard_core::blocking::{ServeError, serve};
use linecard_core::{Answered, Frame, Instant, Reply, Service, Session};

use super::{Action, SILENT, Script, read};
use crate::asynch;
use crate::support::{SMALL, TestService};

/// Serves the script with the smallest buffers allowed, with larger ones, and by the async front.
fn served(io: &mut Script) -> Result<(), ServeError<ErrorKind>> {
    let script = io.clone();
    let mut large = Script { now: Rc::default(), ..io.clone() };
    let outcome = served_with(&mut large, 10_000);
    assert_eq!(served_with(io, 0), outcome, "the buffers changed the outcome");
    assert_eq!(io.written(), large.written(), "the buffers changed the replies");
    asynch::serves_alike(&script, outcome, &io.written);
    outcome
}

fn served_with(io: &mut Script, spare: usize) -> Result<(), ServeError<ErrorKind>> {
    let mut clock = io.clock();
    let mut session = Session::new(&SMALL, clock());
    let mut rx = vec![0; SMALL.max_request_frame_len() + spare];
    let mut tx = vec![0; SMALL.max_reply_frame_len() + spare];
    let outcome =
        serve(io, &mut session, &mut TestService::default(), &mut rx, &mut tx, &mut clock);
    assert_eq!(io.flushed, if outcome.is_ok() { io.written.len() } else { io.flushed });
    outcome
}

#[test]
fn a_server_answers_until_the_stream_ends() {
    let mut io = Script::reading([read("ECHO #1\nh"), read("i\nECHO\n"), read("ho\nECHO\nx")]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "OK #1\nhi\nOK\nho\n");
}

#[test]
fn a_server_takes_any_number_of_frames_through_small_buffers() {
    // 24 bytes each, so the smallest buffer, of 75 bytes, ends within a frame.
    let frames = "ECHO 15\n0123456789abcde\n".repeat(50);
    for size in [1, 7, 75, 10_000] {
        let pieces: Vec<Action> =
            frames.as_bytes().chunks(size).map(|bytes| Action::Read(bytes.to_vec())).collect();
        let mut io = Script::reading(pieces);
        assert_eq!(served(&mut io), Ok(()));
        assert_eq!(io.written(), "OK\n0123456789abcde\n".repeat(50));
    }
}

#[test]
fn the_longest_frame_fits_the_smallest_buffer() {
    let head = format!("{} 16 #4294967295\r\n", "n".repeat(32));
    let line = format!("{} #4294967295\r\n", "n".repeat(32));
    let frames = format!("{head}{body}\n{line}{body}\r\n", body = "x".repeat(16));
    let mut io = Script::reading(frames.bytes().map(|byte| Action::Read(vec![byte])));
    assert_eq!(served(&mut io), Ok(()));
    let reply = format!("ERR #4294967295\nunknown-command {}\n", "n".repeat(32));
    assert_eq!(io.written(), reply.repeat(2));
}

#[test]
fn short_and_interrupted_writes_are_continued() {
    let mut io = Script::reading([read("ECHO\nhi\n")]).writing([
        Action::Write(1),
        Action::Fail(ErrorKind::Interrupted),
        Action::Write(2),
        Action::Write(100),
    ]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "OK\nhi\n");
}

#[test]
fn a_write_of_zero_bytes_is_an_error() {
    let mut io =
        Script::reading([read("ECHO\nhi\n")]).writing([Action::Write(2), Action::Write(0)]);
    assert_eq!(served(&mut io), Err(ServeError::WriteZero));
    let mut io =
        Script::reading([read("ECHO\nhi\n")]).writing([Action::Fail(ErrorKind::BrokenPipe)]);
    assert_eq!(served(&mut io), Err(ServeError::Io(ErrorKind::BrokenPipe)));
    let mut io = Script::reading([read("ECHO\nhi\n")]).writing([Action::Fail(ErrorKind::TimedOut)]);
    assert_eq!(served(&mut io), Err(ServeError::Io(ErrorKind::TimedOut)));
}

#[test]
fn interrupted_and_timed_out_reads_are_retried_and_others_fail() {
    let mut io = Script::reading([
        Action::Fail(ErrorKind::Interrupted),
        read("ECHO\n"),
        Action::Fail(ErrorKind::TimedOut),
        read("hi\n"),
        Action::Fail(ErrorKind::ConnectionReset),
    ]);
    assert_eq!(served(&mut io), Err(ServeError::Io(ErrorKind::ConnectionReset)));
    assert_eq!(io.written(), "OK\nhi\n");
}

#[test]
fn a_deadline_is_checked_when_a_read_times_out() {
    let mut io = Script::reading([
        read("ECHO\nhi"),
        Action::Wait(999),
        Action::Fail(ErrorKind::TimedOut),
        Action::Wait(1),
        Action::Fail(ErrorKind::TimedOut),
        read("never read"),
    ]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "ERR\ntimeout\n");
    assert_eq!(io.reads.len(), 1);
}

#[test]
fn the_time_of_a_write_does_not_count_against_the_peer() {
    let mut io = Script::reading([
        read("ECHO\nhi\nECHO\nh"),
        Action::Wait(900),
        Action::Fail(ErrorKind::TimedOut),
        read("o\n"),
    ])
    .writing([Action::Wait(60_000), Action::Write(100)]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "OK\nhi\nOK\nho\n");
    let mut io = Script::reading([
        read("ECHO\nhi\nECHO\nh"),
        Action::Wait(1_000),
        Action::Fail(ErrorKind::TimedOut),
        read("o\n"),
    ])
    .writing([Action::Wait(60_000), Action::Write(100)]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "OK\nhi\nERR\ntimeout\n", "the time of a read counts");
}

/// A service whose every request takes longer than the idle timeout.
struct Slow(Rc<RefCell<u64>>, TestService);

impl Service for Slow {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        *self.0.borrow_mut() += 6_000;
        self.1.call(request, reply)
    }
}

#[test]
fn the_time_of_a_handler_does_not_count_against_the_peer() {
    for spare in [0, SMALL.max_reply_frame_len(), 10_000] {
        let mut io = Script::reading([
            read("ECHO\na\nECHO\nb\n"),
            SILENT,
            Action::Wait(4_999),
            SILENT,
            read("ECHO\nc\nECHO\nd"),
            Action::Wait(999),
            SILENT,
            read("\n"),
        ]);
        let mut clock = io.clock();
        let mut session = Session::new(&SMALL, clock());
        let mut rx = vec![0; SMALL.max_request_frame_len()];
        let mut tx = vec![0; SMALL.max_reply_frame_len() + spare];
        let mut slow = Slow(Rc::clone(&io.now), TestService::default());
        assert_eq!(serve(&mut io, &mut session, &mut slow, &mut rx, &mut tx, &mut clock), Ok(()));
        assert_eq!(io.written(), "OK\na\nOK\nb\nOK\nc\nOK\nd\n", "{spare} bytes to spare");
    }
}

#[test]
fn a_buffer_that_is_too_small_is_an_error() {
    let mut io = Script::default();
    let mut clock = io.clock();
    let (rx, tx) = (SMALL.max_request_frame_len(), SMALL.max_reply_frame_len());
    for (rx_len, tx_len, needed) in [(rx - 1, tx, rx), (rx, tx - 1, tx), (0, 0, rx)] {
        let (mut rx, mut tx) = (vec![0; rx_len], vec![0; tx_len]);
        let mut session = Session::new(&SMALL, Instant::from_millis(0));
        let service = &mut TestService::default();
        let outcome = serve(&mut io, &mut session, service, &mut rx, &mut tx, &mut clock);
        assert_eq!(outcome, Err(ServeError::Buffers { needed }));
    }
}
