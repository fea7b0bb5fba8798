//! The one order in which device, interface and sessions are polled.

use smoltcp::iface::{Interface, PollIngressSingleResult, PollResult, SocketSet};
use smoltcp::phy::Device;
use smoltcp::time::{Duration, Instant};

/// The most frames that one poll takes in, so that a flood leaves the caller its turn.
const FRAMES_A_POLL: usize = 64;
/// The most rounds of one segment a socket that follow a frame: a window of 64 KiB in segments of an Ethernet frame is 45.
const ROUNDS_A_FRAME: usize = 64;

/// What smoltcp wants together at every poll. Everything in it is the caller's to use between polls.
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
pub enum Moment {
    /// One frame has come in, or none but time has passed: read, answer, give up what took too long.
    Received,
    /// What could be sent is sent, resets among it: open again what is closed.
    Sent,
}

impl<D: Device> Stack<'_, D> {
    /// Polls, in this order:
    ///
    /// ```text
    ///        ┌────────────────────────── for each frame, and once without one ─────────────────────────┐
    /// device ┴► interface (one frame in) ─► sessions (Received) ─► interface (all out) ─► sessions (Sent) ─► device
    /// ```
    ///
    /// smoltcp has no accept backlog: a connection that comes while no socket listens is refused. So the sockets' owners
    /// get their turn after each frame, and not once after all of them, and a closed socket listens before the next frame.
    ///
    /// Returns how long the caller may sleep before it polls again, if no frame comes first: none is for ever, as far as
    /// smoltcp knows (the owners of sockets have deadlines of their own: [`Server::poll`](crate::Server::poll) knows both).
    /// At most 64 frames are taken in; zero says that there may be more.
    ///
    /// This never blocks. It panics for no frame that we know of; smoltcp has assertions of its own.
    pub fn poll(
        &mut self,
        now: Instant,
        mut owners: impl FnMut(Moment, &mut SocketSet<'_>),
    ) -> Option<Duration> {
        self.iface.poll_maintenance(now);
        for _frame in 0..FRAMES_A_POLL {
            let taken = self.iface.poll_ingress_single(now, &mut self.device, &mut self.sockets);
            owners(Moment::Received, &mut self.sockets);
            self.send(now);
            owners(Moment::Sent, &mut self.sockets);
            if taken == PollIngressSingleResult::None {
                return self.iface.poll_delay(now, &self.sockets);
            }
        }
        Some(Duration::ZERO)
    }

    fn send(&mut self, now: Instant) {
        for _round in 0..ROUNDS_A_FRAME {
            let sent = self.iface.poll_egress(now, &mut self.device, &mut self.sockets);
            if sent == PollResult::None {
                return;
            }
        }
    }
}
