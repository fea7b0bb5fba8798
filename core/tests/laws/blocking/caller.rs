//! `Caller`: a client of a connection. The async one is held to the same, see ../asynch/calling.rs:
//! `caller_of` is each front's own.

use embedded_io::ErrorKind;
use linecard_core::blocking::CallerError;
use linecard_core::{
    Body, CallError, Code, Command, DecodeError, Fault, Postcard, Refusal, RequestError, Text,
};

use super::{Action, Client, SILENT, Say, Script, caller_of, read};

#[derive(Debug)]
struct Add;

impl Command for Add {
    const NAME: &'static str = "ADD";
    type Request<'i> = Postcard<u8>;
    type Reply<'i> = Postcard<u8>;
}

#[test]
fn a_call_is_sent_and_returns_its_reply() {
    let io = Script::reading([
        Action::Fail(ErrorKind::Interrupted),
        read("OK #"),
        read("0\nyes\nOK 1 #1\n"),
        read("\x07\n"),
        read("OK 3 #2\na\nb\n"),
    ])
    .writing([Action::Write(3), Action::Fail(ErrorKind::Interrupted), Action::Write(2)]);
    let mut caller = caller_of::<4>(io, 1_000);
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
fn calls_are_pipelined_and_replies_come_in_order() {
    let mut caller =
        caller_of::<4>(Script::reading([read("OK #0\na\nOK #1\nb\nERR #2\nfailed c\n")]), 1_000);
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    let third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.io().written(), "", "requests are sent when a reply is waited for");
    assert_eq!(caller.receive(first), Ok(Text("a")));
    assert_eq!(caller.io().written(), "SAY #0\n1\nSAY #1\n2\nSAY #2\n3\n");
    assert_eq!(caller.receive(second), Ok(Text("b")));
    let refused = Refusal { code: Code::Failed, name: "failed", message: "c" };
    assert_eq!(caller.receive(third), Err(CallerError::Call(CallError::Refused(refused))));
}

#[test]
fn a_full_output_is_sent() {
    let mut caller = caller_of::<4>(Script::reading([]), 1_000);
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
    let mut caller = caller_of::<4>(Script::reading([read("OK #0\na\n")]), 1_000);
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
fn receiving_a_skipped_reply_does_not_wait() {
    let mut caller = caller_of::<4>(Script::reading([read("OK #0\na\nOK #1\nb\n")]), 1_000);
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    let _third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.receive(second), Ok(Text("b")));
    assert_eq!(caller.receive(first), Err(CallerError::Call(CallError::PassedOver)));
    assert_eq!(caller.io().reads.len(), 0);
}

#[test]
fn a_reply_too_large_of_an_earlier_call_is_skipped() {
    let long = format!("OK 500 #0\n{}\nOK #1\nb\n", "x".repeat(500));
    let mut caller = caller_of::<4>(Script::reading([read(&long)]), 1_000);
    let _first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    assert_eq!(caller.receive(second), Ok(Text("b")));
}

#[test]
fn after_a_call_that_timed_out_the_next_one_succeeds() {
    let mut caller = caller_of::<4>(
        Script::reading([
            read("OK #0\nla"),
            Action::Fail(ErrorKind::TimedOut),
            read("te\nTICK\nx\nOK #1\nb\n"),
        ]),
        1_000,
    );
    assert_eq!(caller.call::<Say>(&Text("1")), Err(CallerError::Io(ErrorKind::TimedOut)));
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
}

#[test]
fn a_failed_write_is_finished_before_the_next_call() {
    let io = Script::reading([read("OK #0\nlate\nOK #1\nb\n")])
        .writing([Action::Write(4), Action::Fail(ErrorKind::TimedOut)]);
    let mut caller = caller_of::<4>(io, 1_000);
    assert_eq!(caller.call::<Say>(&Text("1")), Err(CallerError::Io(ErrorKind::TimedOut)));
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
    assert_eq!(caller.io().written(), "SAY #0\n1\nSAY #1\n2\n");
}

#[test]
fn a_stream_that_takes_nothing_is_an_error() {
    let mut caller = caller_of::<4>(Script::default().writing([Action::Write(0)]), 1_000);
    assert_eq!(caller.call::<Say>(&Text("1")), Err(CallerError::WriteZero));
}

#[test]
fn an_untagged_error_fails_every_call() {
    let mut caller =
        caller_of::<4>(Script::reading([read("OK #0\na\nERR\nstopping bye\n")]), 1_000);
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    let third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.receive(first), Ok(Text("a")));
    let stopping = Refusal { code: Code::Stopping, name: "stopping", message: "bye" };
    assert_eq!(caller.receive(second), Err(CallerError::Call(CallError::Disconnected(stopping))));
    assert_eq!(caller.receive(third), Err(CallerError::Call(CallError::Closed(Fault::End))));
}

#[test]
fn each_kind_of_bad_reply_has_its_error() {
    let reply = |bytes: &str| {
        let mut caller = caller_of::<4>(Script::reading([read(bytes)]), 1_000);
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
    let mut caller = caller_of::<4>(
        Script::reading([read("OK #0\n\u{0}\n"), Action::Read(b"OK #1\n\xff\n".into())]),
        1_000,
    );
    assert_eq!(caller.call::<Say>(&Text("")), Ok(Text("\0")));
    assert_eq!(
        caller.call::<Say>(&Text("")),
        Err(CallerError::Call(CallError::BadReply(DecodeError::Text)))
    );
}

/// A caller of `CALLS` calls in flight, each of which timed out.
fn timed_out<const CALLS: usize>(then: impl IntoIterator<Item = Action>) -> Client<CALLS> {
    let io = Script::reading(vec![SILENT; CALLS].into_iter().chain(then));
    let mut caller = caller_of(io, 1_000);
    for _call in 0..CALLS {
        let error = caller.call::<Say>(&Text("1")).expect_err("no reply");
        assert_eq!(error, CallerError::Io(ErrorKind::TimedOut));
    }
    caller
}

const WINDOW: CallerError<'_, ErrorKind> =
    CallerError::Call(CallError::Request(RequestError::Window));

#[test]
fn late_replies_free_the_window() {
    let mut caller = timed_out::<1>([read("OK #0\nlate\nOK #"), read("1\nb\n")]);
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));

    let mut caller =
        timed_out::<3>([read("TICK\nx\nOK #0\n\nERR #1\nfailed\nOK #2\n\nOK #3\nb\n")]);
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));

    // By bytes of requests as well: 9 each.
    let io = Script::reading([SILENT, read("OK #0\n\nOK #1\nb\n")]);
    let mut caller = caller_of::<8>(io, 17);
    let error = caller.call::<Say>(&Text("1")).expect_err("no reply");
    assert_eq!(error, CallerError::Io(ErrorKind::TimedOut));
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
}

#[test]
fn the_window_stays_full_until_late_replies_come() {
    let mut caller = timed_out::<1>([SILENT, read("OK #0\nla"), SILENT, read("te\nOK #1\nb\n")]);
    assert_eq!(caller.call::<Say>(&Text("2")), Err(WINDOW));
    assert_eq!(caller.call::<Say>(&Text("2")), Err(WINDOW), "a part of a reply is none");
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
    assert_eq!(caller.io().written(), "SAY #0\n1\nSAY #1\n2\n", "a refused call was sent");
}

#[test]
fn replies_to_other_calls_are_left_for_them() {
    let io = Script::reading([read("OK #0\na\n"), SILENT, read("OK #1\n\nOK #2\nc\n")]);
    let mut caller = caller_of::<2>(io, 1_000);
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    assert_eq!(caller.send::<Say>(&Text("3")).expect_err("the first is wanted"), WINDOW);
    assert_eq!(caller.io().reads.len(), 3, "it read");
    assert_eq!(caller.receive(first), Ok(Text("a")));
    assert_eq!(caller.receive(second), Err(CallerError::Io(ErrorKind::TimedOut)));
    let third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.receive(third), Ok(Text("c")));

    let io = Script::reading([SILENT, read("OK #0\n\nOK #1\nb\nOK #2\nc\n")]);
    let mut caller = caller_of::<2>(io, 1_000);
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    assert_eq!(caller.receive(first), Err(CallerError::Io(ErrorKind::TimedOut)));
    let third = caller.send::<Say>(&Text("3")).expect("the first is late, and comes");
    assert_eq!(caller.receive(second), Ok(Text("b")));
    assert_eq!(caller.receive(third), Ok(Text("c")));
}

#[test]
fn the_end_of_the_connection_is_reported_while_the_window_is_full() {
    let mut caller = timed_out::<1>([]);
    let closed = CallerError::Call(CallError::Closed(Fault::End));
    assert_eq!(caller.call::<Say>(&Text("2")), Err(closed));
    let mut caller = timed_out::<1>([read("OK #1\n")]);
    let closed = CallerError::Call(CallError::Closed(Fault::Truncated));
    assert_eq!(caller.call::<Say>(&Text("2")), Err(closed));
    let mut caller = timed_out::<1>([read("ERR\nstopping\n")]);
    let closed = CallerError::Call(CallError::Request(RequestError::Closed));
    assert_eq!(caller.call::<Say>(&Text("2")), Err(closed));
    let mut caller = timed_out::<1>([Action::Fail(ErrorKind::ConnectionReset)]);
    let closed = CallerError::Io(ErrorKind::ConnectionReset);
    assert_eq!(caller.call::<Say>(&Text("2")), Err(closed));
}
