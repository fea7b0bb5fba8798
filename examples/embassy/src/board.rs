use embassy_time::{Duration, Timer};
use linecard_core::serves;
use linecard_demo::{ComplexCommand, Levels, ReadTemp, StringCommand};

/// How long the sensor takes to measure.
const CONVERSION: Duration = Duration::from_millis(20);
/// What it measures, in hundredths of a degree Celsius.
const TEMPERATURE: i16 = 2_150;

/// The handlers' state. The demo commands need none.
#[derive(Debug)]
pub(crate) struct Board;

#[expect(clippy::unused_self, reason = "the demo commands need no state")]
impl Board {
    fn string(&mut self, _text: &str) -> &'static str {
        "Thank you."
    }

    fn complex<'a>(&mut self, levels: Levels<'a>) -> Levels<'a> {
        levels
    }

    /// Starts a measurement and waits for it, as for a sensor on a bus.
    async fn read_temp(&mut self, (): ()) -> i16 {
        Timer::after(CONVERSION).await;
        TEMPERATURE
    }
}

serves!(async Board, pub(crate) Service:
    StringCommand => string,
    ComplexCommand => complex,
    async ReadTemp => read_temp,
);
