//! The poll loop on a desktop: poll, sleep until a frame comes, poll.

use std::io;

use linecard_core::Service;
use smoltcp::phy::Device;
use smoltcp::time::Duration;

use super::clock::Clock;
use super::sleep::Sleeper;
use crate::server::Server;
use crate::stack::Stack;

/// Serves until `stop` returns how long the open connections may still take, and then until the
/// last of them is closed. `stop` is called after each sleep; a [`Waker`](super::Waker) ends one.
///
/// # Errors
/// The device is gone.
pub fn serve<D: Device, const N: usize>(
    server: &mut Server<'_, N>,
    stack: &mut Stack<'_, D>,
    service: &mut dyn Service,
    clock: Clock,
    sleeper: &Sleeper,
    stop: impl Fn() -> Option<Duration>,
) -> io::Result<()> {
    let mut stopping = false;
    loop {
        let longest = server.poll(clock.now(), stack, service);
        if server.is_stopped() {
            return Ok(());
        }
        sleeper.sleep(longest.map(Into::into))?;
        if let (false, Some(grace)) = (stopping, stop()) {
            server.stop(clock.now() + grace);
            stopping = true;
        }
    }
}
