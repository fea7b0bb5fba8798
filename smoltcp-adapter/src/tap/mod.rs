//! The Linux TAP device: an Ethernet link between smoltcp and this machine's kernel.
//!
//! [`Tap`] is a [`smoltcp::phy::Device`] that never panics and allocates only when it is opened. An
//! I/O error on it loses the frame, as a link may, and is kept: the next [`Sleeper::sleep`] returns
//! it. [`Capture`] lets smoltcp's `PcapWriter` write to a file under the same promise.
//!
//! The order of things: [`Tap::open`]; [`Tap::sleeper`], before the device is wrapped in
//! `PcapWriter` or `FaultInjector`; then [`serve`], or a loop of one's own that polls the stack and
//! [sleeps](Sleeper::sleep) no longer than the poll allows.

mod capture;
mod clock;
mod desk;
mod device;
mod neighbour;
mod open;
mod serve;
mod sleep;

pub use capture::Capture;
pub use clock::Clock;
pub use desk::Desk;
pub use device::Tap;
pub use neighbour::Neighbour;
pub use open::OpenError;
pub use serve::serve;
pub use sleep::{Sleeper, Waker};
