//! What a blocking stream runs on, on a desktop.

use std::io::ErrorKind as IoErrorKind;

use embedded_io::ErrorKind;
use smoltcp::time::{Duration, Instant};

use super::{Clock, Sleeper};
use crate::Platform;

/// A clock, and sleep on a TAP device's descriptor.
#[derive(Debug)]
pub struct Desk {
    /// The clock.
    pub clock: Clock,
    /// What sleeps.
    pub sleeper: Sleeper,
}

impl Platform for Desk {
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
