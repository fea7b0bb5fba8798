//! A clock and a way to sleep, which only the caller has.

use embedded_io::ErrorKind;
use smoltcp::time::{Duration, Instant};

/// What a blocking [`Stream`](crate::Stream) runs on: a clock, and a way to wait.
pub trait Platform {
    /// The time. It never goes backwards.
    fn now(&mut self) -> Instant;

    /// Returns when a frame may have come, when `longest` has passed (`None`: for ever), or
    /// earlier. On a microcontroller this waits for an interrupt, at the latest the timer's.
    /// Returning at once is correct too, but wastes energy.
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
