use core::pin::pin;

use embedded_io_async::{Error, Read, Write};

use super::Connection;
use super::Timer;
use super::future::{Side, before, beside};
use crate::front::{Buffers, Discard, Input, ServeError};
use crate::session::{Session, Want};
use crate::time::Instant;

/// A stream in both directions, whole or in halves.
pub(super) trait Duplex {
    type Error: Error;
    type Writer: Write<Error = Self::Error>;

    fn writer(&mut self) -> &mut Self::Writer;

    /// Sends what is written; then, where bytes are wanted, waits for them until the deadline.
    async fn exchange(
        &mut self,
        connection: &mut Connection<'_, '_>,
        want: Want,
        timer: &impl Timer,
    ) -> Result<(), ServeError<Self::Error>>;
}

/// One stream: it can't read while it writes.
pub(super) struct Whole<'s, T>(pub(super) &'s mut T);

impl<T: Read + Write> Duplex for Whole<'_, T> {
    type Error = T::Error;
    type Writer = T;

    fn writer(&mut self) -> &mut T {
        self.0
    }

    async fn exchange(
        &mut self,
        Connection {
            session, buffers: Buffers { input, output }, sending, is_link, discard, ..
        }: &mut Connection<'_, '_>,
        want: Want,
        timer: &impl Timer,
    ) -> Result<(), ServeError<T::Error>> {
        sending.send(self.0, output.written()).await?;
        if !matches!(want, Want::Input { .. }) {
            return Ok(());
        }
        let due = due(session, *is_link, discard.as_ref().map(Discard::due), timer.now());
        let reading = pin!(receive(self.0, input, discard, timer));
        let timeout = pin!(due.map(|at| timer.until(at)));
        before(reading, timeout).await.unwrap_or(Ok(()))
    }
}

/// Two halves. The read begins before the write, and goes on until it ends or a deadline passes: a
/// reader that would lose bytes when dropped (a DMA) is not.
pub(super) struct Halves<'s, R, W>(pub(super) &'s mut R, pub(super) &'s mut W);

impl<R: Read, W: Write<Error = R::Error>> Duplex for Halves<'_, R, W> {
    type Error = R::Error;
    type Writer = W;

    fn writer(&mut self) -> &mut W {
        self.1
    }

    async fn exchange(
        &mut self,
        Connection {
            session, buffers: Buffers { input, output }, sending, is_link, discard, ..
        }: &mut Connection<'_, '_>,
        want: Want,
        timer: &impl Timer,
    ) -> Result<(), ServeError<R::Error>> {
        let sent = pin!(sending.send(self.1, output.written()));
        if !matches!(want, Want::Input { .. }) {
            return Ok(sent.await?);
        }
        let discarded = discard.as_ref().map(Discard::due);
        let mut reading = pin!(receive(self.0, input, discard, timer));
        let (outcome, side) = beside(sent, reading.as_mut()).await;
        outcome?;
        if let Side::Done(received) = side {
            return received;
        }
        let timeout =
            pin!(due(session, *is_link, discarded, timer.now()).map(|at| timer.until(at)));
        before(reading, timeout).await.unwrap_or(Ok(()))
    }
}

/// What is to be sent is sent: the session's clock goes on. Until when to wait for bytes.
fn due(
    session: &mut Session<'_>,
    is_link: bool,
    discard: Option<Instant>,
    now: Instant,
) -> Option<Instant> {
    if discard.is_some() {
        return discard;
    }
    session.unblock(now);
    let due = session.deadline().filter(|&at| at < Instant::MAX);
    if is_link && session.is_between_frames() { None } else { due }
}

/// Reads once. When this ends, what was read is in the input, or discarded.
async fn receive<R: Read>(
    reader: &mut R,
    input: &mut Input<&mut [u8]>,
    discard: &mut Option<Discard>,
    timer: &impl Timer,
) -> Result<(), ServeError<R::Error>> {
    let read = reader.read(input.buf.free()).await;
    match discard {
        None => input.on_read(read),
        Some(discard) => {
            let _silent: bool = discard.on_read(read, timer.now())?;
            Ok(())
        }
    }
}
