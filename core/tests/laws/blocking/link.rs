//! `serve_link`: a link that can't close.

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use linecard_core::Instant;
use linecard_core::blocking::{ServeError, serve_link};

use super::{Act, OVERRUN, SILENT, Script, give};
use crate::support::{Lab, SMALL};

/// Serves a link by script until it ends.
fn linked(reads: impl IntoIterator<Item = Act>) -> (Script, Vec<String>) {
    let mut io = Script::reading(reads);
    let mut clock = io.clock();
    let mut lab = Lab::default();
    let (mut rx, mut tx) =
        (vec![0; SMALL.max_request_frame_len()], vec![0; SMALL.max_reply_frame_len()]);
    let outcome = serve_link(&mut io, &SMALL, &mut lab, &mut rx, &mut tx, &mut clock);
    assert_eq!(outcome, Err(ServeError::Ended));
    (io, lab.log)
}

#[test]
fn a_broken_frame_on_a_link_runs_nothing_until_it_was_silent() {
    let (io, log) = linked([
        give("ECHO\na\n!\nECHO\nleftover\n"),
        Act::Pass(500),
        give("ECHO\nmore leftovers\n"),
        Act::Pass(999),
        SILENT,
        give("ECHO\nnot silent yet\n"),
        Act::Fail(ErrorKind::Interrupted),
        Act::Pass(1_000),
        SILENT,
        give("ECHO\nb\n"),
    ]);
    assert_eq!(io.written(), "OK\na\nERR\nbad-head\nOK\nb\n");
    assert_eq!(log, ["ECHO a", "! bad-head", "ECHO b"]);
}

#[test]
fn the_rest_of_a_frame_that_lost_bytes_never_runs() {
    let (io, log) = linked([
        give("ECHO\na\nECHO 20\nlost fro"),
        OVERRUN,
        give("m here\nECHO\nleftover\n"),
        Act::Pass(900),
        OVERRUN,
        Act::Fail(ErrorKind::InvalidData),
        Act::Pass(999),
        SILENT,
        give("ECHO\nnot silent yet\n"),
        Act::Pass(1_000),
        SILENT,
        give("ECHO\nb\n"),
    ]);
    assert_eq!(io.written(), "OK\na\nOK\nb\n");
    assert_eq!(log, ["ECHO a", "ECHO b"]);
}

#[test]
fn bytes_lost_between_frames_are_a_broken_frame_as_well() {
    // Nobody knows whether the head of a frame was among them.
    let (io, log) = linked([
        OVERRUN,
        give("ECHO\nperhaps a body\n"),
        Act::Pass(1_000),
        SILENT,
        give("ECHO\nb\n"),
    ]);
    assert_eq!(io.written(), "OK\nb\n");
    assert_eq!(log, ["ECHO b"]);
}

#[test]
fn an_error_while_a_link_discards_is_noise() {
    let (_, log) = linked([
        give("!\n"),
        Act::Pass(999),
        OVERRUN,
        Act::Pass(999),
        SILENT,
        give("ECHO\nnot silent yet\n"),
        Act::Pass(1_000),
        SILENT,
        give("ECHO\nb\n"),
    ]);
    assert_eq!(log, ["! bad-head", "ECHO b"]);
}

/// A line that delivers nothing but errors, but what `between` says after every 9,999 of them.
#[derive(Debug)]
struct Failing {
    reads: u32,
    between: Result<usize, ErrorKind>,
}

impl ErrorType for Failing {
    type Error = ErrorKind;
}

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, ErrorKind> {
        self.reads += 1;
        assert!(self.reads <= 100_000, "it spins");
        if self.reads == 95_000 {
            return Err(ErrorKind::BrokenPipe);
        }
        if self.reads.is_multiple_of(10_000) { self.between } else { Err(ErrorKind::Other) }
    }
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// How serving such a line ends, and after how many reads.
fn failing(between: Result<usize, ErrorKind>) -> (ErrorKind, u32) {
    let mut io = Failing { reads: 0, between };
    let (mut rx, mut tx) =
        (vec![0; SMALL.max_request_frame_len()], vec![0; SMALL.max_reply_frame_len()]);
    let lab = &mut Lab::default();
    let clock = &mut || Instant::from_millis(0);
    match serve_link(&mut io, &SMALL, lab, &mut rx, &mut tx, clock) {
        Err(ServeError::Io(kind)) => (kind, io.reads),
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn a_link_that_only_fails_is_given_up_and_one_that_is_noisy_is_not() {
    assert_eq!(failing(Err(ErrorKind::Other)), (ErrorKind::Other, 10_002));
    assert_eq!(failing(Err(ErrorKind::Interrupted)), (ErrorKind::Other, 10_003));
    assert_eq!(failing(Ok(1)), (ErrorKind::BrokenPipe, 95_000));
    assert_eq!(failing(Err(ErrorKind::TimedOut)), (ErrorKind::BrokenPipe, 95_000));
}

#[test]
fn a_link_that_is_gone_is_given_up_at_once() {
    for kind in [
        ErrorKind::NotConnected,
        ErrorKind::BrokenPipe,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
    ] {
        let mut io = Script::reading([give("ECHO\na\n"), Act::Fail(kind), give("ECHO\nb\n")]);
        let mut clock = io.clock();
        let (mut rx, mut tx) =
            (vec![0; SMALL.max_request_frame_len()], vec![0; SMALL.max_reply_frame_len()]);
        let lab = &mut Lab::default();
        let outcome = serve_link(&mut io, &SMALL, lab, &mut rx, &mut tx, &mut clock);
        assert_eq!(outcome, Err(ServeError::Io(kind)));
        assert_eq!(io.written(), "OK\na\n");
    }
}

#[test]
fn a_link_is_never_too_long_idle() {
    let idle = [Act::Pass(1_000_000), Act::Fail(ErrorKind::TimedOut)];
    let (io, _) = linked(idle.into_iter().chain([give("ECHO\na\n")]));
    assert_eq!(io.written(), "OK\na\n");
}

#[test]
fn a_link_that_ends_or_fails_is_no_endless_loop() {
    assert_eq!(linked([]).0.written(), "");
    assert_eq!(linked([give("!\n"), Act::Pass(10)]).0.written(), "ERR\nbad-head\n");
    let mut io = Script::reading([give("!\n"), Act::Fail(ErrorKind::BrokenPipe)]);
    let mut clock = io.clock();
    let (mut rx, mut tx) =
        (vec![0; SMALL.max_request_frame_len()], vec![0; SMALL.max_reply_frame_len()]);
    let lab = &mut Lab::default();
    let outcome = serve_link(&mut io, &SMALL, lab, &mut rx, &mut tx, &mut clock);
    assert_eq!(outcome, Err(ServeError::Io(ErrorKind::BrokenPipe)));
}
