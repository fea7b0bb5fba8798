use linecard_core::Instant;
use linecard_core::asynch::Timer;

/// embassy-time, as Linecard asks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock;

impl Timer for Clock {
    fn now(&self) -> Instant {
        Instant::from_millis(embassy_time::Instant::now().as_millis())
    }

    async fn until(&self, at: Instant) {
        embassy_time::Timer::at(embassy_time::Instant::from_millis(at.as_millis())).await;
    }
}
