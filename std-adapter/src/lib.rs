//! Linecard on `std::net`: a [`Client`] and, with the feature `server` (on by default), a server
//! for many connections.
//!
//! Both only carry bytes and keep time. The protocol is that of `linecard-core`, which is
//! re-exported as [`protocol`]. Nothing is encrypted, and nobody is authenticated.
//!
//! ```
//! use linecard_std::protocol::{Command, Failed, Handler, Table, Text};
//! use linecard_std::{Client, Config, Server};
//!
//! struct Shout;
//! impl Command for Shout {
//!     const NAME: &'static str = "SHOUT";
//!     type Request<'i> = Text<'i>;
//!     type Reply<'i> = Text<'i>;
//! }
//!
//! /// Each worker has a clone. What they share goes behind an `Arc`.
//! #[derive(Clone, Default)]
//! struct App { reply: String }
//! impl Handler<Shout> for App {
//!     fn handle<'a>(&'a mut self, text: Text<'a>) -> Result<Text<'a>, Failed<'a>> {
//!         self.reply = text.0.to_uppercase();
//!         Ok(Text(&self.reply))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut table = Table::<App, 1>::new();
//! table.insert_command::<Shout>()?;
//!
//! let server = Server::bind("127.0.0.1:0", Config::default())?;
//! let (address, handle) = (server.local_addr(), server.handle());
//! std::thread::scope(|scope| {
//!     scope.spawn(|| server.run(table.bind(App::default())));
//!     let reply = Client::connect(&address.to_string())
//!         .and_then(|mut client| Ok(client.call::<Shout>(&Text("hi"))?.0.to_owned()));
//!     handle.stop();
//!     assert_eq!(reply?, "HI");
//!     Ok(())
//! })
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod address;
mod client;
mod error;
mod reconnect;
#[cfg(feature = "server")]
pub mod server;
mod stream;

pub use address::{Address, AddressError, DEFAULT_PORT};
pub use client::{Client, ClientConfig};
pub use error::Error;
// Links lead to its own pages: in pages inlined here, some of its links would stay unresolved.
#[doc(no_inline)]
pub use linecard_core as protocol;
pub use reconnect::{ConnectionState, ReconnectConfig, ReconnectingClient};
#[cfg(feature = "server")]
pub use server::{Config, Counters, Server, ServerHandle};
pub use stream::Stream;
