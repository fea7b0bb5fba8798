//! The Linux TAP device: an Ethernet link between smoltcp and this machine's kernel.
//!
//! [`Tap`] is a [`smoltcp::phy::Device`] that never panics and allocates only when it is opened. An
//! I/O error on it loses the frame, as a link may, and is kept: the next [`Sleeper::sleep`] returns
//! it. [`PcapSink`] lets smoltcp's `PcapWriter` write to a file in the same way.
//!
//! The order of calls: [`Tap::open`]; [`Tap::sleeper`], before the device is wrapped in
//! `PcapWriter` or `FaultInjector`; then [`serve`], or a loop of your own that polls the stack and
//! [sleeps](Sleeper::sleep) no longer than the poll allows.

mod clock;
mod device;
mod file;
mod open;
mod pcap_sink;
mod platform;
mod serve;
mod sleep;
mod static_neighbour;

pub use clock::Clock;
pub use device::{RxToken, Tap, TxToken};
pub use open::OpenError;
pub use pcap_sink::PcapSink;
pub use platform::TapPlatform;
pub use serve::serve;
pub use sleep::{Sleeper, Waker};
pub use static_neighbour::StaticNeighbour;
