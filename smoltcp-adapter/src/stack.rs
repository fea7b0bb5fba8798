//! The one order in which device, interface and sessions are polled.

use smoltcp::iface::{Interface, PollIngressSingleResult, PollResult, SocketSet};
use smoltcp::phy::Device;
use smoltcp::time::{Duration, Instant};

/// The most frames that one poll takes in, so that a flood leaves the caller its turn.
const FRAMES_A_POLL: usize = 64;
/// The most rounds of one segment a socket: a window of 64 KiB is 45 of them.
const ROUNDS_A_POLL: usize = 64;

/// What smoltcp wants together at every poll. Everything in it is the caller's to use between
/// polls.
pub struct Stack<'a, D: Device> {
    /// The link.
    pub device: D,
    /// The interface over it.
    pub iface: Interface,
    /// All sockets, ours and others.
    pub sockets: SocketSet<'a>,
}

/// Where in the order of a poll the sockets' owners get their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollPhase {
    /// One frame has come in, and more may be waiting. Say whether a socket's connection ended with
    /// it.
    Frame,
    /// No more frames are waiting: read, answer, give up what took too long.
    Received,
    /// What could be sent is sent, last acknowledgements and resets among it: open again what is
    /// closed.
    Answered,
}

impl<D: Device> Stack<'_, D> {
    /// Polls, in this order:
    ///
    /// ```text
    ///        ┌─ while frames wait ─┐
    /// device ─► interface ─► Frame ┴─► Received ─► interface ─► device ─► Answered
    ///                          └─ where a connection ended ─────►┘  and back to the next frame
    /// ```
    ///
    /// `owners` are the owners of sockets: they are called at each [`PollPhase`], and answer `true` to
    /// [`PollPhase::Frame`] where a connection ended (to the others, what they answer means nothing).
    /// smoltcp has no accept backlog: a client that comes while no socket listens is refused. So a
    /// socket whose connection ended listens again before the next frame is looked at; while
    /// everything else is done once for all frames that wait, so that many requests cost few reads
    /// and writes.
    ///
    /// Returns how long the caller may sleep before it polls again, if no frame comes first: none
    /// is for ever, as far as smoltcp knows (the owners of sockets have deadlines of their own:
    /// [`Server::poll`](crate::Server::poll) knows both). At most 64 frames are taken in; zero says
    /// that there may be more.
    ///
    /// This never blocks. It panics for no frame that we know of; smoltcp has assertions of its
    /// own.
    pub fn poll(
        &mut self,
        now: Instant,
        mut owners: impl FnMut(PollPhase, &mut SocketSet<'_>) -> bool,
    ) -> Option<Duration> {
        self.iface.poll_maintenance(now);
        let drained = self.receive(now, &mut owners);
        owners(PollPhase::Received, &mut self.sockets);
        self.send(now, &mut owners);
        if drained { self.iface.poll_delay(now, &self.sockets) } else { Some(Duration::ZERO) }
    }

    /// Takes in the frames that wait; says whether those were all.
    fn receive(
        &mut self,
        now: Instant,
        owners: &mut impl FnMut(PollPhase, &mut SocketSet<'_>) -> bool,
    ) -> bool {
        for _frame in 0..FRAMES_A_POLL {
            let taken = self.iface.poll_ingress_single(now, &mut self.device, &mut self.sockets);
            if taken == PollIngressSingleResult::None {
                return true;
            }
            if owners(PollPhase::Frame, &mut self.sockets) {
                self.send(now, owners);
            }
        }
        false
    }

    fn send(
        &mut self,
        now: Instant,
        owners: &mut impl FnMut(PollPhase, &mut SocketSet<'_>) -> bool,
    ) {
        for _round in 0..ROUNDS_A_POLL {
            let sent = self.iface.poll_egress(now, &mut self.device, &mut self.sockets);
            if sent == PollResult::None {
                break;
            }
        }
        owners(PollPhase::Answered, &mut self.sockets);
    }
}
