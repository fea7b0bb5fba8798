use core::pin::pin;

use super::future::{Side, beside};

/// What is done while a handler waits.
pub(super) trait Answering {
    /// Waits until a request is answered, and perhaps sends what was written before. Whether the
    /// handler waited.
    async fn answer<E>(
        answered: impl Future,
        sent: impl Future<Output = Result<(), E>>,
    ) -> Result<bool, E>;
}

/// Replies that are ready are sent. A write that has begun is seen to its end.
pub(super) struct Early;

impl Answering for Early {
    async fn answer<E>(
        answered: impl Future,
        sent: impl Future<Output = Result<(), E>>,
    ) -> Result<bool, E> {
        let mut sent = pin!(sent);
        let (_answered, side) = beside(answered, sent.as_mut()).await;
        match side {
            Side::New => return Ok(false),
            Side::Pending => sent.await?,
            Side::Done(sent) => sent?,
        }
        Ok(true)
    }
}

/// Replies that are ready wait too.
pub(super) struct Late;

impl Answering for Late {
    async fn answer<E>(
        answered: impl Future,
        _sent: impl Future<Output = Result<(), E>>,
    ) -> Result<bool, E> {
        let _answered = answered.await;
        Ok(true)
    }
}
