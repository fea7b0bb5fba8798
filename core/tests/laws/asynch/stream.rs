//! A scripted asynchronous stream whose operations are pending for some polls first, a clock, and
//! an executor that counts polls.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use embedded_io::{ErrorKind, Read as _, Write as _};
use embedded_io_async::{ErrorType, Read, Write};
use linecard_core::Instant;
use linecard_core::asynch::Timer;

use crate::blocking::Script;
use crate::support::MAX_ROUNDS;

/// How many polls each operation is pending: the numbers are used in turn, again and again.
pub(crate) type Pends = &'static [u32];

/// A stream, or one of its halves: they share the script.
pub(crate) struct Stream {
    script: Rc<RefCell<Script>>,
    pends: Pends,
    /// The index in `pends` of the current operation.
    turn: usize,
    /// How many polls the current operation is still pending. Kept when its future is dropped, so
    /// that an operation that is always started again gets done.
    left: u32,
}

impl Stream {
    pub(crate) fn new(script: &Script, pends: Pends) -> Self {
        let mut script = script.clone();
        script.now = Rc::default();
        Self { script: Rc::new(RefCell::new(script)), pends, turn: 0, left: pends[0] }
    }

    /// Another half of the same stream.
    pub(crate) fn half(&self) -> Self {
        Self { script: Rc::clone(&self.script), pends: self.pends, turn: 1, left: self.pends[0] }
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock { now: Rc::clone(&self.script.borrow().now), calls: Rc::default() }
    }

    pub(crate) fn script(&self) -> Script {
        self.script.borrow().clone()
    }

    pub(crate) fn written(&self) -> Vec<u8> {
        self.script.borrow().written.clone()
    }

    pub(crate) fn is_flushed(&self) -> bool {
        let script = self.script.borrow();
        script.flushed == script.written.len()
    }

    /// Pending as long as the current operation is to be. After that the operation is done at once,
    /// so that one that is dropped has had no effect.
    async fn begin(&mut self) {
        poll_fn(|cx| match self.left.checked_sub(1) {
            None => Poll::Ready(()),
            Some(left) => {
                self.left = left;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        self.turn += 1;
        self.left = self.pends[self.turn % self.pends.len()];
    }
}

/// A future that is pending for so many polls.
pub(crate) async fn pending(times: u32) {
    let mut left = times;
    poll_fn(|cx| match left.checked_sub(1) {
        None => Poll::Ready(()),
        Some(rest) => {
            left = rest;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

impl ErrorType for Stream {
    type Error = ErrorKind;
}

impl Read for Stream {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        self.begin().await;
        self.script.borrow_mut().read(buf)
    }
}

impl Write for Stream {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.begin().await;
        self.script.borrow_mut().write(bytes)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.begin().await;
        self.script.borrow_mut().flush()
    }
}

/// The script's time.
#[derive(Clone)]
pub(crate) struct Clock {
    now: Rc<RefCell<u64>>,
    calls: Rc<Cell<usize>>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { now: Rc::default(), calls: Rc::default() }
    }

    pub(crate) fn pass(&self, millis: u64) {
        *self.now.borrow_mut() += millis;
    }
}

impl Timer for Clock {
    fn now(&self) -> Instant {
        self.calls.set(self.calls.get() + 1);
        assert!(self.calls.get() < 10 * MAX_ROUNDS, "it loops without end");
        Instant::from_millis(*self.now.borrow())
    }

    async fn until(&self, at: Instant) {
        assert!(at < Instant::MAX, "no timer waits for the end of time");
        poll_fn(
            |_| {
                if *self.now.borrow() < at.as_millis() { Poll::Pending } else { Poll::Ready(()) }
            },
        )
        .await;
    }
}

/// Polls a future at most `polls` times, then drops it.
pub(crate) fn poll_for<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _poll in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
    }
    None
}

/// A stream in memory whose other end is a test. Clones are halves of it, or the test's handle.
#[derive(Clone, Default)]
pub(crate) struct Pipe(Rc<RefCell<Ends>>);

#[derive(Default)]
struct Ends {
    to_read: VecDeque<u8>,
    is_closed: bool,
    written: Vec<u8>,
    /// How many more bytes can be written; `None` is any number.
    free: Option<usize>,
    /// Reads and writes that were dropped before they were done.
    dropped_reads: usize,
    dropped_writes: usize,
}

impl Pipe {
    pub(crate) fn give(&self, bytes: &str) {
        self.0.borrow_mut().to_read.extend(bytes.bytes());
    }

    pub(crate) fn close(&self) {
        self.0.borrow_mut().is_closed = true;
    }

    pub(crate) fn limit(&self, free: usize) {
        self.0.borrow_mut().free = Some(free);
    }

    /// What was written since the last call.
    pub(crate) fn take(&self) -> String {
        let written = std::mem::take(&mut self.0.borrow_mut().written);
        String::from_utf8(written).expect("UTF-8")
    }

    pub(crate) fn dropped_reads(&self) -> usize {
        self.0.borrow().dropped_reads
    }

    pub(crate) fn dropped_writes(&self) -> usize {
        self.0.borrow().dropped_writes
    }
}

impl ErrorType for Pipe {
    type Error = ErrorKind;
}

/// Counts an operation that is dropped before it is done.
struct Operation<'p> {
    pipe: &'p Pipe,
    counter: fn(&mut Ends) -> &mut usize,
    done: bool,
}

impl<'p> Operation<'p> {
    fn new(pipe: &'p Pipe, counter: fn(&mut Ends) -> &mut usize) -> Self {
        Self { pipe, counter, done: false }
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        *(self.counter)(&mut self.pipe.0.borrow_mut()) += usize::from(!self.done);
    }
}

impl Read for Pipe {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut reading = Operation::new(self, |ends| &mut ends.dropped_reads);
        let len = poll_fn(|_| {
            let mut ends = self.0.borrow_mut();
            if ends.to_read.is_empty() && !ends.is_closed {
                return Poll::Pending;
            }
            let len = buf.len().min(ends.to_read.len());
            buf.iter_mut().zip(ends.to_read.drain(..len)).for_each(|(to, byte)| *to = byte);
            Poll::Ready(len)
        })
        .await;
        reading.done = true;
        Ok(len)
    }
}

impl Write for Pipe {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let mut writing = Operation::new(self, |ends| &mut ends.dropped_writes);
        let written = poll_fn(|_| {
            let mut ends = self.0.borrow_mut();
            let len = ends.free.map_or(bytes.len(), |free| free.min(bytes.len()));
            if len == 0 {
                return Poll::Pending;
            }
            ends.written.extend_from_slice(&bytes[..len]);
            ends.free = ends.free.map(|free| free - len);
            Poll::Ready(Ok(len))
        })
        .await;
        writing.done = true;
        written
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// Polls once.
pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls to the end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    poll_for(future, MAX_ROUNDS).expect("it comes to an end")
}
