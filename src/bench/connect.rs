//! Opening the connections, all at once.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use linecard_std::{Address, Error};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::connection::Connection;
use super::options::Options;
use super::pace::Pace;

/// Events of one wait.
pub(super) const EVENTS_CAP: usize = 1_024;

/// Opens them; says how long it took until the last was there.
pub(super) fn all(options: &Options) -> Result<(Poll, Vec<Connection>, Duration), Error> {
    let address: Address = options.address.parse()?;
    let failed = |error| Error::Connect(address.to_string(), error);
    let mut failure = io::Error::from(ErrorKind::AddrNotAvailable);
    for found in address.to_connect()? {
        match all_to(found, options) {
            Err(error) => failure = error,
            Ok(connected) => return Ok(connected),
        }
    }
    Err(failed(failure))
}

fn all_to(to: SocketAddr, options: &Options) -> io::Result<(Poll, Vec<Connection>, Duration)> {
    let begin = Instant::now();
    let mut poll = Poll::new()?;
    let mut connections = Vec::with_capacity(options.connections.get());
    let (count, pace) = (options.connections.get(), Pace::of(options));
    for key in 0..count {
        let mut tcp = TcpStream::connect(to)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut tcp, Token(key), interest)?;
        let share = pace.share(key as u64, count as u64);
        connections.push(Connection::new(tcp, key as u64, share));
    }
    wait_for_all(&mut poll, &mut connections, begin + options.timeout)?;
    Ok((poll, connections, begin.elapsed()))
}

fn wait_for_all(poll: &mut Poll, connections: &mut [Connection], by: Instant) -> io::Result<()> {
    let mut events = Events::with_capacity(EVENTS_CAP);
    let mut connected = vec![false; connections.len()];
    let mut missing = connections.len();
    while missing > 0 {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        ignore_interrupt(poll.poll(&mut events, Some(left)))?;
        for event in &events {
            let Token(key) = event.token();
            if !connected[key] && is_connected(connections[key].tcp())? {
                connected[key] = true;
                missing -= 1;
            }
        }
    }
    Ok(())
}

fn is_connected(tcp: &TcpStream) -> io::Result<bool> {
    if let Some(error) = tcp.take_error()? {
        return Err(error);
    }
    match tcp.peer_addr() {
        Ok(_) => tcp.set_nodelay(true).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn ignore_interrupt(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
        outcome => outcome,
    }
}
