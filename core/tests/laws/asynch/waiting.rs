//! Timeouts, handlers that wait, peers that are slow or gone.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use linecard_core::asynch::{AsyncHandler, Batched, Commands, Connection, Immediate, serve};
use linecard_core::{Command, Failed, Handler, Instant, Limits, Postcard, Table, Text};

use super::stream::{Clock, Pipe, pending, poll};
use crate::support::{SMALL, TestService};

struct Echo;

impl Command for Echo {
    const NAME: &'static str = "ECHO";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}

struct Slow;

impl Command for Slow {
    const NAME: &'static str = "SLOW";
    type Request<'i> = Postcard<u8>;
    type Reply<'i> = Text<'i>;
}

/// `SLOW n` waits for n polls, and then until the gate is open.
#[derive(Default)]
struct Board<'g> {
    shut: Option<&'g Cell<bool>>,
    runs: Rc<Runs>,
}

/// How often `SLOW` was started and finished.
#[derive(Debug, Default)]
struct Runs {
    started: Cell<usize>,
    done: Cell<usize>,
}

impl Runs {
    fn both(&self) -> (usize, usize) {
        (self.started.get(), self.done.get())
    }
}

impl Handler<Echo> for Board<'_> {
    fn handle<'a>(&'a mut self, text: Text<'a>) -> Result<Text<'a>, Failed<'a>> {
        if text.0 == "no" { Err(Failed("so")) } else { Ok(text) }
    }
}

impl AsyncHandler<Slow> for Board<'_> {
    async fn handle_async(&mut self, polls: Postcard<u8>) -> Result<Text<'_>, Failed<'_>> {
        self.runs.started.update(|started| started + 1);
        pending(polls.0.into()).await;
        while self.shut.is_some_and(Cell::get) {
            pending(1).await;
        }
        self.runs.done.update(|done| done + 1);
        if polls.0 == 99 { Err(Failed("too slow")) } else { Ok(Text("slowly")) }
    }
}

type Both<'s, 'g> = Commands<(Echo, Slow), Board<'g>, &'s mut Board<'g>>;

/// The output holds several replies. Otherwise each would be sent before the next handler runs.
fn buffers(limits: &Limits) -> (Vec<u8>, Vec<u8>) {
    (vec![0; limits.max_request_frame_len()], vec![0; 4 * limits.max_reply_frame_len()])
}

macro_rules! connection {
    ($connection:ident, $limits:expr) => {
        let limits: &Limits = $limits;
        let (mut rx, mut tx) = buffers(limits);
        let mut $connection =
            Connection::new(limits, Instant::from_millis(0), &mut rx, &mut tx).unwrap();
    };
}

#[test]
fn handlers_of_both_kinds_work_on_one_state() {
    let mut board = Board::default();
    let runs = Rc::clone(&board.runs);
    let mut service = Both::new(&mut board);
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    io.give("ECHO #1\nhi\nSLOW 1 #2\n\x03\nECHO\nno\nSLOW 1\n\x63\nSLOW\n\nNONE #3\nx\nECHO\nho\n");
    let peer = io.clone();
    peer.close();
    let mut task = pin!(connection.serve(&mut io, &mut service, &clock));
    let pending = (0..1_000).find(|_| poll(task.as_mut()).is_ready());
    assert_eq!(pending, Some(3 + 99), "as often as the handlers waited");
    assert_eq!(
        peer.take(),
        "OK #1\nhi\nOK #2\nslowly\nERR\nfailed so\nERR\nfailed too slow\nERR\nbad-payload\n\
         ERR #3\nunknown-command NONE\nOK\nho\n"
    );
    assert_eq!(runs.both(), (2, 2));
}

#[test]
fn a_skipped_body_that_fills_the_buffer_does_not_end_the_stream() {
    let mut board = Board::default();
    let mut service = Both::new(&mut board);
    let len = 1_000;
    connection!(connection, &Limits { skip_budget: 1_000, ..SMALL });
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    for text in ["x".repeat(len), "y".repeat(len)] {
        peer.give(&format!("ECHO #1\n{text}\nECHO {len} #2\n{text}\nECHO #3\nhi\n"));
    }
    peer.close();
    let outcome = poll(pin!(connection.serve(&mut io, &mut service, &clock)));
    assert_eq!(outcome, Poll::Ready(Ok(())));
    let refused = |tag: u32| format!("ERR #{tag}\ntoo-large over {}\n", SMALL.max_body_len);
    let replies = [refused(1), refused(2), "OK #3\nhi\n".into()].concat();
    assert_eq!(peer.take(), replies.repeat(2));
}

#[test]
fn replies_that_are_ready_do_not_wait_for_a_handler_that_waits() {
    let shut = Cell::new(true);
    let mut board = Board { shut: Some(&shut), ..Board::default() };
    let mut service = Both::new(&mut board);
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    peer.give("ECHO\na\nECHO\nb\nSLOW 1\n\0\nECHO\nc\n");
    let mut task = pin!(connection.serve(&mut io, &mut service, &clock));
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "OK\na\nOK\nb\n");
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "");
    shut.set(false);
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "OK\nslowly\nOK\nc\n");
}

#[test]
fn batched_replies_wait_for_a_handler_that_waits() {
    let shut = Cell::new(true);
    let mut board = Board { shut: Some(&shut), ..Board::default() };
    let mut service = Batched(Both::new(&mut board));
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    peer.give("ECHO\na\nSLOW 1\n\0\n");
    let mut task = pin!(connection.serve(&mut io, &mut service, &clock));
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "");
    shut.set(false);
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "OK\na\nOK\nslowly\n");
}

#[test]
fn a_reply_is_whole_when_the_peer_reads_slower_than_the_handler_works() {
    let shut = Cell::new(true);
    let mut board = Board { shut: Some(&shut), ..Board::default() };
    let runs = Rc::clone(&board.runs);
    let mut service = Both::new(&mut board);
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    peer.limit(2);
    peer.give("ECHO\nab\nSLOW 1\n\0\n");
    // The future is dropped while the handler waits, and while earlier bytes are not sent yet.
    let mut replies = String::new();
    {
        let mut task = pin!(connection.serve(&mut io, &mut service, &clock));
        assert!(poll(task.as_mut()).is_pending());
        shut.set(false);
        assert!(poll(task.as_mut()).is_pending());
        replies += &peer.take();
        assert_eq!(replies, "OK");
    }
    for _round in 0..20 {
        peer.limit(1);
        let mut task = pin!(connection.serve(&mut io, &mut service, &clock));
        assert!(poll(task.as_mut()).is_pending());
        replies += &peer.take();
    }
    assert_eq!(replies, "OK\nab\nOK\nslowly\n");
    assert_eq!(runs.both(), (1, 1));
}

#[test]
fn a_handler_that_is_dropped_is_answered_failed_once() {
    let shut = Cell::new(true);
    let mut board = Board { shut: Some(&shut), ..Board::default() };
    let runs = Rc::clone(&board.runs);
    let mut service = Both::new(&mut board);
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    peer.give("ECHO #1\na\nSLOW 1 #2\n\0\nECHO #3\nc\n");
    assert!(poll(pin!(connection.serve(&mut io, &mut service, &clock))).is_pending());
    assert_eq!(peer.take(), "OK #1\na\n");
    for _again in 0..3 {
        assert!(poll(pin!(connection.serve(&mut io, &mut service, &clock))).is_pending());
    }
    assert_eq!(peer.take(), "ERR #2\nfailed no answer\nOK #3\nc\n");
    assert_eq!(runs.both(), (1, 0));
}

#[test]
fn the_time_of_a_handler_does_not_count_against_the_peer() {
    let shut = Cell::new(true);
    let mut board = Board { shut: Some(&shut), ..Board::default() };
    let mut service = Both::new(&mut board);
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    peer.give("SLOW 1\n\0\nECHO\nha");
    let mut task = pin!(connection.serve(&mut io, &mut service, &clock));
    assert!(poll(task.as_mut()).is_pending());
    clock.pass(1_000_000);
    assert!(poll(task.as_mut()).is_pending());
    shut.set(false);
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "OK\nslowly\n");
    clock.pass(999);
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "", "the frame has its second from the reply on");
    clock.pass(1);
    assert_eq!(poll(task.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(peer.take(), "ERR\ntimeout\n");
}

#[test]
fn the_time_of_a_handler_that_is_dropped_does_not_count_either() {
    let shut = Cell::new(true);
    let mut board = Board { shut: Some(&shut), ..Board::default() };
    let mut service = Both::new(&mut board);
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    peer.give("SLOW 1\n\0\n");
    assert!(poll(pin!(connection.serve(&mut io, &mut service, &clock))).is_pending());
    clock.pass(1_000_000);
    assert!(poll(pin!(connection.serve(&mut io, &mut service, &clock))).is_pending());
    assert_eq!(peer.take(), "ERR\nfailed no answer\n");
}

#[test]
fn deadlines_pass_while_nothing_is_received() {
    for (sent, timeout) in [("", 5_000), ("ECHO\n", 1_000)] {
        for split in [false, true] {
            connection!(connection, &SMALL);
            let (mut io, clock) = (Pipe::default(), Clock::new());
            let (peer, mut other) = (io.clone(), io.clone());
            let mut service = Immediate(TestService::default());
            peer.give(sent);
            let mut task = Box::pin(async {
                if split {
                    connection.serve_split(&mut io, &mut other, &mut service, &clock).await
                } else {
                    connection.serve(&mut io, &mut service, &clock).await
                }
            });
            assert!(poll(task.as_mut()).is_pending());
            clock.pass(timeout - 1);
            assert!(poll(task.as_mut()).is_pending());
            clock.pass(1);
            assert_eq!(poll(task.as_mut()), Poll::Ready(Ok(())));
            assert_eq!(peer.take(), "ERR\ntimeout\n");
        }
    }
}

#[test]
fn timeouts_are_paused_while_the_peer_does_not_read() {
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    let mut service = Immediate(TestService::default());
    peer.limit(2);
    peer.give("ECHO\nhi\n");
    let mut task = pin!(connection.serve(&mut io, &mut service, &clock));
    assert!(poll(task.as_mut()).is_pending());
    clock.pass(1_000_000);
    assert!(poll(task.as_mut()).is_pending());
    peer.limit(100);
    assert!(poll(task.as_mut()).is_pending());
    clock.pass(4_999);
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "OK\nhi\n");
    clock.pass(1);
    assert_eq!(poll(task.as_mut()), Poll::Ready(Ok(())));
}

#[test]
fn over_halves_a_read_goes_on_while_replies_are_sent() {
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let (peer, mut other) = (io.clone(), io.clone());
    let mut service = Immediate(TestService::default());
    let mut task = pin!(connection.serve_split(&mut io, &mut other, &mut service, &clock));
    peer.give("ECHO\nhi\n");
    peer.limit(2);
    assert!(poll(task.as_mut()).is_pending());
    peer.give("ECHO\nho\n");
    assert!(poll(task.as_mut()).is_pending());
    peer.limit(100);
    assert!(poll(task.as_mut()).is_pending());
    assert_eq!(peer.take(), "OK\nhi\nOK\nho\n");
    assert_eq!(peer.dropped_reads(), 0);
}

#[test]
fn a_handler_finishes_when_the_peer_disconnects_meanwhile() {
    let shut = Cell::new(true);
    let mut board = Board { shut: Some(&shut), ..Board::default() };
    let runs = Rc::clone(&board.runs);
    let mut service = Both::new(&mut board);
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    peer.give("SLOW 1\n\0\nECHO\nhalf");
    let mut task = pin!(connection.serve(&mut io, &mut service, &clock));
    assert!(poll(task.as_mut()).is_pending());
    peer.close();
    assert!(poll(task.as_mut()).is_pending());
    shut.set(false);
    assert_eq!(poll(task.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(peer.take(), "OK\nslowly\n");
    assert_eq!(runs.both(), (1, 1));
}

#[test]
fn a_connection_can_be_stopped() {
    connection!(connection, &SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    let peer = io.clone();
    let mut service = Immediate(TestService::default());
    peer.give("ECHO\nh");
    assert!(poll(pin!(connection.serve(&mut io, &mut service, &clock))).is_pending());
    connection.session().stop(Instant::from_millis(100));
    assert!(poll(pin!(connection.serve(&mut io, &mut service, &clock))).is_pending());
    peer.give("i\n");
    let outcome = poll(pin!(connection.serve(&mut io, &mut service, &clock)));
    assert_eq!(outcome, Poll::Ready(Ok(())));
    assert_eq!(peer.take(), "OK\nhi\nERR\nstopping\n");
}

#[test]
fn a_link_discards_until_silence_and_has_no_idle_timeout() {
    for split in [false, true] {
        connection!(connection, &SMALL);
        let (mut io, clock) = (Pipe::default(), Clock::new());
        let (peer, mut other) = (io.clone(), io.clone());
        let mut service = Immediate(TestService::default());
        let mut task = Box::pin(async {
            if split {
                connection.serve_link_split(&mut io, &mut other, &mut service, &clock).await
            } else {
                connection.serve_link(&mut io, &mut service, &clock).await
            }
        });
        let mut after = |millis: u64, bytes: &str| {
            clock.pass(millis);
            assert!(poll(task.as_mut()).is_pending());
            peer.give(bytes);
            assert!(poll(task.as_mut()).is_pending());
            peer.take()
        };
        assert_eq!(after(1_000_000, "ECHO\na\n"), "OK\na\n");
        assert_eq!(after(1_000_000, "!\n"), "ERR\nbad-head\n");
        assert_eq!(after(999, "ECHO\nb\n"), "");
        assert_eq!(after(999, "ECHO\nc\n"), "");
        assert_eq!(after(1_000, "ECHO\nd\n"), "OK\nd\n");
        assert_eq!(peer.dropped_reads(), 1, "the one that was silent for long enough");
        assert_eq!(after(0, "ECHO\n"), "");
        assert_eq!(after(1_000, "e\n"), "ERR\ntimeout\n");
        assert_eq!(after(1_000, "ECHO\nf\n"), "OK\nf\n");
    }
}

#[test]
fn a_dispatcher_of_a_table_is_served() {
    let mut table = Table::<Board, 1>::new();
    table.insert_command::<Echo>().unwrap();
    let (mut rx, mut tx) = buffers(&SMALL);
    let (mut io, clock) = (Pipe::default(), Clock::new());
    io.give("ECHO\na\n");
    io.close();
    let peer = io.clone();
    let mut service = table.bind(Board::default());
    let task = serve(&mut io, &SMALL, &mut service, &mut rx, &mut tx, &clock);
    assert_eq!(poll(pin!(task)), Poll::Ready(Ok(())));
    assert_eq!(peer.take(), "OK\na\n");
}

#[test]
fn a_write_that_has_begun_is_never_dropped() {
    for split in [false, true] {
        let shut = Cell::new(true);
        let mut board = Board { shut: Some(&shut), ..Board::default() };
        let mut service = Both::new(&mut board);
        connection!(connection, &SMALL);
        let (mut io, clock) = (Pipe::default(), Clock::new());
        let (peer, mut other) = (io.clone(), io.clone());
        let mut task = Box::pin(async {
            if split {
                connection.serve_split(&mut io, &mut other, &mut service, &clock).await
            } else {
                connection.serve(&mut io, &mut service, &clock).await
            }
        });
        peer.limit(2);
        peer.give("ECHO\nab\nSLOW 1\n\0\n");
        assert!(poll(task.as_mut()).is_pending());
        shut.set(false);
        assert!(poll(task.as_mut()).is_pending());
        peer.give("ECHO\nc\n");
        peer.close();
        clock.pass(1_000_000);
        assert!(poll(task.as_mut()).is_pending());
        peer.limit(100);
        assert_eq!(poll(task.as_mut()), Poll::Ready(Ok(())));
        assert_eq!(peer.take(), "OK\nab\nOK\nslowly\nOK\nc\n");
        assert_eq!(peer.dropped_writes(), 0);
    }
}
