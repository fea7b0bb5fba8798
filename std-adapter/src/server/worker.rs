//! One worker thread: waits for readiness and deadlines, and gives each connection its turn.

use std::io::{self, ErrorKind};
use std::time::Duration;

use linecard_core::{Millis, Service, Session};
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};

use super::clock::{duration, millis};
use super::config::Config;
use super::connection::{After, Connection, Hands};
use super::deadlines::Deadlines;
use super::guard::Guard;
use super::places::Places;
use super::shared::{Desk, Newcomer, Shared};

/// The token of the worker's waker; connections have the keys of their places.
pub(super) const WAKE: Token = Token(usize::MAX);

/// Octets read at one time. A frame may be longer: it is parked as it comes.
const RX_LEN: usize = 64 * 1024;

/// Octets of replies gathered for one write, beside the longest reply. Together, by default, they stay under
/// 128 KiB: when glibc is given back a larger block, it begins to keep twice as much in each heap.
const BATCH_LEN: usize = 48 * 1024;

/// Connections told of by one wait.
const EVENTS_CAP: usize = 1_024;

/// Connections that room is reserved for, at most.
const SHARE_CAP: usize = 100_000;

pub(super) struct Worker<'c, S> {
    poll: Poll,
    desk: &'c Desk,
    config: &'c Config,
    connections: Places<Connection<'c>>,
    deadlines: Deadlines,
    /// Connections with more to do, once the others had their turn.
    again: Vec<usize>,
    hands: Hands<'c, S>,
    /// When the last connection is dropped, once the server stops.
    give_up_at: Option<Millis>,
}

impl<'c, S: Service> Worker<'c, S> {
    pub(super) fn new(
        index: usize,
        poll: Poll,
        shared: &'c Shared,
        config: &'c Config,
        service: S,
    ) -> Self {
        let desk = &shared.workers[index];
        let share = config.max_connections.div_ceil(shared.workers.len()).min(SHARE_CAP);
        let hands = Hands {
            rx: vec![0; RX_LEN].into(),
            tx: vec![0; config.limits.reply_room() + BATCH_LEN].into(),
            guard: Guard::new(service, &desk.counters),
            shared,
            counters: &desk.counters,
            write_timeout: millis(config.write_timeout),
            clock: shared.clock,
            now: Millis(0),
        };
        Self {
            poll,
            desk,
            config,
            connections: Places::with_capacity(share),
            // Reserved at once, which costs no memory until it is used. A small block that grows while a storm
            // fills the heap would stay behind at its end, and keep all that was before it from the system.
            deadlines: Deadlines::with_capacity(share),
            again: Vec::with_capacity(share),
            hands,
            give_up_at: None,
        }
    }

    /// Serves until the server has stopped and the last connection is closed.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_CAP);
        loop {
            self.wait(&mut events)?;
            self.hands.now = self.hands.clock.now();
            for event in &events {
                self.ready(event);
            }
            self.go_on();
            self.look_at_deadlines();
            if self.hands.shared.is_stopping() && self.is_stopped() {
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
        let due = self.deadlines.next().into_iter().chain(self.give_up_at).min();
        if self.hands.shared.is_stopping() {
            return due.map(|due| duration(due.since(self.hands.clock.now())));
        }
        self.hands.shared.set_alarm(self.desk, due.unwrap_or(Millis::MAX));
        None
    }

    fn ready(&mut self, event: &Event) {
        if event.token() == WAKE {
            return self.welcome_all();
        }
        let (readable, hung_up) = (event.is_readable(), event.is_read_closed());
        self.turn(event.token().0, |connection, hands| connection.ready(readable, hung_up, hands));
    }

    fn welcome_all(&mut self) {
        for newcomer in self.desk.take_newcomers() {
            self.welcome(newcomer);
        }
    }

    fn welcome(&mut self, Newcomer { mut tcp, admitted }: Newcomer) {
        let session = Session::new(&self.config.limits, self.hands.now);
        let key = self.connections.next_key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = self.poll.registry().register(&mut tcp, Token(key), interest);
        self.connections.insert(Connection::new(tcp, session, admitted, self.hands.now));
        let stop_by = self.stop_by();
        self.turn(key, |connection, hands| match registered {
            Ok(()) if !admitted => connection.turn_away(hands),
            Ok(()) => stop_by.map_or(After::Wait, |by| connection.stop(by, hands)),
            Err(error) => {
                log::warn!("a connection can't be watched: {error}");
                After::Close
            }
        });
    }

    /// Gives a connection a turn, if it is there: an event may outlive its connection.
    fn turn(
        &mut self,
        key: usize,
        step: impl FnOnce(&mut Connection<'c>, &mut Hands<'c, S>) -> After,
    ) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match step(connection, &mut self.hands) {
            After::Close => return self.close(key),
            After::Again if !connection.queued => {
                connection.queued = true;
                self.again.push(key);
            }
            After::Again | After::Wait => {}
        }
        let due = connection.deadline(self.hands.write_timeout);
        connection.scheduled = self.deadlines.advance(key, connection.scheduled, due);
    }

    fn close(&mut self, key: usize) {
        let Some(mut connection) = self.connections.remove(key) else { return };
        self.deadlines.remove(key, connection.scheduled);
        connection.leave(self.hands.shared);
    }

    fn go_on(&mut self) {
        let waiting = self.again.len();
        for at in 0..waiting {
            self.turn(self.again[at], |connection, hands| {
                connection.queued = false;
                connection.turn(hands)
            });
        }
        self.again.drain(..waiting);
    }

    fn look_at_deadlines(&mut self) {
        while let Some(key) = self.deadlines.pop_due(self.hands.now) {
            self.turn(key, |connection, hands| {
                connection.scheduled = Millis::MAX;
                connection.due(hands)
            });
        }
    }

    /// Whether the last connection is closed, or the time is up. The first time, tells every connection.
    fn is_stopped(&mut self) -> bool {
        if self.give_up_at.is_none() {
            self.begin_stop();
        }
        // Asked before the last look at the desk, so that nobody is left standing there.
        let listening = self.hands.shared.is_listening();
        self.welcome_all();
        if self.give_up_at.is_some_and(|at| self.hands.now >= at) {
            self.give_up();
        }
        self.connections.is_empty() && !listening
    }

    /// The time is up: drops every connection.
    fn give_up(&mut self) {
        let unfinished = self.connections.len();
        if unfinished > 0 {
            log::warn!("{unfinished} connections were closed unfinished");
        }
        for key in 0..self.connections.end() {
            self.turn(key, Connection::cut_off);
        }
    }

    fn begin_stop(&mut self) {
        self.give_up_at = Some(self.hands.now.after(millis(self.config.stop_timeout)));
        let by = self.stop_by().unwrap_or_default();
        for key in 0..self.connections.end() {
            self.turn(key, |connection, hands| connection.stop(by, hands));
        }
    }

    /// Until when frames that were begun may be finished, once the server stops: half of its time. The
    /// rest is for sending and for closing.
    fn stop_by(&self) -> Option<Millis> {
        let half = Millis(millis(self.config.stop_timeout).0 / 2);
        self.give_up_at.map(|at| at.since(half))
    }
}

#[cfg(test)]
mod tests {
    use std::net;

    use linecard_core::{Code, Frame, Reply, Sent};

    use super::*;
    use crate::server::listener::Listener;

    struct Nothing;

    impl Service for Nothing {
        fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Sent {
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
        shared.workers[0].hand_over(Newcomer { tcp, admitted: true });
        shared.stop_listening();
        assert!(!worker.is_stopped(), "there is one more to tell");
        let mut words = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(&peer), &mut words).unwrap();
        assert_eq!(words, "ERR\n");
        worker.give_up();
        assert!(worker.is_stopped());
        assert_eq!((shared.counters().open, shared.counters().lingering), (0, 0));
    }
}
