//! An Ethernet hub in memory: seeded loss, doubles, delay and reordering, under the test's clock.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::{Duration, Instant};

use super::seed::Seed;

/// What happens to frames on their way.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Of a hundred frames so many are lost.
    pub lost: u64,
    /// Of a hundred frames so many arrive twice.
    pub doubled: u64,
    /// Milliseconds on the way: with a range of them, frames overtake each other.
    pub delay: RangeInclusive<u64>,
}

impl Weather {
    pub const FAIR: Self = Self { lost: 0, doubled: 0, delay: 0..=0 };
}

/// A frame and when it arrives; the number keeps the order of those that arrive at once.
type Incoming = Reverse<(Instant, u64, Vec<u8>)>;

struct Hub {
    seed: Seed,
    weather: Weather,
    inboxes: Vec<BinaryHeap<Incoming>>,
    cut: Vec<bool>,
    frames: u64,
}

/// The hub, to plug stations into.
#[derive(Clone)]
pub struct Wire(Rc<RefCell<Hub>>);

impl Wire {
    pub fn new(seed: u64, weather: Weather) -> Self {
        let seed = Seed::new(seed);
        Self(Rc::new(RefCell::new(Hub { seed, weather, inboxes: vec![], cut: vec![], frames: 0 })))
    }

    /// One more station.
    pub fn plug(&self, mtu: usize) -> End {
        let mut hub = self.0.borrow_mut();
        hub.inboxes.push(BinaryHeap::new());
        hub.cut.push(false);
        End { wire: self.clone(), station: hub.inboxes.len() - 1, mtu }
    }

    pub fn set_weather(&self, weather: Weather) {
        self.0.borrow_mut().weather = weather;
    }

    /// When the next frame arrives at one of the two stacks, which were plugged in first.
    pub fn next_arrival(&self) -> Option<Instant> {
        let hub = self.0.borrow();
        hub.inboxes
            .iter()
            .take(2)
            .filter_map(|inbox| inbox.peek().map(|Reverse((at, ..))| *at))
            .min()
    }
}

/// A station's plug.
#[derive(Clone)]
pub struct End {
    wire: Wire,
    station: usize,
    mtu: usize,
}

impl End {
    /// From now on nothing passes, either way.
    pub fn cut(&self) {
        self.wire.0.borrow_mut().cut[self.station] = true;
    }

    /// Sends a frame to all other stations.
    pub fn send(&self, now: Instant, frame: &[u8]) {
        let mut hub = self.wire.0.borrow_mut();
        for station in 0..hub.inboxes.len() {
            if station != self.station && !hub.cut[self.station] && !hub.cut[station] {
                hub.carry(station, now, frame);
            }
        }
    }

    /// The next frame that has arrived.
    pub fn take(&self, now: Instant) -> Option<Vec<u8>> {
        let inbox = &mut self.wire.0.borrow_mut().inboxes[self.station];
        inbox.peek().filter(|Reverse((at, ..))| *at <= now)?;
        inbox.pop().map(|Reverse((_, _, frame))| frame)
    }
}

impl Hub {
    fn carry(&mut self, station: usize, now: Instant, frame: &[u8]) {
        if self.seed.percent(self.weather.lost) {
            return;
        }
        let copies = if self.seed.percent(self.weather.doubled) { 2 } else { 1 };
        for _ in 0..copies {
            self.frames += 1;
            let delay = Duration::from_millis(self.seed.within(self.weather.delay.clone()));
            self.inboxes[station].push(Reverse((now + delay, self.frames, frame.to_vec())));
        }
    }
}

impl Device for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sender;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }

    fn receive(&mut self, now: Instant) -> Option<(Received, Sender)> {
        self.take(now).map(|frame| (Received(frame), Sender { end: self.clone(), now }))
    }

    fn transmit(&mut self, now: Instant) -> Option<Sender> {
        Some(Sender { end: self.clone(), now })
    }
}

pub struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub struct Sender {
    end: End,
    now: Instant,
}

impl TxToken for Sender {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.end.send(self.now, &frame);
        result
    }
}
