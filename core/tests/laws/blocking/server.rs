//! `serve`: a connection.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_io::ErrorKind;
use linecard_core::blocking::{ServeError, serve};
use linecard_core::{Answered, Frame, Instant, Reply, Service, Session};

use super::{Act, SILENT, Script, give};
use crate::support::{Lab, SMALL};

/// Serves the script with the smallest buffers that do, and with ample ones.
fn served(io: &mut Script) -> Result<(), ServeError<ErrorKind>> {
    let mut ample = Script { now: Rc::default(), ..io.clone() };
    let outcome = served_with(&mut ample, 10_000);
    assert_eq!(served_with(io, 0), outcome, "the buffers changed the outcome");
    assert_eq!(io.written(), ample.written(), "the buffers changed the replies");
    outcome
}

fn served_with(io: &mut Script, spare: usize) -> Result<(), ServeError<ErrorKind>> {
    let mut clock = io.clock();
    let mut session = Session::new(&SMALL, clock());
    let mut rx = vec![0; SMALL.max_request_frame_len() + spare];
    let mut tx = vec![0; SMALL.max_reply_frame_len() + spare];
    let outcome = serve(io, &mut session, &mut Lab::default(), &mut rx, &mut tx, &mut clock);
    assert_eq!(io.flushed, if outcome.is_ok() { io.written.len() } else { io.flushed });
    outcome
}

#[test]
fn a_server_answers_until_the_stream_ends() {
    let mut io = Script::reading([give("ECHO #1\nh"), give("i\nECHO\n"), give("ho\nECHO\nx")]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "OK #1\nhi\nOK\nho\n");
}

#[test]
fn a_server_takes_any_number_of_frames_through_small_buffers() {
    // Of 24 bytes each, so that the 75 of the least buffer end within one.
    let frames = "ECHO 15\n0123456789abcde\n".repeat(50);
    for size in [1, 7, 75, 10_000] {
        let pieces: Vec<Act> =
            frames.as_bytes().chunks(size).map(|bytes| Act::Give(bytes.to_vec())).collect();
        let mut io = Script::reading(pieces);
        assert_eq!(served(&mut io), Ok(()));
        assert_eq!(io.written(), "OK\n0123456789abcde\n".repeat(50));
    }
}

#[test]
fn the_longest_frame_fits_the_least_buffer() {
    let head = format!("{} 16 #4294967295\r\n", "n".repeat(32));
    let line = format!("{} #4294967295\r\n", "n".repeat(32));
    let frames = format!("{head}{body}\n{line}{body}\r\n", body = "x".repeat(16));
    let mut io = Script::reading(frames.bytes().map(|byte| Act::Give(vec![byte])));
    assert_eq!(served(&mut io), Ok(()));
    let reply = format!("ERR #4294967295\nunknown-command {}\n", "n".repeat(32));
    assert_eq!(io.written(), reply.repeat(2));
}

#[test]
fn short_and_interrupted_writes_are_gone_on_with() {
    let mut io = Script::reading([give("ECHO\nhi\n")]).writing([
        Act::Take(1),
        Act::Fail(ErrorKind::Interrupted),
        Act::Take(2),
        Act::Take(100),
    ]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "OK\nhi\n");
}

#[test]
fn a_write_that_takes_nothing_is_an_error_and_no_loop() {
    let mut io = Script::reading([give("ECHO\nhi\n")]).writing([Act::Take(2), Act::Take(0)]);
    assert_eq!(served(&mut io), Err(ServeError::WriteZero));
    let mut io = Script::reading([give("ECHO\nhi\n")]).writing([Act::Fail(ErrorKind::BrokenPipe)]);
    assert_eq!(served(&mut io), Err(ServeError::Io(ErrorKind::BrokenPipe)));
    let mut io = Script::reading([give("ECHO\nhi\n")]).writing([Act::Fail(ErrorKind::TimedOut)]);
    assert_eq!(served(&mut io), Err(ServeError::Io(ErrorKind::TimedOut)));
}

#[test]
fn interrupted_and_timed_out_reads_are_gone_on_with_and_others_fail() {
    let mut io = Script::reading([
        Act::Fail(ErrorKind::Interrupted),
        give("ECHO\n"),
        Act::Fail(ErrorKind::TimedOut),
        give("hi\n"),
        Act::Fail(ErrorKind::ConnectionReset),
    ]);
    assert_eq!(served(&mut io), Err(ServeError::Io(ErrorKind::ConnectionReset)));
    assert_eq!(io.written(), "OK\nhi\n");
}

#[test]
fn a_deadline_is_noticed_when_a_read_times_out() {
    let mut io = Script::reading([
        give("ECHO\nhi"),
        Act::Pass(999),
        Act::Fail(ErrorKind::TimedOut),
        Act::Pass(1),
        Act::Fail(ErrorKind::TimedOut),
        give("never read"),
    ]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "ERR\ntimeout\n");
    assert_eq!(io.reads.len(), 1);
}

#[test]
fn time_that_a_write_takes_is_not_the_peers() {
    let mut io = Script::reading([
        give("ECHO\nhi\nECHO\nh"),
        Act::Pass(900),
        Act::Fail(ErrorKind::TimedOut),
        give("o\n"),
    ])
    .writing([Act::Pass(60_000), Act::Take(100)]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "OK\nhi\nOK\nho\n");
    let mut io = Script::reading([
        give("ECHO\nhi\nECHO\nh"),
        Act::Pass(1_000),
        Act::Fail(ErrorKind::TimedOut),
        give("o\n"),
    ])
    .writing([Act::Pass(60_000), Act::Take(100)]);
    assert_eq!(served(&mut io), Ok(()));
    assert_eq!(io.written(), "OK\nhi\nERR\ntimeout\n", "and that of a read is");
}

/// A service whose every request takes longer than the idle timeout.
struct Slow(Rc<RefCell<u64>>, Lab);

impl Service for Slow {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        *self.0.borrow_mut() += 6_000;
        self.1.call(request, reply)
    }
}

#[test]
fn time_that_a_handler_takes_is_not_the_peers() {
    for spare in [0, SMALL.max_reply_frame_len(), 10_000] {
        let mut io = Script::reading([
            give("ECHO\na\nECHO\nb\n"),
            SILENT,
            Act::Pass(4_999),
            SILENT,
            give("ECHO\nc\nECHO\nd"),
            Act::Pass(999),
            SILENT,
            give("\n"),
        ]);
        let mut clock = io.clock();
        let mut session = Session::new(&SMALL, clock());
        let mut rx = vec![0; SMALL.max_request_frame_len()];
        let mut tx = vec![0; SMALL.max_reply_frame_len() + spare];
        let mut slow = Slow(Rc::clone(&io.now), Lab::default());
        assert_eq!(serve(&mut io, &mut session, &mut slow, &mut rx, &mut tx, &mut clock), Ok(()));
        assert_eq!(io.written(), "OK\na\nOK\nb\nOK\nc\nOK\nd\n", "{spare} bytes to spare");
    }
}

#[test]
fn a_server_says_which_buffer_is_too_small() {
    let mut io = Script::default();
    let mut clock = io.clock();
    let (rx, tx) = (SMALL.max_request_frame_len(), SMALL.max_reply_frame_len());
    for (rx_len, tx_len, needed) in [(rx - 1, tx, rx), (rx, tx - 1, tx), (0, 0, rx)] {
        let (mut rx, mut tx) = (vec![0; rx_len], vec![0; tx_len]);
        let mut session = Session::new(&SMALL, Instant::from_millis(0));
        let lab = &mut Lab::default();
        let outcome = serve(&mut io, &mut session, lab, &mut rx, &mut tx, &mut clock);
        assert_eq!(outcome, Err(ServeError::Buffers { needed }));
    }
}
