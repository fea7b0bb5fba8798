//! What a blocking stream runs on, on the desktop.

use std::io::ErrorKind as IoErrorKind;

use embedded_io::ErrorKind;
use smoltcp::time::{Duration, Instant};

use super::clock::Clock;
use super::sleep::Sleeper;
use crate::platform::Platform;

/// The desktop's clock, and sleep on a TAP device.
#[derive(Debug)]
pub struct TapPlatform {
    /// Tells the time.
    pub clock: Clock,
    /// Sleeps until a frame comes.
    pub sleeper: Sleeper,
}

impl Platform for TapPlatform {
    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn sleep(&mut self, longest: Option<Duration>) -> Result<(), ErrorKind> {
        self.sleeper.sleep(longest.map(Into::into)).map_err(|error| match error.kind() {
            IoErrorKind::NotConnected => ErrorKind::NotConnected,
            _ => ErrorKind::Other,
        })
    }
}
