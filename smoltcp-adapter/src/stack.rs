//! The order in which device, interface and socket owners are polled.

use smoltcp::iface::{Interface, PollIngressSingleResult, PollResult, SocketSet};
use smoltcp::phy::Device;
use smoltcp::time::{Duration, Instant};

/// The most frames received in one poll, so that a flood can't keep the caller from its other work.
const MAX_FRAMES_PER_POLL: usize = 64;
/// The most rounds of one segment per socket: a window of 64 KiB takes 45.
const MAX_ROUNDS_PER_POLL: usize = 64;

/// What smoltcp needs together at every poll. The caller may use everything in it between polls.
pub struct Stack<'a, D: Device> {
    /// The link.
    pub device: D,
    /// The interface over it.
    pub iface: Interface,
    /// All sockets, including those of other owners.
    pub sockets: SocketSet<'a>,
}

/// When, within a poll, the owners of sockets are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollPhase {
    /// One frame was received, and more may be waiting. Return whether a socket's connection ended.
    FrameReceived,
    /// All waiting frames were received: read, write, check deadlines.
    Process,
    /// Everything that can be sent was sent, including last acknowledgements and resets: sockets
    /// that are closed may be opened again.
    Sent,
}

impl<D: Device> Stack<'_, D> {
    /// Polls, in this order:
    ///
    /// ```text
    ///        ┌── while frames wait ──┐
    /// device ─► interface ─► FrameReceived ─► Process ─► interface ─► device ─► Sent
    ///                              └─ if a connection ended ─►┘  and back to the next frame
    /// ```
    ///
    /// `on_phase` is called at each [`PollPhase`]. What it returns counts only at
    /// [`PollPhase::FrameReceived`]: `true` where a connection ended.
    ///
    /// smoltcp has no accept backlog: a client that connects while no socket listens is refused. So
    /// a socket whose connection ended listens again before the next frame is processed. Everything
    /// else is done once for all waiting frames, so that many requests cost few reads and writes.
    ///
    /// Returns how long the caller may sleep before the next poll if no frame comes first; `None`
    /// is for ever. That is what smoltcp knows: socket owners have deadlines of their own, and
    /// [`Server::poll`](crate::Server::poll) considers both. At most 64 frames are received; zero
    /// says that more may be waiting.
    ///
    /// This never blocks. No frame that we know of makes it panic; smoltcp has assertions of its
    /// own.
    pub fn poll(
        &mut self,
        now: Instant,
        mut on_phase: impl FnMut(PollPhase, &mut SocketSet<'_>) -> bool,
    ) -> Option<Duration> {
        self.iface.poll_maintenance(now);
        let drained = self.receive(now, &mut on_phase);
        on_phase(PollPhase::Process, &mut self.sockets);
        self.send(now, &mut on_phase);
        if drained { self.iface.poll_delay(now, &self.sockets) } else { Some(Duration::ZERO) }
    }

    /// Receives the waiting frames. Returns whether those were all.
    fn receive(
        &mut self,
        now: Instant,
        on_phase: &mut impl FnMut(PollPhase, &mut SocketSet<'_>) -> bool,
    ) -> bool {
        for _frame in 0..MAX_FRAMES_PER_POLL {
            let received = self.iface.poll_ingress_single(now, &mut self.device, &mut self.sockets);
            if received == PollIngressSingleResult::None {
                return true;
            }
            if on_phase(PollPhase::FrameReceived, &mut self.sockets) {
                self.send(now, on_phase);
            }
        }
        false
    }

    fn send(
        &mut self,
        now: Instant,
        on_phase: &mut impl FnMut(PollPhase, &mut SocketSet<'_>) -> bool,
    ) {
        for _round in 0..MAX_ROUNDS_PER_POLL {
            let sent = self.iface.poll_egress(now, &mut self.device, &mut self.sockets);
            if sent == PollResult::None {
                break;
            }
        }
        on_phase(PollPhase::Sent, &mut self.sockets);
    }
}
