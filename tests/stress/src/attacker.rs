//! What all attackers share: a thread, a rate, and a tally.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use socket2::SockRef;

use crate::pace::Pace;

/// How often an attacker checks whether an action is due.
const TICK: Duration = Duration::from_millis(1);
/// How many times its planned rate an attacker may reach while it catches up.
const CATCH_UP: usize = 3;
/// The niceness of an attacker's thread.
const NICE: i32 = 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One kind of hostile peer, with all of its connections.
pub(crate) trait Attacker: Send {
    const NAME: &'static str;

    /// One action: a write, a connect, whatever this kind does.
    fn act(&mut self, tally: &mut Tally);
}

/// What an attacker did, and how the server reacted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The kind of attacker.
    pub name: &'static str,
    /// Actions planned for the time that it ran.
    pub planned: f64,
    /// Actions done.
    pub done: u32,
    /// Connections made.
    pub connects: u32,
    /// Connections that could not be made.
    pub refused: u32,
    /// Connections that the server closed.
    pub closed: u32,
    /// Writes that would have blocked: the server's backpressure.
    pub blocked: u32,
}

impl Tally {
    /// Whether it did less than 95 % of what was planned, or couldn't connect in over 1 %.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        f64::from(self.done) < 0.95 * self.planned || f64::from(self.refused) > 0.01 * self.planned
    }

    /// Opens a non-blocking connection.
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

/// Runs an attacker at `per_second` actions until `end`.
pub(crate) fn attack<A: Attacker>(mut attacker: A, per_second: usize, end: Instant) -> Tally {
    lower_priority();
    let start = Instant::now();
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let mut pace = Pace::new(start, per_second as f64);
    let mut tally = Tally { name: A::NAME, ..Tally::default() };
    while Instant::now() < end {
        // After a wait for a CPU it catches up, but not with a burst that was never planned.
        for _action in 0..=CATCH_UP * per_second / 1_000 {
            if Instant::now() >= end || pace.next(Instant::now()).is_none() {
                break;
            }
            attacker.act(&mut tally);
        }
        thread::sleep(TICK);
    }
    Tally { planned: pace.planned(end - start), done: pace.done(), ..tally }
}

/// Gives the server and the well-behaved clients priority. A real attacker has a machine of its
/// own: the CPU time that it takes here is not the server's fault.
fn lower_priority() {
    let _best_effort = setpriority_process(Some(gettid()), NICE);
}

/// Whether the server has closed a connection. Discards what it sent.
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

/// Closes with RST, so that no socket stays in TIME-WAIT.
pub(crate) fn reset(tcp: TcpStream) {
    let _best_effort = SockRef::from(&tcp).set_linger(Some(Duration::ZERO));
    drop(tcp);
}
