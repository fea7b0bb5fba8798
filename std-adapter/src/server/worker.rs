//! One worker thread: waits for readiness and deadlines, and gives each connection its turn.

use std::io::{self, ErrorKind};
use std::time::Duration;

use linecard_core::{Instant, Service, Session};
use mio::event::Event;
use mio::{Events, Poll, Token};

use super::config::Config;
use super::connection::{Connection, NextStep, WorkerContext};
use super::deadlines::Deadlines;
use super::guard::Guard;
use super::readiness::INTEREST;
use super::shared::{Accepted, Mailbox, Shared};
use super::slab::Slab;

/// The token of the worker's waker; connections have the keys of their places.
pub(super) const WAKE: Token = Token(usize::MAX);

/// Bytes read at one time. A frame may be longer: it is parked as it comes.
const RX_LEN: usize = 64 * 1024;

/// Bytes of replies gathered for one write, beside the longest reply. Together, by default, they stay under
/// 128 KiB: when glibc is given back a larger block, it begins to keep twice as much in each heap.
const BATCH_LEN: usize = 48 * 1024;

/// Connections told of by one wait.
const EVENTS_CAP: usize = 1_024;

/// Connections that room is reserved for, at most.
const SHARE_CAP: usize = 100_000;

pub(super) struct Worker<'c, S> {
    poll: Poll,
    mailbox: &'c Mailbox,
    config: &'c Config,
    connections: Slab<Connection<'c>>,
    deadlines: Deadlines,
    /// Connections with more to do, once the others had their turn.
    again: Vec<usize>,
    cx: WorkerContext<'c, S>,
    /// When the last connection is dropped, once the server stops.
    abort_at: Option<Instant>,
}

impl<'c, S: Service> Worker<'c, S> {
    pub(super) fn new(
        index: usize,
        poll: Poll,
        shared: &'c Shared,
        config: &'c Config,
        service: S,
    ) -> Self {
        let mailbox = &shared.workers[index];
        let share = config.max_connections.div_ceil(shared.workers.len()).min(SHARE_CAP);
        let cx = WorkerContext {
            rx: vec![0; RX_LEN].into(),
            tx: vec![0; config.limits.max_reply_frame_len() + BATCH_LEN].into(),
            guard: Guard::new(service, &mailbox.counters),
            shared,
            counters: &mailbox.counters,
            write_timeout: config.write_timeout,
            clock: shared.clock,
            now: Instant::from_millis(0),
        };
        Self {
            poll,
            mailbox,
            config,
            connections: Slab::with_capacity(share),
            // Reserved at once, which costs no memory until it is used. A small block that grows while a storm
            // fills the heap would stay behind at its end, and keep all that was before it from the system.
            deadlines: Deadlines::with_capacity(share),
            again: Vec::with_capacity(share),
            cx,
            abort_at: None,
        }
    }

    /// Serves until the server has stopped and the last connection is closed.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_CAP);
        loop {
            self.wait(&mut events)?;
            self.cx.now = self.cx.clock.now();
            for event in &events {
                self.ready(event);
            }
            self.run_ready();
            self.run_deadlines();
            if self.cx.shared.is_stopping() && self.is_stopped() {
                return Ok(());
            }
        }
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        match self.poll.poll(events, self.limit()) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// How long to wait; for ever while there is a listener to wake this worker at its next deadline.
    fn limit(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.deadlines.next().into_iter().chain(self.abort_at).min();
        if self.cx.shared.is_stopping() {
            return due.map(|due| due.saturating_duration_since(self.cx.clock.now()));
        }
        self.cx.shared.set_alarm(self.mailbox, due.unwrap_or(Instant::MAX));
        None
    }

    fn ready(&mut self, event: &Event) {
        if event.token() == WAKE {
            return self.accept_all();
        }
        self.turn(event.token().0, |connection, cx| connection.ready(event, cx));
    }

    fn accept_all(&mut self) {
        for accepted in self.mailbox.take_accepted() {
            self.accept(accepted);
        }
    }

    fn accept(&mut self, Accepted { mut tcp, admitted }: Accepted) {
        let session = Session::new(&self.config.limits, self.cx.now);
        let key = self.connections.next_key();
        let registered = self.poll.registry().register(&mut tcp, Token(key), INTEREST);
        self.connections.insert(Connection::new(tcp, session, admitted, self.cx.now));
        let stop_by = self.stop_by();
        self.turn(key, |connection, cx| match registered {
            Ok(()) if !admitted => connection.refuse_busy(cx),
            Ok(()) => stop_by.map_or(NextStep::Wait, |by| connection.stop(by, cx)),
            Err(error) => {
                log::warn!("a connection can't be watched: {error}");
                NextStep::Close
            }
        });
    }

    /// Gives a connection a turn, if it is there: an event may outlive its connection.
    fn turn(
        &mut self,
        key: usize,
        step: impl FnOnce(&mut Connection<'c>, &mut WorkerContext<'c, S>) -> NextStep,
    ) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match step(connection, &mut self.cx) {
            NextStep::Close => return self.close(key),
            NextStep::Again if !connection.queued => {
                connection.queued = true;
                self.again.push(key);
            }
            NextStep::Again | NextStep::Wait => {}
        }
        let due = connection.deadline(self.cx.write_timeout);
        connection.scheduled = self.deadlines.advance(key, connection.scheduled, due);
    }

    fn close(&mut self, key: usize) {
        let Some(mut connection) = self.connections.remove(key) else { return };
        self.deadlines.remove(key, connection.scheduled);
        connection.release(self.cx.shared);
    }

    fn run_ready(&mut self) {
        let waiting = self.again.len();
        for at in 0..waiting {
            self.turn(self.again[at], |connection, cx| {
                connection.queued = false;
                connection.turn(cx)
            });
        }
        self.again.drain(..waiting);
    }

    fn run_deadlines(&mut self) {
        while let Some(key) = self.deadlines.pop_due(self.cx.now) {
            self.turn(key, |connection, cx| {
                connection.scheduled = Instant::MAX;
                connection.due(cx)
            });
        }
    }

    /// Whether the last connection is closed, or the time is up. The first time, tells every connection.
    fn is_stopped(&mut self) -> bool {
        if self.abort_at.is_none() {
            self.begin_stop();
        }
        // Asked before the last look at the desk, so that nobody is left standing there.
        let listening = self.cx.shared.is_listening();
        self.accept_all();
        if self.abort_at.is_some_and(|at| self.cx.now >= at) {
            self.abort();
        }
        self.connections.is_empty() && !listening
    }

    /// The time is up: drops every connection.
    fn abort(&mut self) {
        let unfinished = self.connections.len();
        if unfinished > 0 {
            log::warn!("{unfinished} connections were closed unfinished");
        }
        for key in 0..self.connections.end() {
            self.turn(key, Connection::reset_unfinished);
        }
    }

    fn begin_stop(&mut self) {
        self.abort_at = Some(self.cx.now.saturating_add(self.config.stop_timeout));
        let by = self.stop_by().unwrap_or_default();
        for key in 0..self.connections.end() {
            self.turn(key, |connection, cx| connection.stop(by, cx));
        }
    }

    /// Until when frames that were begun may be finished, once the server stops: half of its time. The
    /// rest is for sending and for closing.
    fn stop_by(&self) -> Option<Instant> {
        self.abort_at.map(|at| at.saturating_sub(self.config.stop_timeout / 2))
    }
}

#[cfg(test)]
mod tests {
    use std::net;

    use linecard_core::{Answered, Code, Frame, Reply};

    use super::*;
    use crate::server::listener::Listener;

    struct Nothing;

    impl Service for Nothing {
        fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
            reply.error(Code::UnknownCommand, request.name)
        }
    }

    /// Whoever was handed over before the listener ended is told as well.
    #[test]
    fn the_last_newcomer_is_not_left_behind() {
        let peers = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = Config::default();
        let listener = Listener::bind(&["127.0.0.1:0".parse().unwrap()], 1).unwrap();
        let shared = Shared::new(&config, &listener, &[Poll::new().unwrap()]).unwrap();
        let mut worker = Worker::new(0, Poll::new().unwrap(), &shared, &config, Nothing);
        shared.stop();
        assert!(!worker.is_stopped(), "the listener goes on");
        let tcp = mio::net::TcpStream::connect(peers.local_addr().unwrap()).unwrap();
        let (peer, _) = peers.accept().unwrap();
        assert!(Shared::take_place(&shared.open, 1));
        shared.workers[0].hand_over(Accepted { tcp, admitted: true });
        shared.stop_listening();
        assert!(!worker.is_stopped(), "there is one more to tell");
        let mut words = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(&peer), &mut words).unwrap();
        assert_eq!(words, "ERR\n");
        worker.abort();
        assert!(worker.is_stopped());
        assert_eq!((shared.counters().open, shared.counters().lingering), (0, 0));
    }
}
