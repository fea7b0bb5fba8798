//! The async server front over a stream of which a script says when it delivers, takes and pends,
//! how long handlers wait, how much time passes, and where the future that serves is dropped.
//!
//! ```text
//! data:  limits │ way │ number n of script bytes │ n script bytes │ client's bytes
//! ```
//!
//! The replies to a connection are always a prefix of those that the oracle computes from all the
//! bytes at once, then at most one `timeout`. A request whose handler was dropped is answered
//! `failed` instead, once. If no time passes, the replies are complete. A link ends only when its
//! stream does.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use linecard_core::asynch::{AsyncService, Batched, Connection, Immediate, ServeError, Timer};
use linecard_core::{Answered, Code, Frame, Instant, Limits, Reply, Service};
use linecard_demo::{Demo, table};
use linecard_suite::oracle;
use linecard_suite::replies;

use crate::byte;
use crate::session::{LIMITS, is_disconnect, oracle_limits};

/// Polls in a row that change nothing are a loop without end.
const MAX_POLLS: usize = 100_000;

pub fn check(mut data: &[u8]) {
    let limits = &LIMITS[byte(&mut data) % LIMITS.len()];
    let way = Way::of(byte(&mut data));
    let script_len = byte(&mut data).min(data.len());
    let (script, bytes) = data.split_at(script_len);
    let world = Rc::new(World::new(bytes));
    let table = table();
    match way.service {
        0 => serve(limits, way, script, &world, &mut Immediate(table.bind(Demo))),
        1 => serve(limits, way, script, &world, &mut Waiting::new(table.bind(Demo), &world)),
        _ => {
            let mut service = Batched(Waiting::new(table.bind(Demo), &world));
            serve(limits, way, script, &world, &mut service);
        }
    }
    let written = world.written.borrow();
    let got = replies::all(&written).expect("replies that a server may send");
    if !way.link {
        check_replies(limits, bytes, &world, got);
    }
}

/// Which of the front's methods, with which service, over which buffers.
#[derive(Clone, Copy)]
struct Way {
    split: bool,
    link: bool,
    service: usize,
    spare: usize,
}

impl Way {
    fn of(byte: usize) -> Self {
        let spare = if byte & 0x10 == 0 { 0 } else { 300 };
        Self { split: byte & 1 != 0, link: byte & 2 != 0, service: byte >> 2 & 3, spare }
    }
}

/// What the script decides.
struct World {
    /// Bytes that were not delivered yet, and how many of them can be.
    unread: RefCell<Vec<u8>>,
    readable: Cell<usize>,
    ended: Cell<bool>,
    writable: Cell<usize>,
    written: RefCell<Vec<u8>>,
    now: Cell<u64>,
    /// Handlers wait.
    held: Cell<bool>,
    /// Requests that a handler began and did not finish.
    dropped: Cell<usize>,
}

impl World {
    fn new(bytes: &[u8]) -> Self {
        Self {
            unread: RefCell::new(bytes.to_vec()),
            readable: Cell::new(0),
            ended: Cell::new(false),
            writable: Cell::new(usize::MAX),
            written: RefCell::default(),
            now: Cell::new(0),
            held: Cell::new(false),
            dropped: Cell::new(0),
        }
    }

    /// Whether the future is to be dropped.
    fn step(&self, byte: u8) -> bool {
        let amount = usize::from(byte & 0x1f);
        let more = |cell: &Cell<usize>, amount| cell.set(cell.get().saturating_add(amount));
        match byte >> 5 {
            0 | 1 => more(&self.readable, amount + 1),
            2 => more(&self.readable, 64 * amount),
            3 => self.writable.set(amount),
            4 => more(&self.writable, 1_000),
            5 => self.now.set(self.now.get() + 50 * amount as u64),
            6 => self.held.set(amount & 1 != 0),
            _ => return true,
        }
        false
    }

    /// All there is comes, and then the end.
    fn finish(&self) {
        self.readable.set(usize::MAX);
        self.writable.set(usize::MAX);
        self.held.set(false);
        self.ended.set(true);
    }
}

#[derive(Clone)]
struct Stream(Rc<World>);

impl ErrorType for Stream {
    type Error = ErrorKind;
}

impl Read for Stream {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        assert!(!buf.is_empty(), "a read into an empty buffer");
        let world = &self.0;
        poll_fn(|_| {
            let mut unread = world.unread.borrow_mut();
            let len = buf.len().min(world.readable.get()).min(unread.len());
            if len == 0 && !(world.ended.get() && unread.is_empty()) {
                return Poll::Pending;
            }
            buf[..len].copy_from_slice(&unread[..len]);
            unread.drain(..len);
            world.readable.set(world.readable.get() - len);
            Poll::Ready(Ok(len))
        })
        .await
    }
}

impl Write for Stream {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        assert!(!bytes.is_empty(), "an empty write");
        let world = &self.0;
        poll_fn(|_| {
            let len = bytes.len().min(world.writable.get());
            if len == 0 {
                return Poll::Pending;
            }
            world.written.borrow_mut().extend_from_slice(&bytes[..len]);
            world.writable.set(world.writable.get() - len);
            Poll::Ready(Ok(len))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

struct Clock(Rc<World>);

impl Timer for Clock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.now.get())
    }

    async fn until(&self, at: Instant) {
        assert!(at < Instant::MAX, "a timer for the end of time");
        poll_fn(|_| if self.now() < at { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

/// Handlers that wait while the world holds them.
struct Waiting<'w, S> {
    service: S,
    world: &'w World,
}

impl<'w, S> Waiting<'w, S> {
    fn new(service: S, world: &'w World) -> Self {
        Self { service, world }
    }
}

impl<S: Service> AsyncService for Waiting<'_, S> {
    async fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        let dropped = &self.world.dropped;
        dropped.set(dropped.get() + 1);
        poll_fn(|_| if self.world.held.get() { Poll::Pending } else { Poll::Ready(()) }).await;
        dropped.set(dropped.get() - 1);
        self.service.call(request, reply)
    }

    fn refused(&mut self, code: Code) {
        self.service.refused(code);
    }
}

fn serve(
    limits: &Limits,
    way: Way,
    script: &[u8],
    world: &Rc<World>,
    service: &mut impl AsyncService,
) {
    let clock = Clock(Rc::clone(world));
    let mut rx = vec![0; limits.max_request_frame_len() + way.spare];
    let mut tx = vec![0; limits.max_reply_frame_len() + way.spare];
    let mut connection =
        Connection::new(limits, clock.now(), &mut rx, &mut tx).expect("buffers that do");
    let mut script = script.iter();
    let outcome = loop {
        let (mut io, mut other) = (Stream(Rc::clone(world)), Stream(Rc::clone(world)));
        let never = |outcome: Result<Infallible, _>| outcome.map(|never| match never {});
        let outcome = match (way.split, way.link) {
            (false, false) => {
                drive(pin!(connection.serve(&mut io, service, &clock)), &mut script, world)
            }
            (true, false) => {
                let task = connection.serve_split(&mut io, &mut other, service, &clock);
                drive(pin!(task), &mut script, world)
            }
            (false, true) => {
                let task = connection.serve_link(&mut io, service, &clock);
                drive(pin!(async { never(task.await) }), &mut script, world)
            }
            (true, true) => {
                let task = connection.serve_link_split(&mut io, &mut other, service, &clock);
                drive(pin!(async { never(task.await) }), &mut script, world)
            }
        };
        if let Some(outcome) = outcome {
            break outcome;
        }
    };
    assert_eq!(outcome, if way.link { Err(ServeError::Ended) } else { Ok(()) });
}

type Outcome = Result<(), ServeError<ErrorKind>>;

/// Polls until the script has the future dropped, or it ends.
fn drive(
    mut task: Pin<&mut impl Future<Output = Outcome>>,
    script: &mut core::slice::Iter<'_, u8>,
    world: &World,
) -> Option<Outcome> {
    let mut cx = Context::from_waker(Waker::noop());
    for _poll in 0..MAX_POLLS {
        if let Poll::Ready(outcome) = task.as_mut().poll(&mut cx) {
            return Some(outcome);
        }
        match script.next() {
            Some(&byte) if world.step(byte) => return None,
            Some(_) => {}
            None => {
                world.finish();
                // A link that is being discarded waits for silence, unless it ends.
            }
        }
    }
    panic!("it never ends");
}

fn check_replies(limits: &Limits, bytes: &[u8], world: &World, mut got: Vec<oracle::Reply>) {
    let want = oracle::serve(bytes, true, &oracle_limits(limits)).replies;
    let timed_out = got.last().is_some_and(is_disconnect);
    if timed_out {
        got.pop();
    }
    assert!(got.len() <= want.len(), "more replies than frames");
    let mut unanswered = 0;
    let want: Vec<_> = want
        .into_iter()
        .zip(&got)
        .map(|(want, got)| {
            let failed = oracle::Reply::refusal("failed", want.tag);
            if !want.matches(got) && failed.matches(got) {
                unanswered += 1;
                return failed;
            }
            want
        })
        .collect();
    assert_eq!(replies::compare(&want, &got), Ok(()));
    assert!(unanswered <= world.dropped.get(), "failed, though its handler was not dropped");
    let complete = oracle::serve(bytes, true, &oracle_limits(limits)).replies.len() == got.len();
    assert!(timed_out || complete, "a frame without a reply");
}
