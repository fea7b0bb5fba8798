//! The server's end behind the async front. Its future is dropped after every step of the
//! simulation, so what it must not lose is in its `Connection`.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use embedded_io::ErrorKind;
use embedded_io_async::{ErrorType, Read, Write};
use linecard_core::asynch::{AsyncService, Connection, Immediate, Timer};
use linecard_core::{Answered, Code, Frame, Instant, Limits, Reply, Service};
use linecard_suite::generate::Random;

use super::Server;
use super::ends::{LIMITS, RecordingService, STOP_WITHIN, WRITE_TIMEOUT};
use super::pipe::Pipe;

pub(super) struct AsyncEnd {
    connection: Connection<'static, 'static>,
    service: RecordingService,
    split: bool,
    /// The service is asynchronous, though its handlers never wait.
    is_async: bool,
    /// Since when a write has waited.
    blocked_since: Option<u64>,
    /// When the front's timer ends.
    due: Option<Instant>,
    is_over: bool,
    clock_ahead: u64,
}

/// The world at one moment of the simulation.
struct Now<'w> {
    millis: u64,
    clock: Instant,
    up: RefCell<&'w mut Pipe>,
    down: RefCell<&'w mut Pipe>,
    random: RefCell<&'w mut Random>,
    due: Cell<Option<Instant>>,
    has_progress: Cell<bool>,
    is_blocked: Cell<bool>,
}

impl Timer for &Now<'_> {
    fn now(&self) -> Instant {
        self.clock
    }

    async fn until(&self, at: Instant) {
        poll_fn(|_| {
            self.due.set(Some(at));
            if self.clock < at { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }
}

impl ErrorType for &Now<'_> {
    type Error = ErrorKind;
}

impl Read for &Now<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        assert!(!buf.is_empty(), "a read into an empty buffer");
        poll_fn(|_| {
            let mut up = self.up.borrow_mut();
            let received = up.receive(self.millis, buf.len());
            if received.is_empty() && !up.has_ended(self.millis) {
                return Poll::Pending;
            }
            buf[..received.len()].copy_from_slice(&received);
            Poll::Ready(Ok(received.len()))
        })
        .await
    }
}

impl Write for &Now<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| {
            let sent =
                self.down.borrow_mut().send(self.millis, bytes, &mut self.random.borrow_mut());
            self.is_blocked.set(sent == 0);
            if sent == 0 {
                return Poll::Pending;
            }
            self.has_progress.set(true);
            Poll::Ready(Ok(sent))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// A service that could wait.
struct Async<'s>(&'s mut RecordingService);

impl AsyncService for Async<'_> {
    async fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        self.0.call(request, reply)
    }

    fn refused(&mut self, code: Code) {
        self.0.refused(code);
    }
}

impl AsyncEnd {
    /// Whether the connection is over.
    fn serve(&mut self, now: &Now<'_>) -> bool {
        if self.is_async { self.serve_with(now, Async) } else { self.serve_with(now, Immediate) }
    }

    fn serve_with<'a, S: AsyncService>(
        &'a mut self,
        now: &Now<'_>,
        service: impl FnOnce(&'a mut RecordingService) -> S,
    ) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let (mut io, mut other) = (now, now);
        let mut service = service(&mut self.service);
        let outcome = if self.split {
            let task = self.connection.serve_split(&mut io, &mut other, &mut service, &now);
            pin!(task).poll(&mut cx)
        } else {
            pin!(self.connection.serve(&mut io, &mut service, &now)).poll(&mut cx)
        };
        match outcome {
            Poll::Pending => false,
            Poll::Ready(outcome) => {
                assert_eq!(outcome, Ok(()));
                true
            }
        }
    }
}

impl Server for AsyncEnd {
    fn new(random: &mut Random) -> Self {
        static SESSION_LIMITS: Limits = LIMITS;
        let rx = vec![0; LIMITS.max_request_frame_len()].leak();
        let tx = vec![0; LIMITS.max_reply_frame_len() + random.pick(&[0, 1, 500])].leak();
        let start = Instant::from_millis(0);
        Self {
            connection: Connection::new(&SESSION_LIMITS, start, rx, tx).expect("large enough"),
            service: RecordingService::default(),
            split: random.one_in(2),
            is_async: random.one_in(2),
            blocked_since: None,
            due: None,
            is_over: false,
            clock_ahead: 0,
        }
    }

    fn run(&mut self, millis: u64, up: &mut Pipe, down: &mut Pipe, random: &mut Random) {
        if self.is_over {
            return;
        }
        let now = Now {
            millis,
            clock: Instant::from_millis(millis + self.clock_ahead),
            up: RefCell::new(up),
            down: RefCell::new(down),
            random: RefCell::new(random),
            due: Cell::new(None),
            has_progress: Cell::new(false),
            is_blocked: Cell::new(false),
        };
        self.is_over = self.serve(&now);
        let since = self.blocked_since.filter(|_| !now.has_progress.get()).unwrap_or(millis);
        self.blocked_since = now.is_blocked.get().then_some(since);
        self.due = now.due.get();
        if self.is_over {
            down.fin(millis);
        } else if self.blocked_since.is_some_and(|since| millis >= since + WRITE_TIMEOUT) {
            up.cut();
            down.cut();
            self.is_over = true;
        }
    }

    fn next_at(&self) -> Option<u64> {
        if self.is_over {
            return None;
        }
        match self.blocked_since {
            Some(since) => Some(since + WRITE_TIMEOUT),
            None => self.due.map(|due| due.as_millis().saturating_sub(self.clock_ahead)),
        }
    }

    fn service(&self) -> &RecordingService {
        &self.service
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn reset(&mut self) {
        self.is_over = true;
    }

    fn stop(&mut self, now: u64) {
        let by = Instant::from_millis(now + self.clock_ahead + STOP_WITHIN);
        self.connection.session().stop(by);
    }

    fn set_clock_ahead(&mut self, by: u64) {
        self.clock_ahead += by;
    }
}
