//! `LinkCaller`: a client of a link that can't close.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use linecard_core::blocking::{Caller, CallerError, LinkCaller};
use linecard_core::{CallError, Code, Fault, Instant, Limits, RequestError, Text};

use super::{Action, OVERRUN, SILENT, Say, Script, read};
use crate::support::{SMALL, Server};

/// A device's: nothing is ever too long idle.
static LINK: Limits =
    Limits { frame_timeout: Duration::from_secs(10), idle_timeout: Duration::MAX, ..SMALL };

/// How long a read waits, in milliseconds.
const PATIENCE: u64 = 5_000;

/// A line with a device at its other end that does what `serve_link` does. Time passes as the line
/// is read.
struct Line {
    server: Server<'static>,
    /// Since when nothing has come, while the device discards.
    discarding: Option<u64>,
    received: VecDeque<u8>,
    now: Rc<RefCell<u64>>,
    /// Which of the bytes written next is lost.
    loses: Option<usize>,
}

impl Line {
    fn losing(at: usize) -> Self {
        Self {
            server: Server::new(&LINK),
            discarding: None,
            received: VecDeque::new(),
            now: Rc::default(),
            loses: Some(at),
        }
    }

    fn clock(&self) -> impl FnMut() -> Instant + use<> {
        let now = Rc::clone(&self.now);
        move || Instant::from_millis(*now.borrow())
    }

    fn device(&mut self, bytes: &[u8]) {
        let now = *self.now.borrow();
        if self.discarding.is_some_and(|since| now - since >= 10_000) {
            (self.server, self.discarding) = (Server::new(&LINK), None);
        }
        if let Some(since) = &mut self.discarding {
            *since = if bytes.is_empty() { *since } else { now };
            return;
        }
        let mut sent = self.server.at(now);
        sent += &self.server.feed(bytes);
        self.received.extend(sent.bytes());
        self.discarding = self.server.is_closed().then_some(now);
    }
}

impl ErrorType for Line {
    type Error = ErrorKind;
}

impl Read for Line {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        for _tenth in 0..PATIENCE / 100 {
            if !self.received.is_empty() {
                return Ok(std::io::Read::read(&mut self.received, buf).expect("in memory"));
            }
            *self.now.borrow_mut() += 100;
            self.device(&[]);
        }
        Err(ErrorKind::TimedOut)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let mut arriving = bytes.to_vec();
        if let Some(at) = self.loses.take() {
            arriving.remove(at);
        }
        self.device(&arriving);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

const REQUEST: &str = "ECHO #0\nhello\n";

fn echo<T: Read + Write>(
    caller: &mut LinkCaller<'_, T, Vec<u8>, 1>,
) -> Result<String, CallerError<'static, T::Error>> {
    match caller.call_named("ECHO", &Text("hello")) {
        Ok(body) => Ok(String::from_utf8_lossy(body.bytes()).into_owned()),
        Err(CallerError::Io(error)) => Err(CallerError::Io(error)),
        Err(_) => Err(CallerError::Call(CallError::Closed(Fault::Grammar))),
    }
}

/// A caller that keeps no silence.
fn rash(line: &mut Line) -> Caller<&mut Line, Vec<u8>, 1> {
    Caller::new(line, vec![0; 256], vec![0; 64], 1_000)
}

fn careful<T: Read + Write>(
    io: T,
    clock: &mut dyn FnMut() -> Instant,
) -> LinkCaller<'_, T, Vec<u8>, 1> {
    let caller = Caller::new(io, vec![0; 256], vec![0; 64], 1_000);
    LinkCaller::new(caller, LINK.frame_timeout, clock)
}

#[test]
fn a_byte_lost_costs_one_call_and_not_the_line() {
    for at in 0..REQUEST.len() {
        let line = Line::losing(at);
        let now = Rc::clone(&line.now);
        let mut clock = line.clock();
        let mut caller = careful(line, &mut clock);
        let first = echo(&mut caller);
        let second = echo(&mut caller);
        assert_eq!(second, Ok("hello".into()), "byte {at} lost: {first:?}");
        assert!(*now.borrow() < 40_000, "byte {at} lost: {} ms", now.borrow());
    }
}

#[test]
fn without_silence_a_retry_keeps_the_device_from_listening() {
    let mut line = Line::losing(REQUEST.find('\n').expect("a head"));
    for _attempt in 0..8 {
        let mut caller = rash(&mut line);
        assert!(caller.call_named("ECHO", &Text("hello")).is_err());
    }
    let mut clock = line.clock();
    let mut caller = careful(line, &mut clock);
    assert_eq!(caller.resync(), Ok(()));
    assert_eq!(echo(&mut caller), Ok("hello".into()));
}

const SILENCE: Duration = Duration::from_secs(8);
const TIMED_OUT: CallerError<'_, ErrorKind> = CallerError::Io(ErrorKind::TimedOut);

/// What a caller does with a script, and how much time passed.
fn scripted<R>(
    reads: impl IntoIterator<Item = Action>,
    run: impl FnOnce(&mut LinkCaller<'_, Script, Vec<u8>, 2>) -> R,
) -> R {
    let io = Script::reading(reads);
    let mut clock = io.clock();
    let caller = Caller::new(io, vec![0; 256], vec![0; 64], 1_000);
    // A silence of 9 s.
    run(&mut LinkCaller::new(caller, SILENCE, &mut clock))
}

/// The first call fails at 0 ms, the second is asked for at once, and gets `OK #1`.
fn second_call_after(silence: impl IntoIterator<Item = Action>) -> (u64, usize) {
    let reads = [SILENT].into_iter().chain(silence).chain([read("OK #1\nb\n")]);
    scripted(reads, |caller| {
        assert_eq!(caller.call::<Say>(&Text("1")), Err(TIMED_OUT));
        assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
        assert_eq!(caller.io().written(), "SAY #0\n1\nSAY #1\n2\n");
        (caller.io().now(), caller.io().reads.len())
    })
}

#[test]
fn after_a_call_given_up_nothing_is_sent_until_there_was_silence() {
    let silence = [
        Action::Wait(8_999),
        SILENT,
        Action::Fail(ErrorKind::Interrupted),
        Action::Wait(1),
        SILENT,
    ];
    assert_eq!(second_call_after(silence), (9_000, 0));
}

#[test]
fn what_comes_meanwhile_is_discarded_and_is_no_silence() {
    for noise in [read("OK #1\nnot yet\n"), read("ERR\ntimeout\n"), read("\n!"), OVERRUN] {
        let silence =
            [Action::Wait(8_000), noise, Action::Wait(8_999), SILENT, Action::Wait(1), SILENT];
        assert_eq!(second_call_after(silence), (17_000, 0));
    }
}

#[test]
fn after_twice_the_silence_a_pause_is_enough() {
    let silence = [Action::Wait(17_999), read("x"), SILENT, Action::Wait(1), SILENT];
    assert_eq!(second_call_after(silence), (18_000, 0));
    // What is found after a minute may have come at any time.
    let reads = [SILENT, read("OK #0\nlate\nERR\ntimeout\n"), SILENT, read("OK #1\nb\n")];
    scripted(reads, |caller| {
        assert_eq!(caller.call::<Say>(&Text("1")), Err(TIMED_OUT));
        *caller.io().now.borrow_mut() += 60_000;
        assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
        assert_eq!(caller.io().now(), 60_000);
    });
}

#[test]
fn noise_without_end_is_no_endless_wait() {
    let noise = (0..27).flat_map(|_| [Action::Wait(1_000), read("x")]);
    assert_eq!(second_call_after(noise), (27_000, 0));
}

#[test]
fn faults_and_refusals_that_may_close_ask_for_silence_and_others_do_not() {
    for (reply, keeps_silent) in [
        ("OK #0\na\n", false),
        ("ERR #0\nfailed\n", false),
        ("ERR #0\nunknown-command SAY\n", false),
        ("ERR #0\nreply-too-large\n", false),
        ("OK 1 #0\n\u{1}\n", false),
        ("ERR #0\ntoo-large\n", true),
        ("ERR #0\ndesync\n", true),
        ("ERR\nbad-head\n", true),
        ("ERR\ntimeout\n", true),
        ("OK 1 #0\nxy\n", true),
        ("OK\nx\n", true),
        ("\n", true),
        ("OK #1\n\n", false),
    ] {
        // The last is a late reply of nobody's; the read behind it times out.
        let silence = [read(reply), SILENT, Action::Wait(9_000), SILENT, read("OK #1\nb\n")];
        let waited = scripted(silence, |caller| {
            let _outcome = caller.call::<Say>(&Text("1")).is_ok();
            let _outcome = caller.call::<Say>(&Text("2")).is_ok();
            caller.io().now()
        });
        assert_eq!(waited > 0, keeps_silent || reply == "OK #1\n\n", "{reply:?}");
    }
}

#[test]
fn a_request_that_was_cut_is_never_finished() {
    let io = Script::reading([SILENT, Action::Wait(9_000), SILENT, read("OK #3\nb\n")])
        .writing([Action::Write(4), Action::Fail(ErrorKind::TimedOut)]);
    let mut clock = io.clock();
    let caller = Caller::<_, _, 3>::new(io, vec![0; 256], vec![0; 64], 1_000);
    let mut caller = LinkCaller::new(caller, SILENCE, &mut clock);
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    let third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.receive(first), Err(TIMED_OUT));
    assert_eq!(caller.receive(second), Err(TIMED_OUT));
    assert_eq!(caller.io().written(), "SAY ", "nothing is sent after a failure");
    assert_eq!(caller.call::<Say>(&Text("4")), Ok(Text("b")));
    assert_eq!(caller.receive(third), Err(CallerError::Call(CallError::PassedOver)));
    assert_eq!(caller.io().written(), "SAY SAY #3\n4\n");
}

#[test]
fn replies_to_other_calls_may_still_be_taken_after_a_failure() {
    let reads = [SILENT, read("OK #1\nb\n"), Action::Wait(9_000), SILENT, read("OK #2\nc\n")];
    scripted(reads, |caller| {
        let first = caller.send::<Say>(&Text("1")).expect("sent");
        let second = caller.send::<Say>(&Text("2")).expect("sent");
        assert_eq!(caller.receive(first), Err(TIMED_OUT));
        assert_eq!(caller.receive(second), Ok(Text("b")));
        assert_eq!(caller.call::<Say>(&Text("3")), Ok(Text("c")));
        assert_eq!(caller.io().now(), 9_000, "the failure was forgotten");
    });
}

#[test]
fn a_link_that_is_gone_or_ends_is_said() {
    let error = |read: Action| {
        scripted([SILENT, read], |caller| {
            assert_eq!(caller.call::<Say>(&Text("1")), Err(TIMED_OUT));
            caller.send::<Say>(&Text("2")).expect_err("no link")
        })
    };
    let broken = ErrorKind::BrokenPipe;
    assert_eq!(error(Action::Fail(broken)), CallerError::Io(broken));
    assert_eq!(error(Action::Wait(0)), CallerError::Call(CallError::Closed(Fault::End)));
    // An end is none for good: perhaps the adapter is plugged in again.
    let reads = [SILENT, Action::Fail(broken), Action::Wait(9_000), SILENT, read("OK #1\nb\n")];
    scripted(reads, |caller| {
        assert_eq!(caller.call::<Say>(&Text("1")), Err(TIMED_OUT));
        assert_eq!(caller.call::<Say>(&Text("2")), Err(CallerError::Io(broken)));
        assert_eq!(caller.call::<Say>(&Text("3")), Ok(Text("b")));
    });
}

#[test]
fn more_calls_than_the_capacity_cost_no_silence() {
    scripted([read("OK #0\na\n")], |caller| {
        let first = caller.send::<Say>(&Text("1")).expect("sent");
        let _second = caller.send::<Say>(&Text("2")).expect("sent");
        let error = caller.send::<Say>(&Text("3")).expect_err("too many");
        assert_eq!(error, CallerError::Call(CallError::Request(RequestError::Window)));
        assert_eq!(caller.receive(first), Ok(Text("a")));
    });
}

#[test]
fn a_refusal_is_shown_as_it_came() {
    scripted([read("ERR #0\ntoo-large over 16\n")], |caller| {
        match caller.call::<Say>(&Text("1")) {
            Err(CallerError::Call(CallError::Refused(refusal))) => {
                assert_eq!((refusal.code, refusal.message), (Code::TooLarge, "over 16"));
            }
            outcome => panic!("{outcome:?}"),
        }
    });
}
