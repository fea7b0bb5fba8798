//! `Caller`: a client of a connection.

use embedded_io::ErrorKind;
use linecard_core::blocking::{Caller, CallerError};
use linecard_core::{
    Body, CallError, Code, Command, DecodeError, Fault, Postcard, Refusal, RequestError, Text,
};

use super::{Act, SILENT, Say, Script, give};

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

/// A caller with room for `CALLS` calls, of which each timed out.
fn timed_out<const CALLS: usize>(
    then: impl IntoIterator<Item = Act>,
) -> Caller<Script, Vec<u8>, CALLS> {
    let io = Script::reading(vec![SILENT; CALLS].into_iter().chain(then));
    let mut caller = Caller::new(io, vec![0; 256], vec![0; 64], 1_000);
    for _call in 0..CALLS {
        let error = caller.call::<Say>(&Text("1")).expect_err("no reply");
        assert_eq!(error, CallerError::Io(ErrorKind::TimedOut));
    }
    caller
}

const WINDOW: CallerError<'_, ErrorKind> =
    CallerError::Call(CallError::Request(RequestError::Window));

#[test]
fn late_replies_make_room_for_calls() {
    let mut caller = timed_out::<1>([give("OK #0\nlate\nOK #"), give("1\nb\n")]);
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));

    let mut caller =
        timed_out::<3>([give("TICK\nx\nOK #0\n\nERR #1\nfailed\nOK #2\n\nOK #3\nb\n")]);
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));

    // By bytes of requests as well: 9 each.
    let io = Script::reading([SILENT, give("OK #0\n\nOK #1\nb\n")]);
    let mut caller = Caller::<_, _, 8>::new(io, vec![0; 256], vec![0; 64], 17);
    let error = caller.call::<Say>(&Text("1")).expect_err("no reply");
    assert_eq!(error, CallerError::Io(ErrorKind::TimedOut));
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
}

#[test]
fn without_late_replies_the_window_stays_full_until_they_come() {
    let mut caller = timed_out::<1>([SILENT, give("OK #0\nla"), SILENT, give("te\nOK #1\nb\n")]);
    assert_eq!(caller.call::<Say>(&Text("2")), Err(WINDOW));
    assert_eq!(caller.call::<Say>(&Text("2")), Err(WINDOW), "a part of a reply is none");
    assert_eq!(caller.call::<Say>(&Text("2")), Ok(Text("b")));
    assert_eq!(caller.io().written(), "SAY #0\n1\nSAY #1\n2\n", "a refused call was sent");
}

#[test]
fn the_replies_to_calls_not_given_up_are_left_for_them() {
    let io = Script::reading([give("OK #0\na\n"), SILENT, give("OK #1\n\nOK #2\nc\n")]);
    let mut caller = Caller::<_, _, 2>::new(io, vec![0; 256], vec![0; 64], 1_000);
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    assert_eq!(caller.send::<Say>(&Text("3")).expect_err("the first is wanted"), WINDOW);
    assert_eq!(caller.io().reads.len(), 3, "it read");
    assert_eq!(caller.receive(first), Ok(Text("a")));
    assert_eq!(caller.receive(second), Err(CallerError::Io(ErrorKind::TimedOut)));
    let third = caller.send::<Say>(&Text("3")).expect("sent");
    assert_eq!(caller.receive(third), Ok(Text("c")));

    let io = Script::reading([SILENT, give("OK #0\n\nOK #1\nb\nOK #2\nc\n")]);
    let mut caller = Caller::<_, _, 2>::new(io, vec![0; 256], vec![0; 64], 1_000);
    let first = caller.send::<Say>(&Text("1")).expect("sent");
    let second = caller.send::<Say>(&Text("2")).expect("sent");
    assert_eq!(caller.receive(first), Err(CallerError::Io(ErrorKind::TimedOut)));
    let third = caller.send::<Say>(&Text("3")).expect("the first is late, and comes");
    assert_eq!(caller.receive(second), Ok(Text("b")));
    assert_eq!(caller.receive(third), Ok(Text("c")));
}

#[test]
fn what_ends_the_connection_is_said_while_room_is_waited_for() {
    let mut caller = timed_out::<1>([]);
    let closed = CallerError::Call(CallError::Closed(Fault::End));
    assert_eq!(caller.call::<Say>(&Text("2")), Err(closed));
    let mut caller = timed_out::<1>([give("OK #1\n")]);
    let closed = CallerError::Call(CallError::Closed(Fault::Truncated));
    assert_eq!(caller.call::<Say>(&Text("2")), Err(closed));
    let mut caller = timed_out::<1>([give("ERR\nstopping\n")]);
    let closed = CallerError::Call(CallError::Request(RequestError::Closed));
    assert_eq!(caller.call::<Say>(&Text("2")), Err(closed));
    let mut caller = timed_out::<1>([Act::Fail(ErrorKind::ConnectionReset)]);
    let closed = CallerError::Io(ErrorKind::ConnectionReset);
    assert_eq!(caller.call::<Say>(&Text("2")), Err(closed));
}
