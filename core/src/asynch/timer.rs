use crate::time::Instant;

/// The clock of an executor: all that the front asks of one.
///
/// With embassy-time:
///
/// ```text
/// struct Clock;
/// impl Timer for Clock {
///     fn now(&self) -> Instant { Instant::from_millis(embassy_time::Instant::now().as_millis()) }
///     async fn until(&self, at: Instant) {
///         embassy_time::Timer::at(embassy_time::Instant::from_millis(at.as_millis())).await;
///     }
/// }
/// ```
pub trait Timer {
    /// The time on a monotonic clock.
    fn now(&self) -> Instant;

    /// Ends when [`now`](Self::now) has reached `at`, or soon after; at once if it has already.
    /// Never asked to wait for [`Instant::MAX`].
    ///
    /// Most of these futures are dropped before they end, whenever bytes come first, and many are
    /// never polled: arm a timer when polled, and disarm it when dropped.
    async fn until(&self, at: Instant);
}

impl<T: Timer + ?Sized> Timer for &T {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn until(&self, at: Instant) -> impl Future<Output = ()> {
        (**self).until(at)
    }
}
