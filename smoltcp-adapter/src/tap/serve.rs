//! The poll loop of a desktop: poll, sleep on the descriptor, poll.

use std::io;

use linecard_core::Service;
use smoltcp::phy::Device;
use smoltcp::time::Duration;

use super::{Clock, Sleeper};
use crate::{Server, Stack};

/// Serves until `stop` says how long the connections may still have, and the last of them is
/// closed. `stop` is asked after each sleep; a [`Waker`](super::Waker) ends one.
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
