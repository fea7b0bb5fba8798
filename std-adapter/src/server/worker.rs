//! One worker thread: waits for readiness and deadlines, and gives each connection its turn.

use std::io::{self, ErrorKind};
use std::time::Duration;

use linecard_core::{Instant, Service, Session};
use mio::event::Event;
use mio::{Events, Poll, Token, Waker};

use super::config::Config;
use super::connection::{Connection, NextStep, Turn};
use super::context::WorkerContext;
use super::counters::add;
use super::deadlines::Deadlines;
use super::mailbox::{Accepted, Mailbox};
use super::readiness::INTEREST;
use super::shared::Shared;
use super::slab::Slab;
use super::socket::Disconnect;

/// The token of the worker's waker. Connections have their keys.
const WAKE: Token = Token(usize::MAX);

/// Events taken from the system at one time.
const EVENTS_CAPACITY: usize = 1_024;

/// The most connections that memory is reserved for.
const MAX_RESERVED: usize = 100_000;

/// What wakes the worker that waits on `poll`.
pub(super) fn waker(poll: &Poll) -> io::Result<Waker> {
    Waker::new(poll.registry(), WAKE)
}

pub(super) struct Worker<'c, S> {
    poll: Poll,
    mailbox: &'c Mailbox,
    config: &'c Config,
    connections: Slab<Connection<'c>>,
    deadlines: Deadlines,
    /// Connections that have more to do, after the others had their turn.
    again: Vec<usize>,
    cx: WorkerContext<'c, S>,
    /// When the last connection is dropped, once the server is stopping.
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
        let mailbox = &shared.mailboxes[index];
        let connections = config.max_connections.div_ceil(shared.mailboxes.len());
        let reserved = connections.min(MAX_RESERVED);
        Self {
            poll,
            mailbox,
            config,
            connections: Slab::with_capacity(reserved),
            // Reserved memory isn't used until it is written. A small block that grew while a peak
            // load fills the heap would stay at its end, and keep all before it from the system.
            deadlines: Deadlines::with_capacity(reserved),
            again: Vec::with_capacity(reserved),
            cx: WorkerContext::new(config, shared, &mailbox.counters, service),
            abort_at: None,
        }
    }

    /// Serves until the server has stopped and the last connection is closed.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_CAPACITY);
        loop {
            self.wait(&mut events)?;
            self.cx.update_now();
            for event in &events {
                self.on_event(event);
            }
            self.run_again();
            self.run_deadlines();
            if self.cx.shared.is_stopping() && self.is_stopped() {
                return Ok(());
            }
        }
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let timeout = self.wait_timeout();
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// How long to wait. Without a limit while the listener will wake this worker at its deadline.
    fn wait_timeout(&mut self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.deadlines.next().into_iter().chain(self.abort_at).min();
        if self.cx.shared.is_stopping() {
            self.cx.update_now();
            return due.map(|due| due.saturating_duration_since(self.cx.now));
        }
        self.cx.shared.set_alarm(self.mailbox, due.unwrap_or(Instant::MAX));
        None
    }

    fn on_event(&mut self, event: &Event) {
        if event.token() == WAKE {
            return self.accept_all();
        }
        self.turn(event.token().0, |connection, cx| connection.on_event(event, cx));
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
            Ok(()) => stop_by.map_or(Ok(NextStep::Wait), |by| connection.stop(by, cx)),
            Err(error) => {
                log::warn!("a connection can't be polled: {error}");
                Err(Disconnect::Lost)
            }
        });
    }

    /// Gives a connection a turn, if it exists: an event may outlive its connection.
    fn turn(
        &mut self,
        key: usize,
        step: impl FnOnce(&mut Connection<'c>, &mut WorkerContext<'c, S>) -> Turn,
    ) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match step(connection, &mut self.cx) {
            Ok(NextStep::Close) | Err(Disconnect::Lost) => return self.close(key),
            Err(Disconnect::Reset) => return self.reset(key),
            Ok(NextStep::Again) if !connection.queued => {
                connection.queued = true;
                self.again.push(key);
            }
            Ok(NextStep::Again | NextStep::Wait) => {}
        }
        let due = connection.deadline(self.cx.write_timeout);
        connection.scheduled = self.deadlines.advance(key, connection.scheduled, due);
        self.enforce_budget();
    }

    /// Resets the connections that buffer most, while the budget is exceeded.
    fn enforce_budget(&mut self) {
        while self.cx.budget.is_exceeded() {
            let largest =
                self.connections.iter().max_by_key(|(_, connection)| connection.buffered());
            let Some((key, _)) = largest else { return };
            log::debug!("reset: it buffers most, and the budget is exceeded");
            self.reset(key);
        }
    }

    fn reset(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key) {
            add(&self.cx.counters.resets, 1);
            connection.reset_on_drop();
        }
        self.close(key);
    }

    fn close(&mut self, key: usize) {
        let Some(mut connection) = self.connections.remove(key) else { return };
        self.deadlines.remove(key, connection.scheduled);
        connection.release(&mut self.cx);
    }

    fn run_again(&mut self) {
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
                connection.on_deadline(cx)
            });
        }
    }

    /// Whether the last connection is closed. The first call notifies every connection.
    fn is_stopped(&mut self) -> bool {
        if self.abort_at.is_none() {
            self.begin_stop();
        }
        // Before the mailbox is emptied once more, so that no connection stays in it.
        let listening = self.cx.shared.is_listening();
        self.accept_all();
        if self.abort_at.is_some_and(|at| self.cx.now >= at) {
            self.abort();
        }
        self.connections.is_empty() && !listening
    }

    /// The stop timeout has passed: closes every connection.
    fn abort(&mut self) {
        let unfinished = self.connections.len();
        if unfinished > 0 {
            log::warn!("{unfinished} connections were closed before they had finished");
        }
        for key in 0..self.connections.end() {
            self.turn(key, |connection, _| connection.end_stop());
        }
    }

    fn begin_stop(&mut self) {
        self.abort_at = Some(self.cx.now.saturating_add(self.config.stop_timeout));
        let by = self.stop_by().unwrap_or_default();
        for key in 0..self.connections.end() {
            self.turn(key, |connection, cx| connection.stop(by, cx));
        }
    }

    /// Until when frames that were begun may be finished, once the server is stopping: half of the
    /// stop timeout. The other half is for sending and closing.
    fn stop_by(&self) -> Option<Instant> {
        self.abort_at.map(|at| at.saturating_sub(self.config.stop_timeout / 2))
    }
}

#[cfg(test)]
mod tests {
    use std::net;

    use linecard_core::{Answered, Code, Frame, Reply};

    use super::*;

    struct NoCommands;

    impl Service for NoCommands {
        fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
            reply.error(Code::UnknownCommand, request.name)
        }
    }

    /// Also one that was handed over after the worker had notified all others.
    #[test]
    fn the_last_accepted_connection_is_notified_of_a_stop() {
        let peers = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = Config::default();
        let (listener_poll, worker_poll) = (Poll::new().unwrap(), Poll::new().unwrap());
        let wakers = (waker(&listener_poll).unwrap(), waker(&worker_poll).unwrap());
        let shared = Shared::new(&config, wakers.0, vec![wakers.1]);
        let mut worker = Worker::new(0, worker_poll, &shared, &config, NoCommands);
        shared.stop();
        assert!(!worker.is_stopped(), "the listener goes on");
        let tcp = mio::net::TcpStream::connect(peers.local_addr().unwrap()).unwrap();
        let (peer, _) = peers.accept().unwrap();
        assert!(shared.open.add(1));
        shared.mailboxes[0].push(Accepted { tcp, admitted: true });
        shared.stop_listening();
        assert!(!worker.is_stopped(), "one connection is left");
        let mut line = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(&peer), &mut line).unwrap();
        assert_eq!(line, "ERR\n");
        worker.abort();
        assert!(worker.is_stopped());
        assert_eq!((shared.counters().open, shared.counters().lingering), (0, 0));
    }
}
