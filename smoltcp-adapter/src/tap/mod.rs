//! The Linux TAP device: an Ethernet link between smoltcp and this machine's kernel.
//!
//! [`Tap`] is a [`smoltcp::phy::Device`] that never panics and allocates only when it is opened. An I/O error on it loses
//! the frame, as a link may, and is kept: the next [`Sleeper::sleep`] returns it. [`Capture`] lets smoltcp's `PcapWriter`
//! write to a file under the same promise.
//!
//! The order of things, for one who drives a stack by hand:
//!
//! 1. [`Tap::open`], then [`Tap::sleeper`] (before the device is wrapped in `PcapWriter` or `FaultInjector`);
//! 2. poll the stack;
//! 3. [`Sleeper::sleep`] for no longer than the poll allowed, and again from 2.

mod capture;
mod clock;
mod device;
mod open;
mod sleep;

pub use capture::Capture;
pub use clock::Clock;
pub use device::Tap;
pub use open::OpenError;
pub use sleep::{Sleeper, Waker};
