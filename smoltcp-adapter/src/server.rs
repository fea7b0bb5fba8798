//! `N` connections at once, and one more that is answered `busy`.

use core::fmt;
use core::time::Duration;

use linecard_core::{Instant, Limits, Service};
use smoltcp::iface::SocketSet;
use smoltcp::phy::Device;
use smoltcp::time;

use crate::connection::ServerContext;
use crate::listen::ListenState;
use crate::options::set_options;
use crate::setup::{Resources, Scratch, SetupError, Timeouts, check};
use crate::slot::{Endpoints, Slot};
use crate::stack::{PollPhase, Stack};
use crate::time::{remaining, to_core};

/// A server over `N` sockets and a spare.
///
/// The order of calls: [`new`](Self::new); then [`poll`](Self::poll) whenever a frame came or the
/// time it returned has passed; at the end [`stop`](Self::stop), and `poll` as before until
/// [`is_stopped`](Self::is_stopped).
///
/// All free slots listen. A client that connects when none is free gets `ERR busy` from the spare;
/// one that connects while the spare is in use too is refused by TCP. A connection that is closed
/// or reset frees its slot before the next frame is processed.
///
/// Handlers run inside `poll`, and nothing is received or sent meanwhile. The time that a handler
/// takes is not counted against the client that called it (docs/PROTOCOL.md §8.3). It must stay
/// well below [`Timeouts::write`] all the same: a peer that is not heard for so long is reset.
pub struct Server<'a, const N: usize> {
    slots: [Slot<'a>; N],
    spare: Slot<'a>,
    scratch: Scratch<'a>,
    limits: &'a Limits,
    timeouts: Timeouts,
    listen: ListenState,
}

impl<const N: usize> fmt::Debug for Server<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("port", &self.listen.port)
            .field("connections", &self.connections())
            .field("slots", &N)
            .finish_non_exhaustive()
    }
}

impl<'a, const N: usize> Server<'a, N> {
    /// Sets the sockets' options and lets them listen.
    ///
    /// # Errors
    /// [`SetupError`]; then no socket was changed.
    pub fn new(
        sockets: &mut SocketSet<'_>,
        resources: Resources<'a, N>,
    ) -> Result<Self, SetupError> {
        check(sockets, &resources)?;
        let Resources { slots, spare, scratch, limits, timeouts, port } = resources;
        let listen = ListenState { port, stop_by: None };
        for &handle in slots.iter().chain([&spare]) {
            let socket = sockets.get_mut(handle);
            set_options(socket, &timeouts);
            // Everything received is answered in the same poll, so the ACK leaves with the replies:
            // delaying it gains nothing. And where TIME-WAIT is cut short a delayed ACK is lost.
            socket.set_ack_delay(None);
            listen.reopen(socket);
        }
        Ok(Self {
            slots: slots.map(Slot::new),
            spare: Slot::new(spare),
            scratch,
            limits,
            timeouts,
            listen,
        })
    }

    /// Polls the stack and serves: everything that can be done now is done. Returns how long the
    /// caller may sleep before the next poll if no frame comes first (`None`: for ever). Never
    /// blocks.
    pub fn poll<D: Device>(
        &mut self,
        now: time::Instant,
        stack: &mut Stack<'_, D>,
        service: &mut dyn Service,
    ) -> Option<time::Duration> {
        let idle = stack.poll(now, |phase, sockets| self.poll_phase(now, phase, sockets, service));
        let due = self.deadline().map(|due| remaining(due, now));
        idle.into_iter().chain(due).min()
    }

    /// This server's part of a [`Stack::poll`] that several socket owners share; returns what that
    /// expects.
    pub fn poll_phase(
        &mut self,
        now: time::Instant,
        phase: PollPhase,
        sockets: &mut SocketSet<'_>,
        service: &mut dyn Service,
    ) -> bool {
        match phase {
            PollPhase::FrameReceived => {
                self.accept(to_core(now), sockets);
                return self.all().any(|slot| slot.is_over(sockets.get(slot.handle), self.listen));
            }
            PollPhase::Process => self.serve(to_core(now), sockets, service),
            PollPhase::Sent => self.reopen(sockets),
        }
        false
    }

    /// When to poll again because of a connection's deadline. (smoltcp has deadlines of its own.)
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let handshake = self.handshake_timeout();
        self.all().filter_map(|slot| slot.deadline(&self.timeouts, handshake)).min()
    }

    /// Slots that have a connection, including those that are being opened or closed.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.is_free()).count()
    }

    /// Takes no new connection from the next poll on. Each client gets the replies to what it has
    /// sent, may finish a frame it has begun until `by`, and then gets `ERR stopping`.
    pub fn stop(&mut self, by: time::Instant) {
        self.listen.stop_by = Some(to_core(by));
    }

    /// Whether [`stop`](Self::stop) was called and the last connection is closed.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.listen.is_stopping() && self.connections() == 0 && self.spare.is_free()
    }

    fn serve(&mut self, now: Instant, sockets: &mut SocketSet<'_>, service: &mut dyn Service) {
        let handshake_timeout = self.handshake_timeout();
        let mut cx = ServerContext {
            now,
            service,
            scratch: &mut self.scratch,
            timeouts: &self.timeouts,
            handshake_timeout,
        };
        for slot in &mut self.slots {
            let socket = sockets.get_mut(slot.handle);
            slot.serve(socket, Some(self.limits), self.listen, &mut cx);
        }
        let socket = sockets.get_mut(self.spare.handle);
        self.spare.serve(socket, None, self.listen, &mut cx);
    }

    fn reopen(&mut self, sockets: &mut SocketSet<'_>) {
        for slot in self.slots.iter_mut().chain([&mut self.spare]) {
            slot.reopen(sockets.get_mut(slot.handle), self.listen);
        }
    }

    /// Shorter while no slot is free: half-open connections then keep other clients out.
    fn handshake_timeout(&self) -> Duration {
        let timeout = self.timeouts.handshake;
        if self.slots.iter().all(|slot| !slot.is_free()) { timeout / 4 } else { timeout }
    }

    /// Takes note of new connections.
    ///
    /// A SYN that was sent twice, or a late one, can reach a listening socket although its
    /// connection has a slot: smoltcp gives it to the first socket that takes it. Two sockets with
    /// one connection would answer each other's segments with resets, so the later one listens
    /// again before it has answered.
    // Out of line, so that `poll` can be inlined: 140 bytes less of a device's stack.
    #[inline(never)]
    fn accept(&mut self, now: Instant, sockets: &mut SocketSet<'_>) {
        for at in 0..=N {
            let slot = self.slots.get(at).unwrap_or(&self.spare);
            let Some(connection) = slot.new_connection(sockets.get(slot.handle)) else { continue };
            let duplicate = self.has(connection, sockets);
            let slot = self.slots.get_mut(at).unwrap_or(&mut self.spare);
            if duplicate {
                self.listen.reopen(sockets.get_mut(slot.handle));
            } else {
                slot.begin(now);
            }
        }
    }

    fn has(&self, connection: Endpoints, sockets: &SocketSet<'_>) -> bool {
        self.all().any(|slot| slot.has(connection, sockets.get(slot.handle)))
    }

    fn all(&self) -> impl Iterator<Item = &Slot<'a>> {
        self.slots.iter().chain([&self.spare])
    }
}
