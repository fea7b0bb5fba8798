//! `serve_link`: a link that can't close.

use std::convert::Infallible;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use linecard_core::Instant;
use linecard_core::blocking::{ServeError, serve_link};

use super::{Action, OVERRUN, SILENT, Script, read};
use crate::asynch;
use crate::support::{SMALL, TestService};

fn serve_with_small_buffers<T: Read + Write>(
    io: &mut T,
    service: &mut TestService,
    clock: &mut dyn FnMut() -> Instant,
) -> Result<Infallible, ServeError<T::Error>> {
    let mut rx = vec![0; SMALL.max_request_frame_len()];
    let mut tx = vec![0; SMALL.max_reply_frame_len()];
    serve_link(io, &SMALL, service, &mut rx, &mut tx, clock)
}

/// Serves a scripted link until it ends, and by the async front.
fn serve_script(reads: impl IntoIterator<Item = Action>) -> (Script, Vec<String>) {
    let mut io = Script::reading(reads);
    let script = io.clone();
    let mut clock = io.clock();
    let mut service = TestService::default();
    let outcome = serve_with_small_buffers(&mut io, &mut service, &mut clock);
    assert_eq!(outcome, Err(ServeError::Ended));
    asynch::serves_link_alike(&script, &io.written, &service.log);
    (io, service.log)
}

#[test]
fn after_a_broken_frame_a_link_runs_nothing_until_silence() {
    let (io, log) = serve_script([
        read("ECHO\na\n!\nECHO\nleftover\n"),
        Action::Wait(500),
        read("ECHO\nmore leftovers\n"),
        Action::Wait(999),
        SILENT,
        read("ECHO\nnot silent yet\n"),
        Action::Fail(ErrorKind::Interrupted),
        Action::Wait(1_000),
        SILENT,
        read("ECHO\nb\n"),
    ]);
    assert_eq!(io.written(), "OK\na\nERR\nbad-head\nOK\nb\n");
    assert_eq!(log, ["ECHO a", "! bad-head", "ECHO b"]);
}

#[test]
fn the_rest_of_a_frame_that_lost_bytes_never_runs() {
    let (io, log) = serve_script([
        read("ECHO\na\nECHO 20\nlost fro"),
        OVERRUN,
        read("m here\nECHO\nleftover\n"),
        Action::Wait(900),
        OVERRUN,
        Action::Fail(ErrorKind::InvalidData),
        Action::Wait(999),
        SILENT,
        read("ECHO\nnot silent yet\n"),
        Action::Wait(1_000),
        SILENT,
        read("ECHO\nb\n"),
    ]);
    assert_eq!(io.written(), "OK\na\nOK\nb\n");
    assert_eq!(log, ["ECHO a", "ECHO b"]);
}

#[test]
fn bytes_lost_between_frames_count_as_a_broken_frame() {
    // They may have held the head of a frame.
    let (io, log) = serve_script([
        OVERRUN,
        read("ECHO\nperhaps a body\n"),
        Action::Wait(1_000),
        SILENT,
        read("ECHO\nb\n"),
    ]);
    assert_eq!(io.written(), "OK\nb\n");
    assert_eq!(log, ["ECHO b"]);
}

#[test]
fn an_error_while_a_link_discards_ends_the_silence() {
    let (_, log) = serve_script([
        read("!\n"),
        Action::Wait(999),
        OVERRUN,
        Action::Wait(999),
        SILENT,
        read("ECHO\nnot silent yet\n"),
        Action::Wait(1_000),
        SILENT,
        read("ECHO\nb\n"),
    ]);
    assert_eq!(log, ["! bad-head", "ECHO b"]);
}

/// A link whose reads fail, except that each 10,000th returns `between`.
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
        assert!(self.reads <= 100_000, "it loops without end");
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

/// How serving such a link ends, and after how many reads.
fn failing(between: Result<usize, ErrorKind>) -> (ErrorKind, u32) {
    let mut io = Failing { reads: 0, between };
    let service = &mut TestService::default();
    let clock = &mut || Instant::from_millis(0);
    match serve_with_small_buffers(&mut io, service, clock) {
        Err(ServeError::Io(kind)) => (kind, io.reads),
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn a_link_whose_reads_only_fail_ends_and_a_noisy_one_does_not() {
    assert_eq!(failing(Err(ErrorKind::Other)), (ErrorKind::Other, 10_002));
    assert_eq!(failing(Err(ErrorKind::Interrupted)), (ErrorKind::Other, 10_003));
    assert_eq!(failing(Ok(1)), (ErrorKind::BrokenPipe, 95_000));
    assert_eq!(failing(Err(ErrorKind::TimedOut)), (ErrorKind::BrokenPipe, 95_000));
}

#[test]
fn a_link_that_is_gone_ends_at_once() {
    for kind in [
        ErrorKind::NotConnected,
        ErrorKind::BrokenPipe,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
    ] {
        let mut io = Script::reading([read("ECHO\na\n"), Action::Fail(kind), read("ECHO\nb\n")]);
        let mut clock = io.clock();
        let service = &mut TestService::default();
        let outcome = serve_with_small_buffers(&mut io, service, &mut clock);
        assert_eq!(outcome, Err(ServeError::Io(kind)));
        assert_eq!(io.written(), "OK\na\n");
    }
}

#[test]
fn a_link_has_no_idle_timeout() {
    let idle = [Action::Wait(1_000_000), Action::Fail(ErrorKind::TimedOut)];
    let (io, _) = serve_script(idle.into_iter().chain([read("ECHO\na\n")]));
    assert_eq!(io.written(), "OK\na\n");
}

#[test]
fn a_link_that_ends_or_fails_ends_the_loop() {
    assert_eq!(serve_script([]).0.written(), "");
    assert_eq!(serve_script([read("!\n"), Action::Wait(10)]).0.written(), "ERR\nbad-head\n");
    let mut io = Script::reading([read("!\n"), Action::Fail(ErrorKind::BrokenPipe)]);
    let mut clock = io.clock();
    let service = &mut TestService::default();
    let outcome = serve_with_small_buffers(&mut io, service, &mut clock);
    assert_eq!(outcome, Err(ServeError::Io(ErrorKind::BrokenPipe)));
}
