//! What all hostile peers have in common: a rate, a thread, and a tally.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use socket2::SockRef;

use crate::pace::Pace;

/// How often an hostile peer looks whether something is due.
const TICK: Duration = Duration::from_millis(1);
/// How many times faster than planned an hostile peer may be while it catches up.
const CATCH_UP: usize = 3;
/// The priority of an hostile peer's thread.
const NICE: i32 = 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One kind of hostile peer.
pub(crate) trait Hostile: Send {
    const NAME: &'static str;

    /// Does its worst, once.
    fn act(&mut self, tally: &mut Tally);
}

/// What an hostile peer did, and what it met with.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Which hostile peer.
    pub name: &'static str,
    /// Acts due in the time that it had.
    pub wanted: f64,
    /// Acts.
    pub done: u32,
    /// Connections made.
    pub connects: u32,
    /// Connections that could not be made.
    pub refused: u32,
    /// Connections that the server closed.
    pub closed: u32,
    /// Writes that the server's backpressure held up.
    pub blocked: u32,
}

impl Tally {
    /// Whether the hostile peer was as strong as it should have been.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        f64::from(self.done) < 0.95 * self.wanted || f64::from(self.refused) > 0.01 * self.wanted
    }

    /// A connection of its own, without waiting in reads and writes.
    pub(crate) fn connect(&mut self, addr: SocketAddr) -> Option<TcpStream> {
        let connected = TcpStream::connect_timeout(&addr, CONNECT_TIMEOUT)
            .and_then(|tcp| tcp.set_nonblocking(true).map(|()| tcp));
        if connected.is_ok() {
            self.connects += 1;
        } else {
            self.refused += 1;
        }
        connected.ok()
    }
}

/// Lets an hostile peer act so many times a second, until `end`.
pub(crate) fn harass<E: Hostile>(mut attacker: E, per_second: usize, end: Instant) -> Tally {
    step_back();
    let start = Instant::now();
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let mut pace = Pace::new(start, per_second as f64);
    let mut tally = Tally { name: E::NAME, ..Tally::default() };
    while Instant::now() < end {
        // One that was kept waiting for a CPU catches up, but not by a flood that was never planned.
        for _act in 0..=CATCH_UP * per_second / 1_000 {
            if Instant::now() >= end || pace.next(Instant::now()).is_none() {
                break;
            }
            attacker.act(&mut tally);
        }
        thread::sleep(TICK);
    }
    Tally { wanted: pace.wanted(end - start), done: pace.done(), ..tally }
}

/// Lets the server and the well-behaved clients go first on a CPU: an hostile peer would sit on a machine of its
/// own, and what it does to this one's CPUs, beside its packets, is not the server's to answer for.
fn step_back() {
    let _where_allowed = setpriority_process(Some(gettid()), NICE);
}

/// Whether the server has closed a connection; what it said until then is thrown away.
pub(crate) fn is_closed(mut tcp: &TcpStream) -> bool {
    let mut bytes = [0; 4_096];
    loop {
        match tcp.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// Closes with a reset, so that nothing stays behind in TIME-WAIT.
pub(crate) fn reset(tcp: TcpStream) {
    let _best_effort = SockRef::from(&tcp).set_linger(Some(Duration::ZERO));
    drop(tcp);
}
