use core::pin::{Pin, pin};

use embedded_io_async::Write;

use super::future::{Side, beside};
use super::sending::Sending;
use crate::front::SendError;

/// What is done while a handler waits.
pub(super) trait Answering {
    /// Waits until a request is answered, and perhaps sends what was written before.
    async fn answer<W: Write>(
        answered: Pin<&mut impl Future>,
        before: Before<'_, W>,
    ) -> Result<(), SendError<W::Error>>;
}

/// Replies to earlier requests, and how they are sent.
pub(super) struct Before<'s, W> {
    pub(super) written: &'s [u8],
    pub(super) sending: &'s mut Sending,
    pub(super) writer: &'s mut W,
}

/// Replies that are ready are sent. A write that has begun is seen to its end.
pub(super) struct Early;

impl Answering for Early {
    async fn answer<W: Write>(
        answered: Pin<&mut impl Future>,
        Before { written, sending, writer }: Before<'_, W>,
    ) -> Result<(), SendError<W::Error>> {
        let mut sent = pin!(sending.send(writer, written));
        match beside(answered, sent.as_mut()).await.1 {
            Side::New => Ok(()),
            Side::Pending => sent.await,
            Side::Done(sent) => sent,
        }
    }
}

/// Replies that are ready wait too.
pub(super) struct Late;

impl Answering for Late {
    async fn answer<W: Write>(
        answered: Pin<&mut impl Future>,
        _before: Before<'_, W>,
    ) -> Result<(), SendError<W::Error>> {
        let _answered = answered.await;
        Ok(())
    }
}
