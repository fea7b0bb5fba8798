//! **Linecard** on smoltcp: typed commands served and called over
//! smoltcp's TCP sockets, on any [`smoltcp::phy::Device`].
//!
//! Its laws:
//! - no std and no alloc, but for the feature `tap`;
//! - time is the caller's: every call that needs it takes a [`smoltcp::time::Instant`];
//! - no byte is stored beside the sockets' own rings and one [`Scratch`] a server: requests are
//!   read where smoltcp received them, replies are written once and copied once;
//! - no sequence of segments parks a socket for ever: every state of a connection has a time limit
//!   ([`Timeouts`]).
//!
//! | room | holds |
//! |---|---|
//! | [`Stack`] | interface, device and sockets, and the one order in which they are polled |
//! | [`Server`] | `N` connections at once, and one more that answers `busy` |
//! | [`Client`] | calls over a connection of ours, polled |
//! | [`Stream`] | a connection as a blocking stream, for core's [blocking fronts](linecard_core::blocking) |
//! | [`tap`] | Linux's TAP device (feature `tap`) |
//!
//! # A server
//!
//! ```no_run
//! use linecard_core::{Limits, Service};
//! use linecard_smoltcp::{Resources, Scratch, Server, Stack};
//! use smoltcp::iface::{SocketHandle, SocketSet};
//! use smoltcp::phy::Device;
//! use smoltcp::socket::tcp;
//! use smoltcp::time::{Duration, Instant};
//!
//! const LIMITS: Limits = Limits::DEVICE;
//!
//! fn serve<D: Device>(
//!     mut stack: Stack<'_, D>,
//!     slots: [SocketHandle; 4], // of sockets in the stack's set, the spare's added last
//!     spare: SocketHandle,
//!     service: &mut dyn Service,
//!     now: fn() -> Instant,
//!     sleep: fn(Option<Duration>),
//! ) {
//!     let mut frame = [0; LIMITS.max_request_frame_len()];
//!     let mut reply = [0; LIMITS.max_reply_frame_len()];
//!     let scratch = Scratch { frame: &mut frame, reply: &mut reply };
//!     let resources = Resources::new(slots, spare, scratch, &LIMITS);
//!     let mut server = Server::new(&mut stack.sockets, resources).expect("rings and scratch are large enough");
//!     loop {
//!         let longest = server.poll(now(), &mut stack, service);
//!         sleep(longest); // or until a frame comes
//!     }
//! }
//! ```
#![cfg_attr(not(any(test, feature = "tap")), no_std)]
#![cfg_attr(not(feature = "tap"), forbid(unsafe_code))]

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
