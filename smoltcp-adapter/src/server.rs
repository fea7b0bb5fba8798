//! `N` connections at once, and one more that is told `busy`.

use core::fmt;

use linecard_core::{Instant, Limits, Service};
use smoltcp::iface::SocketSet;
use smoltcp::phy::Device;
use smoltcp::time;

use crate::options::prepare;
use crate::setup::{Resources, Scratch, SetupError, Timeouts, check};
use crate::slot::{ListenState, Pair, Slot, SlotContext};
use crate::stack::{PollPhase, Stack};
use crate::time::{remaining, to_core};

/// A server over `N` sockets and a spare.
///
/// The order of calls: [`new`](Self::new), then [`poll`](Self::poll) whenever a frame came or the
/// time it returned has passed; at the end [`stop`](Self::stop), and on with `poll` until
/// [`is_stopped`](Self::is_stopped).
///
/// All slots listen while they are free. A client that comes when none is gets `ERR busy` from the
/// spare; one that comes while the spare is taken too is refused by TCP. A connection that is
/// closed or reset makes room before the next frame is looked at.
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
    /// Takes the sockets into service: sets their options, and lets them listen.
    ///
    /// # Errors
    /// [`SetupError`]; then no socket was changed.
    pub fn new(
        sockets: &mut SocketSet<'_>,
        resources: Resources<'a, N>,
    ) -> Result<Self, SetupError> {
        check(sockets, &resources)?;
        let Resources { slots, spare, scratch, limits, timeouts, port } = resources;
        let listen = ListenState { port, stopping: None };
        for &handle in slots.iter().chain([&spare]) {
            let socket = sockets.get_mut(handle);
            prepare(socket, &timeouts);
            // An ACK leaves when all that came was answered, and so with the replies: it has
            // nothing to wait for. And a delayed one would be lost where TIME-WAIT is cut short.
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
    /// caller may sleep before the next poll, unless a frame comes first (none: for ever). Never
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

    /// This server's part in a [`Stack::poll`] that it shares with others; answers as that wants it.
    pub fn poll_phase(
        &mut self,
        now: time::Instant,
        phase: PollPhase,
        sockets: &mut SocketSet<'_>,
        service: &mut dyn Service,
    ) -> bool {
        match phase {
            PollPhase::Frame => {
                self.accept_new(to_core(now), sockets);
                return self.all().any(|slot| slot.is_over(sockets.get(slot.handle), self.listen));
            }
            PollPhase::Received => self.serve(to_core(now), sockets, service),
            PollPhase::Answered => self.reopen(sockets),
        }
        false
    }

    /// When to poll again, as far as the connections are concerned; smoltcp has deadlines of its
    /// own.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let crowded = self.is_crowded();
        self.all().filter_map(|slot| slot.deadline(&self.timeouts, crowded)).min()
    }

    /// Slots that have a connection, those among them that are being made or closed.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.is_free()).count()
    }

    /// No new connection is taken from the next poll on. Each client gets the replies to what it
    /// sent so far, may finish a frame it has begun until `by`, and is told `stopping`.
    pub fn stop(&mut self, by: time::Instant) {
        self.listen.stopping = Some(to_core(by));
    }

    /// Whether [`stop`](Self::stop) was called, and the last connection is closed.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.listen.stopping.is_some() && self.connections() == 0 && self.spare.is_free()
    }

    fn serve(&mut self, now: Instant, sockets: &mut SocketSet<'_>, service: &mut dyn Service) {
        let crowded = self.is_crowded();
        let mut cx = SlotContext {
            now,
            service,
            scratch: &mut self.scratch,
            timeouts: &self.timeouts,
            crowded,
            listen: self.listen,
        };
        for slot in &mut self.slots {
            let socket = sockets.get_mut(slot.handle);
            slot.serve(socket, Some(self.limits), &mut cx);
        }
        let socket = sockets.get_mut(self.spare.handle);
        self.spare.serve(socket, None, &mut cx);
    }

    fn reopen(&mut self, sockets: &mut SocketSet<'_>) {
        for slot in self.slots.iter_mut().chain([&mut self.spare]) {
            slot.reopen(sockets.get_mut(slot.handle), self.listen);
        }
    }

    fn is_crowded(&self) -> bool {
        self.slots.iter().all(|slot| !slot.is_free())
    }

    /// A SYN that was sent twice, or a late one, can reach a listening socket although its
    /// connection has a slot: smoltcp gives it to the first socket that takes it. Two sockets of
    /// one connection would answer each other's segments with resets, so the later one is forgotten
    /// before it answers.
    fn accept_new(&mut self, now: Instant, sockets: &mut SocketSet<'_>) {
        for at in 0..=N {
            let slot = self.slots.get(at).unwrap_or(&self.spare);
            let Some(connection) = slot.new_connection(sockets.get(slot.handle)) else { continue };
            let twin = self.has(connection, sockets);
            let slot = self.slots.get_mut(at).unwrap_or(&mut self.spare);
            if twin {
                self.listen.reopen(sockets.get_mut(slot.handle));
            } else {
                slot.begin(now);
            }
        }
    }

    fn has(&self, connection: Pair, sockets: &SocketSet<'_>) -> bool {
        self.all().any(|slot| slot.has(connection, sockets.get(slot.handle)))
    }

    fn all(&self) -> impl Iterator<Item = &Slot<'a>> {
        self.slots.iter().chain([&self.spare])
    }
}
