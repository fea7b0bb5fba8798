//! Time and rest, which only the caller can give.

use embedded_io::ErrorKind;
use smoltcp::time::{Duration, Instant};

/// What a blocking [`Stream`](crate::Stream) runs on: a clock, and a way to wait.
pub trait Platform {
    /// The time, which never goes backwards.
    fn now(&mut self) -> Instant;

    /// Returns when a frame may have come, or when `longest` has passed (none: for ever), or
    /// earlier. On a microcontroller this waits for an interrupt, of the timer at the latest; doing
    /// nothing at all is right too, and costs the energy.
    ///
    /// # Errors
    /// The device is gone.
    fn sleep(&mut self, longest: Option<Duration>) -> Result<(), ErrorKind>;
}

impl<T: Platform + ?Sized> Platform for &mut T {
    fn now(&mut self) -> Instant {
        (**self).now()
    }

    fn sleep(&mut self, longest: Option<Duration>) -> Result<(), ErrorKind> {
        (**self).sleep(longest)
    }
}
