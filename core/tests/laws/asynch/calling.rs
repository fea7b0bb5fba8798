//! Calling: as the blocking front does over the same scripts, and what only this one can do.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use embedded_io::ErrorKind;
use linecard_core::asynch::{self, Joined, Ticket};
use linecard_core::blocking::CallerError;
use linecard_core::{Body, CallError, Command, Fault, Payload, Text};

use super::stream::{Clock, Pends, Pipe, Stream, block_on, poll, poll_for};
use crate::blocking::{Action, SILENT, Say, Script, read};

#[allow(clippy::duplicate_mod, reason = "its `caller_of` is another one here")]
#[path = "../blocking/caller.rs"]
mod laws;

const PENDS: Pends = &[0, 2, 1];

/// Longer than any script.
const EVER: Duration = Duration::from_secs(1_000_000);

/// The async client with the methods of the blocking one.
struct Client<const CALLS: usize> {
    inner: asynch::Caller<Stream, Vec<u8>, CALLS>,
    clock: Clock,
}

#[allow(clippy::needless_pass_by_value, reason = "as the blocking one")]
fn caller_of<const CALLS: usize>(io: Script, window: u32) -> Client<CALLS> {
    let io = Stream::new(&io, PENDS);
    let clock = io.clock();
    Client { inner: asynch::Caller::new(io, vec![0; 256], vec![0; 64], window), clock }
}

fn same<E>(error: asynch::CallerError<'_, E>) -> CallerError<'_, E> {
    match error {
        asynch::CallerError::Io(error) => CallerError::Io(error),
        asynch::CallerError::WriteZero => CallerError::WriteZero,
        asynch::CallerError::Call(error) => CallerError::Call(error),
        asynch::CallerError::TimedOut => panic!("its time is over"),
    }
}

impl<const CALLS: usize> Client<CALLS> {
    /// The script as it is now.
    fn io(&mut self) -> Script {
        self.inner.io().script()
    }

    fn call<C: Command>(
        &mut self,
        request: &C::Request<'_>,
    ) -> Result<C::Reply<'_>, CallerError<'_, ErrorKind>> {
        block_on(self.inner.call::<C>(request, &self.clock, EVER)).map_err(same)
    }

    fn call_named<'p>(
        &mut self,
        name: &str,
        request: &impl Payload<'p>,
    ) -> Result<Body<'_>, CallerError<'_, ErrorKind>> {
        block_on(self.inner.call_named(name, request, &self.clock, EVER)).map_err(same)
    }

    fn send<C: Command>(
        &mut self,
        request: &C::Request<'_>,
    ) -> Result<Ticket<C>, CallerError<'static, ErrorKind>> {
        block_on(self.inner.send::<C>(request, &self.clock, EVER)).map_err(same)
    }

    fn receive<C: Command>(
        &mut self,
        ticket: Ticket<C>,
    ) -> Result<C::Reply<'_>, CallerError<'_, ErrorKind>> {
        block_on(self.inner.receive(ticket, &self.clock, EVER)).map_err(same)
    }

    fn flush(&mut self) -> Result<(), CallerError<'static, ErrorKind>> {
        block_on(self.inner.flush()).map_err(same)
    }
}

/// One millisecond less than a call may take.
const PATIENCE: u64 = 999;
const WITHIN: Duration = Duration::from_millis(PATIENCE + 1);

type Piped = asynch::Caller<Pipe, Vec<u8>, 4>;

fn piped() -> (Piped, Pipe, Clock) {
    let pipe = Pipe::default();
    let caller = asynch::Caller::new(pipe.clone(), vec![0; 256], vec![0; 256], 1_000);
    (caller, pipe, Clock::new())
}

#[test]
fn a_call_has_a_deadline_over_all_of_it() {
    let (mut caller, pipe, clock) = piped();
    {
        let mut call = pin!(caller.call::<Say>(&Text("1"), &clock, WITHIN));
        assert!(poll(call.as_mut()).is_pending());
        clock.pass(PATIENCE);
        pipe.give("OK #0\nla");
        assert!(poll(call.as_mut()).is_pending());
        clock.pass(1);
        let timed_out = Poll::Ready(Err(asynch::CallerError::TimedOut));
        assert_eq!(poll(call.as_mut()), timed_out);
    }
    pipe.give("te\nTICK\nx\nOK #1\nb\n");
    let mut call = pin!(caller.call::<Say>(&Text("2"), &clock, WITHIN));
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(Text("b"))), "the late reply is skipped");
}

#[test]
fn the_deadline_holds_while_a_request_can_not_be_sent() {
    let (mut caller, pipe, clock) = piped();
    pipe.limit(3);
    {
        let mut call = pin!(caller.call::<Say>(&Text("1"), &clock, WITHIN));
        assert!(poll(call.as_mut()).is_pending());
        clock.pass(PATIENCE + 1);
        let timed_out = Poll::Ready(Err(asynch::CallerError::TimedOut));
        assert_eq!(poll(call.as_mut()), timed_out);
    }
    assert_eq!(pipe.take(), "SAY");
    pipe.limit(100);
    pipe.give("OK #0\na\nOK #1\nb\n");
    let mut call = pin!(caller.call::<Say>(&Text("2"), &clock, WITHIN));
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(Text("b"))));
    assert_eq!(pipe.take(), " #0\n1\nSAY #1\n2\n", "the rest of what was begun goes first");
}

#[test]
fn a_call_that_is_dropped_is_given_up() {
    let (mut caller, pipe, clock) = piped();
    assert!(poll(pin!(caller.call::<Say>(&Text("1"), &clock, WITHIN))).is_pending());
    let second = poll(pin!(caller.send::<Say>(&Text("2"), &clock, WITHIN)));
    let Poll::Ready(Ok(second)) = second else { panic!("{second:?}") };
    pipe.give("OK #0\na\n");
    assert!(poll(pin!(caller.receive(second, &clock, WITHIN))).is_pending());
    pipe.give("OK #1\nb\nOK #2\nc\n");
    let mut third = pin!(caller.call::<Say>(&Text("3"), &clock, WITHIN));
    assert_eq!(poll(third.as_mut()), Poll::Ready(Ok(Text("c"))));
    assert_eq!(pipe.take(), "SAY #0\n1\nSAY #1\n2\nSAY #2\n3\n");
}

/// Calls, each future dropped after so many polls; then one that is awaited.
#[test]
fn calls_may_be_dropped_at_every_poll() {
    let mut dropped = 0;
    for pends in [&[0_u32, 1][..], &[1], &[2, 0, 3], &[5, 1]] {
        for polls in 1..60 {
            // The server answers all four calls, a byte at a time.
            let replies = "OK #0\n0\nOK #1\n1\nOK #2\n2\nOK #3\n3\n";
            let bytes = replies.bytes().map(|byte| Action::Read(vec![byte]));
            let script = Script::reading(bytes).writing(vec![Action::Write(1); 100]);
            let io = Stream::new(&script, pends);
            let clock = io.clock();
            let mut caller: asynch::Caller<_, _, 4> =
                asynch::Caller::new(io, vec![0; 256], vec![0; 256], 1_000);
            for call in 0..3 {
                let text = call.to_string();
                let request = Text(&text);
                let call = pin!(caller.call::<Say>(&request, &clock, EVER));
                match poll_for(call, polls) {
                    None => dropped += 1,
                    Some(reply) => assert_eq!(reply, Ok(Text(&text)), "another's reply"),
                }
            }
            let reply = block_on(caller.call::<Say>(&Text("3"), &clock, EVER));
            assert_eq!(reply, Ok(Text("3")), "{pends:?}, {polls}");
            let written = caller.io().script().written();
            assert_eq!(written, "SAY #0\n0\nSAY #1\n1\nSAY #2\n2\nSAY #3\n3\n");
        }
    }
    assert!(dropped > 300, "{dropped}");
}

#[test]
fn a_client_that_begins_anew_has_fresh_tags() {
    let (mut caller, pipe, clock) = piped();
    pipe.limit(4);
    assert!(poll(pin!(caller.call::<Say>(&Text("1"), &clock, WITHIN))).is_pending());
    caller.restart();
    pipe.limit(100);
    pipe.give("OK #0\nfrom before\nOK #1\nb\n");
    let mut call = pin!(caller.call::<Say>(&Text("2"), &clock, WITHIN));
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(Text("b"))));
    assert_eq!(pipe.take(), "SAY SAY #1\n2\n", "what was not sent is dropped");
}

#[test]
fn a_client_that_failed_waits_for_silence() {
    let (mut caller, pipe, clock) = piped();
    assert!(poll(pin!(caller.call::<Say>(&Text("1"), &clock, WITHIN))).is_pending());
    {
        let mut silence = pin!(caller.resync(&clock, Duration::from_millis(800)));
        pipe.give("OK #0\nhal");
        assert!(poll(silence.as_mut()).is_pending());
        clock.pass(899);
        pipe.give("f");
        assert!(poll(silence.as_mut()).is_pending());
        clock.pass(899);
        assert!(poll(silence.as_mut()).is_pending());
        clock.pass(1);
        assert_eq!(poll(silence.as_mut()), Poll::Ready(Ok(())));
    }
    pipe.give("OK #1\nb\n");
    {
        let mut call = pin!(caller.call::<Say>(&Text("2"), &clock, WITHIN));
        assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(Text("b"))));
    }
    let mut silence = pin!(caller.resync(&clock, Duration::from_millis(800)));
    pipe.close();
    let ended = asynch::CallerError::Call(CallError::Closed(Fault::End));
    assert_eq!(poll(silence.as_mut()), Poll::Ready(Err(ended)));
}

#[test]
fn halves_make_a_stream() {
    let pipe = Pipe::default();
    let io = Joined(pipe.clone(), pipe.clone());
    let mut caller: asynch::Caller<_, _, 4> = asynch::Caller::new(io, [0; 256], [0; 256], 1_000);
    pipe.give("OK #0\na\n");
    let clock = Clock::new();
    let mut call = pin!(caller.call::<Say>(&Text("1"), &clock, WITHIN));
    assert_eq!(poll(call.as_mut()), Poll::Ready(Ok(Text("a"))));
    assert_eq!(pipe.take(), "SAY #0\n1\n");
}
