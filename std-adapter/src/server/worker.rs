//! One worker thread: waits for readiness and deadlines, and gives each connection its turn.

use std::io::{self, ErrorKind};
use std::time::Duration;

use linecard_core::{Millis, Service, Session};
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::config::Config;
use super::connection::{After, Clock, Connection, Hands};
use super::deadlines::Deadlines;
use super::guard::Guard;
use super::millis;
use super::shared::{Desk, Newcomer, Shared};

/// The token of the worker's waker; connections have the keys of a slab.
pub(super) const WAKE: Token = Token(usize::MAX);

/// Octets read at one time. A frame may be longer: it is parked as it comes.
const RX_LEN: usize = 64 * 1024;

/// Octets of replies gathered for one write, beside the longest reply.
const BATCH_LEN: usize = 64 * 1024;

/// Connections told of by one wait.
const EVENTS_CAP: usize = 1_024;

/// Places for connections that are kept, whether there are any or not.
const PLACES_KEPT: usize = 64;

pub(super) struct Worker<'c, S> {
    poll: Poll,
    desk: &'c Desk,
    config: &'c Config,
    connections: Slab<Connection<'c>>,
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
        let hands = Hands {
            rx: vec![0; RX_LEN].into(),
            tx: vec![0; config.limits.reply_room() + BATCH_LEN].into(),
            guard: Guard::new(service, &desk.counters),
            shared,
            counters: &desk.counters,
            write_timeout: millis(config.write_timeout),
            clock: Clock::start(),
            now: Millis(0),
        };
        Self {
            poll,
            desk,
            config,
            connections: Slab::new(),
            deadlines: Deadlines::default(),
            again: Vec::new(),
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
        match self.poll.poll(events, self.timeout()) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.deadlines.next().into_iter().chain(self.give_up_at).min()?;
        Some(Duration::from_millis(due.0).saturating_sub(self.hands.clock.elapsed()))
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

    fn welcome(&mut self, Newcomer { tcp, admitted }: Newcomer) {
        let session = Session::new(&self.config.limits, self.hands.now);
        let slot = self.connections.vacant_entry();
        let key = slot.key();
        let connection = slot.insert(Connection::new(tcp, session, admitted, self.hands.now));
        let registry = self.poll.registry();
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = registry.register(&mut connection.tcp, Token(key), interest);
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
        let mut connection = self.connections.remove(key);
        self.deadlines.remove(key, connection.scheduled);
        connection.leave(self.hands.shared);
        self.give_places_back();
    }

    /// Gives memory back once most of the connections have gone that it was for. What is given back is behind
    /// the last connection, for the others keep their keys; where that is one of the first storm's, nothing is.
    fn give_places_back(&mut self) {
        if self.connections.capacity() > 4 * self.connections.len() + PLACES_KEPT {
            self.connections.shrink_to_fit();
        }
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
        for key in 0..self.connections.capacity() {
            self.turn(key, Connection::cut_off);
        }
    }

    fn begin_stop(&mut self) {
        self.give_up_at = Some(self.hands.now.after(millis(self.config.stop_timeout)));
        let by = self.stop_by().unwrap_or_default();
        for key in 0..self.connections.capacity() {
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

    /// A storm's places are not kept for ever.
    #[test]
    fn places_of_connections_that_have_gone_are_given_back() {
        const STORM: usize = 3 * PLACES_KEPT;
        let peers = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = peers.local_addr().unwrap();
        let config = Config::default();
        let listener = Listener::bind(&["127.0.0.1:0".parse().unwrap()], 1).unwrap();
        let shared = Shared::new(&config, &listener, &[Poll::new().unwrap()]).unwrap();
        let mut worker = Worker::new(0, Poll::new().unwrap(), &shared, &config, Nothing);
        for _connection in 0..STORM {
            assert!(Shared::take_place(&shared.open, STORM));
            let tcp = mio::net::TcpStream::connect(addr).unwrap();
            worker.welcome(Newcomer { tcp, admitted: true });
        }
        assert!(worker.connections.capacity() >= STORM);
        for key in 10..STORM {
            worker.close(key);
        }
        assert!(worker.connections.capacity() <= 4 * 10 + PLACES_KEPT, "most of them");
        for key in 0..10 {
            worker.close(key);
        }
        assert!(worker.connections.capacity() <= PLACES_KEPT, "all of them");
        assert_eq!((worker.deadlines.next(), shared.counters().open), (None, 0));
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
