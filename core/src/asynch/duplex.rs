use core::pin::pin;

use embedded_io_async::{Error, Read, Write};

use super::connection::{Connection, begin_wait};
use super::future::{First, Side, beside, race};
use super::timer::{Timer, until};
use crate::front::{Buffers, Input, ServeError, Unsent, on_write};

/// A stream in both directions, whole or in halves.
pub(super) trait Duplex {
    type Error: Error;
    type Reader: Read<Error = Self::Error>;
    type Writer: Write<Error = Self::Error>;

    fn reader(&mut self) -> &mut Self::Reader;

    fn writer(&mut self) -> &mut Self::Writer;

    /// Sends what is written, then waits for bytes until the session's deadline.
    async fn exchange(
        &mut self,
        connection: &mut Connection<'_, '_>,
        timer: &impl Timer,
    ) -> Result<(), ServeError<Self::Error>>;
}

/// One stream: it can't read while it writes.
pub(super) struct Whole<'s, T>(pub(super) &'s mut T);

impl<T: Read + Write> Duplex for Whole<'_, T> {
    type Error = T::Error;
    type Reader = T;
    type Writer = T;

    fn reader(&mut self) -> &mut T {
        self.0
    }

    fn writer(&mut self) -> &mut T {
        self.0
    }

    async fn exchange(
        &mut self,
        connection: &mut Connection<'_, '_>,
        timer: &impl Timer,
    ) -> Result<(), ServeError<T::Error>> {
        let Connection { session, buffers: Buffers { input, output }, unflushed, is_link, .. } =
            connection;
        send(self.0, output.split().0, unflushed).await?;
        let due = begin_wait(session, *is_link, timer.now());
        match race(receive(self.0, input), until(timer, due)).await {
            First::A(received) => received,
            First::B(()) => Ok(()),
        }
    }
}

/// Two halves. The read begins before the write, and goes on until it ends or a deadline passes: a
/// reader that would lose bytes when dropped (a DMA) is not.
pub(super) struct Halves<'s, R, W>(pub(super) &'s mut R, pub(super) &'s mut W);

impl<R: Read, W: Write<Error = R::Error>> Duplex for Halves<'_, R, W> {
    type Error = R::Error;
    type Reader = R;
    type Writer = W;

    fn reader(&mut self) -> &mut R {
        self.0
    }

    fn writer(&mut self) -> &mut W {
        self.1
    }

    async fn exchange(
        &mut self,
        connection: &mut Connection<'_, '_>,
        timer: &impl Timer,
    ) -> Result<(), ServeError<R::Error>> {
        let Connection { session, buffers: Buffers { input, output }, unflushed, is_link, .. } =
            connection;
        let mut reading = pin!(receive(self.0, input));
        let (sent, side) =
            beside(send(self.1, output.split().0, unflushed), reading.as_mut()).await;
        sent?;
        if let Side::Done(received) = side {
            return received;
        }
        let due = begin_wait(session, *is_link, timer.now());
        match race(reading, until(timer, due)).await {
            First::A(received) => received,
            First::B(()) => Ok(()),
        }
    }
}

/// Sends bytes and flushes. Dropped, it can be begun anew with the rest of them.
pub(super) async fn send<W: Write>(
    writer: &mut W,
    mut unsent: Unsent<'_>,
    unflushed: &mut bool,
) -> Result<(), ServeError<W::Error>> {
    while !unsent.bytes.is_empty() {
        *unflushed = true;
        let written = writer.write(unsent.bytes).await;
        unsent.consume(on_write(written)?);
    }
    if *unflushed {
        writer.flush().await.map_err(ServeError::Io)?;
        *unflushed = false;
    }
    Ok(())
}

/// Reads once. What was read is in the input when this ends.
async fn receive<R: Read>(
    reader: &mut R,
    input: &mut Input<&mut [u8]>,
) -> Result<(), ServeError<R::Error>> {
    let read = reader.read(input.buf.free()).await;
    input.on_read(read)
}
