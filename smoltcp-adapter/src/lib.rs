//! **Linecard** on smoltcp: typed commands served and called over smoltcp's TCP sockets, on any
//! [`smoltcp::phy::Device`].
//!
//! What it never does:
//! - it uses neither std nor alloc, except with the feature `tap`;
//! - it reads no clock: every call that needs the time takes a [`smoltcp::time::Instant`];
//! - it stores no byte besides the sockets' own rings and one [`Scratch`] per server: requests are
//!   read where smoltcp received them, replies are encoded once and copied once;
//! - it waits for no peer without a limit: every state of a connection has a timeout
//!   ([`Timeouts`]).
//!
//! | item | what it is |
//! |---|---|
//! | [`Stack`] | interface, device and sockets, and the order in which they are polled |
//! | [`Server`] | `N` connections at once, and one more that is answered `busy` |
//! | [`Client`] | calls over a connection of our own, polled |
//! | `Stream` | a connection as a blocking stream, for core's fronts (feature `blocking`) |
//! | `tap` | Linux's TAP device (feature `tap`) |
//!
//! # A server
//!
//! ```no_run
//! use linecard_core::{Limits, Service};
//! use linecard_smoltcp::{Resources, Scratch, Server, Stack};
//! use smoltcp::iface::SocketHandle;
//! use smoltcp::phy::Device;
//! use smoltcp::time::{Duration, Instant};
//!
//! const LIMITS: Limits = Limits::DEVICE;
//!
//! fn serve<D: Device>(
//!     mut stack: Stack<'_, D>,
//!     slots: [SocketHandle; 4], // of sockets in the stack's set; the spare's is added last
//!     spare: SocketHandle,
//!     service: &mut dyn Service,
//!     now: fn() -> Instant,
//!     sleep: fn(Option<Duration>),
//! ) {
//!     let mut frame = [0; LIMITS.max_request_frame_len()];
//!     let mut reply = [0; LIMITS.max_reply_frame_len()];
//!     let scratch = Scratch { frame: &mut frame, reply: &mut reply };
//!     let resources = Resources::new(slots, spare, scratch, &LIMITS);
//!     let mut server =
//!         Server::new(&mut stack.sockets, resources).expect("rings and scratch are large enough");
//!     loop {
//!         let longest = server.poll(now(), &mut stack, service);
//!         sleep(longest); // or until a frame comes
//!     }
//! }
//! ```
#![no_std]
#![cfg_attr(not(feature = "tap"), forbid(unsafe_code))]

#[cfg(feature = "tap")]
extern crate std;

mod call_deadlines;
mod client;
mod client_event;
mod connection;
mod listen;
mod options;
#[cfg(feature = "blocking")]
mod platform;
mod receive;
mod server;
mod setup;
mod slot;
mod stack;
#[cfg(feature = "blocking")]
mod stream;
mod time;
mod write_timer;

#[cfg(all(feature = "tap", target_os = "linux"))]
pub mod tap;

pub use client::Client;
pub use client_event::{ClientEvent, CloseReason};
#[cfg(feature = "blocking")]
pub use platform::Platform;
pub use server::Server;
pub use setup::{Resources, Scratch, SetupError, Timeouts};
pub use stack::{PollPhase, Stack};
#[cfg(feature = "blocking")]
pub use stream::Stream;
