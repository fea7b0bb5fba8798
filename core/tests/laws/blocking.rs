//! The blocking fronts over a stream that does exactly what a script says.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use linecard_core::blocking::{Caller, CallerError, ServeError, serve, serve_link};
use linecard_core::{
    Answered, Body, CallError, Code, Command, DecodeError, Fault, Frame, Instant, Postcard,
    Refusal, Reply, RequestError, Service, Session, Text,
};

use crate::support::{Lab, SMALL, SPIN};

/// What a read or a write does.
#[derive(Clone, Debug)]
enum Act {
    /// A read gives these bytes.
    Give(Vec<u8>),
    /// A read or write fails.
    Fail(ErrorKind),
    /// Time passes, and then the next act.
    Pass(u64),
    /// A write takes so many bytes.
    Take(usize),
}

fn give(bytes: &str) -> Act {
    Act::Give(bytes.into())
}

/// A stream by script. Reads past the script's end are the end of the stream; writes past it take
/// everything.
#[derive(Clone, Debug, Default)]
struct Script {
    reads: VecDeque<Act>,
    writes: VecDeque<Act>,
    written: Vec<u8>,
    flushed: usize,
    now: Rc<RefCell<u64>>,
}

impl Script {
    fn reading(reads: impl IntoIterator<Item = Act>) -> Self {
        Self { reads: reads.into_iter().collect(), ..Self::default() }
    }

    fn writing(mut self, writes: impl IntoIterator<Item = Act>) -> Self {
        self.writes = writes.into_iter().collect();
        self
    }

    fn clock(&self) -> impl FnMut() -> Instant + use<> {
        let now = Rc::clone(&self.now);
        let mut looked = 0;
        move || {
            looked += 1;
            assert!(looked < SPIN, "it spins");
            Instant::from_millis(*now.borrow())
        }
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }
}

impl ErrorType for Script {
    type Error = ErrorKind;
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        assert!(!buf.is_empty(), "a read into nothing looks like the end of the stream");
        match self.reads.pop_front() {
            None => Ok(0),
            Some(Act::Fail(kind)) => Err(kind),
            Some(Act::Pass(millis)) => {
                *self.now.borrow_mut() += millis;
                self.read(buf)
            }
            Some(Act::Give(mut bytes)) => {
                let len = bytes.len().min(buf.len());
                buf[..len].copy_from_slice(&bytes[..len]);
                bytes.drain(..len);
                if !bytes.is_empty() {
                    self.reads.push_front(Act::Give(bytes));
                }
                Ok(len)
            }
            Some(Act::Take(_)) => panic!("a read doesn't take"),
        }
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        assert!(!bytes.is_empty(), "a write of nothing");
        let len = match self.writes.pop_front() {
            None => bytes.len(),
            Some(Act::Take(len)) => len.min(bytes.len()),
            Some(Act::Fail(kind)) => return Err(kind),
            Some(Act::Pass(millis)) => {
                *self.now.borrow_mut() += millis;
                return self.write(bytes);
            }
            Some(Act::Give(_)) => panic!("a write doesn't give"),
        };
        self.written.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.flushed = self.written.len();
        Ok(())
    }
}

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

const SILENT: Act = Act::Fail(ErrorKind::TimedOut);
const OVERRUN: Act = Act::Fail(ErrorKind::Other);

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

#[derive(Debug)]
struct Say;

impl Command for Say {
    const NAME: &'static str = "SAY";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}

#[derive(Debug)]
struct Add;

impl Command for Add {
    const NAME: &'static str = "ADD";
    type Request<'i> = Postcard<u8>;
    type Reply<'i> = Postcard<u8>;
}

type Calls = Caller<Script, Vec<u8>, 4>;

fn caller(io: Script) -> Calls {
    Caller::new(io, vec![0; 256], vec![0; 64], 1_000)
}

#[test]
fn a_call_is_sent_and_its_reply_awaited() {
    let io = Script::reading([
        Act::Fail(ErrorKind::Interrupted),
        give("OK #"),
        give("0\nyes\nOK 1 #1\n"),
        give("\x07\n"),
        give("OK 3 #2\na\nb\n"),
    ])
    .writing([Act::Take(3), Act::Fail(ErrorKind::Interrupted), Act::Take(2)]);
    let mut caller = caller(io);
    assert_eq!(caller.call::<Say>(&Text("hi")), Ok(Text("yes")));
    assert_eq!(caller.call::<Add>(&Postcard(9)), Ok(Postcard(7)));
    assert_eq!(caller.call_named("RAW", &Text("x")), Ok(Body::Counted(b"a\nb")));
    assert_eq!(caller.io().written(), "SAY #0\nhi\nADD 1 #1\n\t\nRAW #2\nx\n");
    assert_eq!(caller.io().flushed, 30);
    assert_eq!(
        caller.call::<Say>(&Text("hi")),
        Err(CallerError::Call(CallError::Closed(Fault::End)))
    );
    assert_eq!(
        caller.call::<Say>(&Text("hi")),
        Err(CallerError::Call(CallError::Request(RequestError::Closed)))
    );
}

#[test]
fn calls_go_out_together_and_replies_come_in_turn() {
    let mut caller = caller(Script::reading([give("OK #0\na\nOK #1\nb\nERR #2\nfailed c\n")]));
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    let third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.io().written(), "", "nothing is sent before it must");
    assert_eq!(caller.receive(first), Ok(Text("a")));
    assert_eq!(caller.io().written(), "SAY #0\n1\nSAY #1\n2\nSAY #2\n3\n");
    assert_eq!(caller.receive(second), Ok(Text("b")));
    let refused = Refusal { code: Code::Failed, name: "failed", message: "c" };
    assert_eq!(caller.receive(third), Err(CallerError::Call(CallError::Refused(refused))));
}

#[test]
fn a_full_output_is_sent_to_make_room() {
    let mut caller = caller(Script::reading([]));
    let text = "x".repeat(40);
    let _first = caller.send::<Say>(&Text(&text)).expect("sent");
    assert_eq!(caller.io().written(), "");
    let _second = caller.send::<Say>(&Text(&text)).expect("sent");
    assert_eq!(caller.io().written(), format!("SAY #0\n{text}\n"));
    assert_eq!(caller.flush(), Ok(()));
    assert_eq!(caller.io().written(), format!("SAY #0\n{text}\nSAY #1\n{text}\n"));
    let too_long = "x".repeat(64);
    let error = caller.send::<Say>(&Text(&too_long)).expect_err("too long");
    assert_eq!(error, CallerError::Call(CallError::Request(RequestError::NoRoom)));
}

#[test]
fn more_calls_than_the_capacity_wait_for_replies() {
    let mut caller = caller(Script::reading([give("OK #0\na\n")]));
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    for _more in 1..4 {
        let _ticket = caller.send::<Say>(&Text("1")).expect("sent");
    }
    let error = caller.send::<Say>(&Text("1")).expect_err("too many");
    assert_eq!(error, CallerError::Call(CallError::Request(RequestError::Window)));
    assert_eq!(caller.receive(first), Ok(Text("a")));
    assert!(caller.send::<Say>(&Text("1")).is_ok());
}

#[test]
fn a_reply_passed_over_is_not_waited_for() {
    let mut caller = caller(Script::reading([give("OK #0\na\nOK #1\nb\n")]));
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    let _third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.receive(second), Ok(Text("b")));
    assert_eq!(caller.receive(first), Err(CallerError::Call(CallError::PassedOver)));
    assert_eq!(caller.io().reads.len(), 0);
}

#[test]
fn a_reply_too_large_for_another_call_is_passed_over() {
    let long = format!("OK 500 #0\n{}\nOK #1\nb\n", "x".repeat(500));
    let mut caller = caller(Script::reading([give(&long)]));
    let _first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    assert_eq!(caller.receive(second), Ok(Text("b")));
}

#[test]
fn a_call_that_timed_out_is_given_up_and_the_next_goes_on() {
    let mut caller = caller(Script::reading([
        give("OK #0\nla"),
        Act::Fail(ErrorKind::TimedOut),
        give("te\nTICK\nx\nOK #1\nb\n"),
    ]));
    assert_eq!(caller.call::<Say>(&Text("1")), Err(CallerError::Io(ErrorKind::TimedOut)));
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
}

#[test]
fn a_write_that_failed_is_finished_before_the_next_call() {
    let io = Script::reading([give("OK #0\nlate\nOK #1\nb\n")])
        .writing([Act::Take(4), Act::Fail(ErrorKind::TimedOut)]);
    let mut caller = caller(io);
    assert_eq!(caller.call::<Say>(&Text("1")), Err(CallerError::Io(ErrorKind::TimedOut)));
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
    assert_eq!(caller.io().written(), "SAY #0\n1\nSAY #1\n2\n");
}

#[test]
fn a_stream_that_takes_nothing_is_an_error() {
    let mut caller = caller(Script::default().writing([Act::Take(0)]));
    assert_eq!(caller.call::<Say>(&Text("1")), Err(CallerError::WriteZero));
}

#[test]
fn what_concerns_the_connection_fails_every_call() {
    let mut caller = caller(Script::reading([give("OK #0\na\nERR\nstopping bye\n")]));
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    let third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.receive(first), Ok(Text("a")));
    let told = Refusal { code: Code::Stopping, name: "stopping", message: "bye" };
    assert_eq!(caller.receive(second), Err(CallerError::Call(CallError::Disconnected(told))));
    assert_eq!(caller.receive(third), Err(CallerError::Call(CallError::Closed(Fault::End))));
}

#[test]
fn bad_replies_have_names() {
    let reply = |bytes: &str| {
        let mut caller = caller(Script::reading([give(bytes)]));
        caller.call::<Add>(&Postcard(1)).map_err(|error| format!("{error:?}"))
    };
    assert_eq!(reply("OK 1 #0\n\x07\n"), Ok(Postcard(7)));
    let error = |error: CallerError<'_, ErrorKind>| Err(format!("{error:?}"));
    assert_eq!(
        reply("OK 2 #0\n\x07\x07\n"),
        error(CallerError::Call(CallError::BadReply(DecodeError::Payload)))
    );
    assert_eq!(
        reply("OK #0\n\x07\n"),
        error(CallerError::Call(CallError::BadReply(DecodeError::Payload)))
    );
    assert_eq!(reply("OK #0\n"), error(CallerError::Call(CallError::Closed(Fault::Truncated))));
    assert_eq!(reply("OK 1 #0\nxx"), error(CallerError::Call(CallError::Closed(Fault::Desync))));
    assert_eq!(reply("OK\nx\n"), error(CallerError::Call(CallError::Closed(Fault::Grammar))));
    let long = format!("OK 198 #0\n{}\n", "x".repeat(198));
    assert_eq!(reply(&long), error(CallerError::Call(CallError::ReplyTooLarge { len: 198 })));
    let fits = format!("OK 197 #0\n{}\n", "x".repeat(197));
    assert_eq!(reply(&fits), error(CallerError::Call(CallError::BadReply(DecodeError::Payload))));
    let mut caller =
        caller(Script::reading([give("OK #0\n\u{0}\n"), Act::Give(b"OK #1\n\xff\n".into())]));
    assert_eq!(caller.call::<Say>(&Text("")), Ok(Text("\0")));
    assert_eq!(
        caller.call::<Say>(&Text("")),
        Err(CallerError::Call(CallError::BadReply(DecodeError::Text)))
    );
}
