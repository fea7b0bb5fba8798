//! An Ethernet hub in memory: seeded loss, duplication, delay and reordering, under the test's
//! clock.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::{Duration, Instant};

use super::rng::Rng;

/// What happens to frames on the link.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Percent of the frames that are lost.
    pub loss: u64,
    /// Percent of the frames that arrive twice.
    pub duplication: u64,
    /// Milliseconds from sending to arrival. With a range of them frames are reordered.
    pub delay: RangeInclusive<u64>,
}

impl Faults {
    pub const NONE: Self = Self { loss: 0, duplication: 0, delay: 0..=0 };
}

/// When a frame arrives, a number that keeps the order of those that arrive at once, the frame.
type InFlight = Reverse<(Instant, u64, Vec<u8>)>;

struct Hub {
    rng: Rng,
    faults: Faults,
    /// The frames on the way to each port.
    queues: Vec<BinaryHeap<InFlight>>,
    disconnected: Vec<bool>,
    frames: u64,
}

/// The hub, to which ports are added.
#[derive(Clone)]
pub struct Link(Rc<RefCell<Hub>>);

impl Link {
    pub fn new(seed: u64, faults: Faults) -> Self {
        let rng = Rng::new(seed);
        let hub = Hub { rng, faults, queues: vec![], disconnected: vec![], frames: 0 };
        Self(Rc::new(RefCell::new(hub)))
    }

    /// One more port.
    pub fn add_port(&self, mtu: usize) -> Port {
        let mut hub = self.0.borrow_mut();
        hub.queues.push(BinaryHeap::new());
        hub.disconnected.push(false);
        Port { link: self.clone(), index: hub.queues.len() - 1, mtu }
    }

    pub fn set_faults(&self, faults: Faults) {
        self.0.borrow_mut().faults = faults;
    }

    /// When the next frame arrives at one of the two stacks, which have the first two ports.
    pub fn next_arrival(&self) -> Option<Instant> {
        let hub = self.0.borrow();
        let next = |queue: &BinaryHeap<InFlight>| queue.peek().map(|Reverse((at, ..))| *at);
        hub.queues.iter().take(2).filter_map(next).min()
    }
}

/// A port of the hub, as a smoltcp device.
#[derive(Clone)]
pub struct Port {
    link: Link,
    index: usize,
    mtu: usize,
}

impl Port {
    /// From now on no frame passes, either way.
    pub fn disconnect(&self) {
        self.link.0.borrow_mut().disconnected[self.index] = true;
    }

    /// Sends a frame to all other ports.
    pub fn send(&self, now: Instant, frame: &[u8]) {
        let mut hub = self.link.0.borrow_mut();
        if hub.disconnected[self.index] {
            return;
        }
        for port in 0..hub.queues.len() {
            if port != self.index && !hub.disconnected[port] {
                hub.forward(port, now, frame);
            }
        }
    }

    /// The next frame that has arrived.
    pub fn take(&self, now: Instant) -> Option<Vec<u8>> {
        let queue = &mut self.link.0.borrow_mut().queues[self.index];
        queue.peek().filter(|Reverse((at, ..))| *at <= now)?;
        queue.pop().map(|Reverse((_, _, frame))| frame)
    }
}

impl Hub {
    fn forward(&mut self, port: usize, now: Instant, frame: &[u8]) {
        if self.rng.chance(self.faults.loss) {
            return;
        }
        let copies = if self.rng.chance(self.faults.duplication) { 2 } else { 1 };
        for _ in 0..copies {
            self.frames += 1;
            let delay = Duration::from_millis(self.rng.within(self.faults.delay.clone()));
            self.queues[port].push(Reverse((now + delay, self.frames, frame.to_vec())));
        }
    }
}

impl Device for Port {
    type RxToken<'a> = ReceivedFrame;
    type TxToken<'a> = Sender;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }

    fn receive(&mut self, now: Instant) -> Option<(ReceivedFrame, Sender)> {
        self.take(now).map(|frame| (ReceivedFrame(frame), Sender { port: self.clone(), now }))
    }

    fn transmit(&mut self, now: Instant) -> Option<Sender> {
        Some(Sender { port: self.clone(), now })
    }
}

pub struct ReceivedFrame(Vec<u8>);

impl RxToken for ReceivedFrame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub struct Sender {
    port: Port,
    now: Instant,
}

impl TxToken for Sender {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.port.send(self.now, &frame);
        result
    }
}
