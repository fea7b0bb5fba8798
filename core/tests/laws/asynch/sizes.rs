//! What a task that serves costs: the size of its future, and that an executor of several threads
//! takes it.

use std::time::Duration;

use embedded_io::ErrorKind;
use embedded_io_async::{ErrorType, Read, Write};
use linecard_core::asynch::{AsyncHandler, Commands, Timer, serve};
use linecard_core::{Command, Failed, Handler, Instant, Limits, Postcard, Text};
use linecard_demo::{ComplexCommand, Levels};

struct SetPin;

impl Command for SetPin {
    const NAME: &'static str = "SET-PIN";
    type Request<'i> = Postcard<(u8, bool)>;
    type Reply<'i> = Postcard<Result<(), u8>>;
}

struct ReadTemp;

impl Command for ReadTemp {
    const NAME: &'static str = "READ-TEMP";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Postcard<Result<i16, u8>>;
}

struct Board;

impl Handler<SetPin> for Board {
    fn handle(
        &mut self,
        Postcard((pin, _)): Postcard<(u8, bool)>,
    ) -> Result<Postcard<Result<(), u8>>, Failed<'_>> {
        Ok(Postcard(if pin < 8 { Ok(()) } else { Err(pin) }))
    }
}

impl AsyncHandler<ReadTemp> for Board {
    async fn handle_async(&mut self, _: Text<'_>) -> Result<Postcard<Result<i16, u8>>, Failed<'_>> {
        Idle.until(Idle.now().saturating_add(Duration::from_millis(5))).await;
        Ok(Postcard(Ok(21)))
    }
}

impl Handler<ComplexCommand> for Board {
    fn handle<'a>(
        &'a mut self,
        levels: Postcard<Levels<'a>>,
    ) -> Result<Postcard<Levels<'a>>, Failed<'a>> {
        Ok(levels)
    }
}

/// A stream on which nothing happens, and a clock that stands still.
struct Idle;

impl ErrorType for Idle {
    type Error = ErrorKind;
}

impl Read for Idle {
    async fn read(&mut self, _: &mut [u8]) -> Result<usize, ErrorKind> {
        std::future::pending().await
    }
}

impl Write for Idle {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Timer for Idle {
    fn now(&self) -> Instant {
        Instant::from_millis(0)
    }

    fn until(&self, _: Instant) -> impl Future<Output = ()> {
        std::future::pending()
    }
}

const LIMITS: Limits = Limits::DEVICE;

/// The size of a future that can move to another thread.
fn size_of_task<F: Future + Send>(_task: &F) -> usize {
    size_of::<F>()
}

/// At most so many bytes where a pointer has four of them.
fn assert_at_most(limit: usize, size: usize) {
    let limit = limit * size_of::<usize>() / 4;
    assert!(size <= limit, "{size} bytes, more than {limit}");
}

#[test]
fn a_task_is_as_small_as_promised() {
    let (mut io, mut rx, mut tx) = (Idle, [0; 3_000], [0; 3_000]);
    let mut service = Commands::<(SetPin, ReadTemp), Board>::new(Board);
    let task = serve(&mut io, &LIMITS, &mut service, &mut rx, &mut tx, &Idle);
    assert_at_most(750, size_of_task(&task));
    drop(task);
    let mut service = Commands::<(SetPin, ReadTemp, ComplexCommand), Board>::new(Board);
    let task = serve(&mut io, &LIMITS, &mut service, &mut rx, &mut tx, &Idle);
    assert_at_most(3_400, size_of_task(&task));
}
