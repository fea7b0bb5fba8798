use core::borrow::BorrowMut;

use embedded_io_async::Write;

use super::answering::{Early, Late};
use super::{Connection, ServeError};
use crate::code::Code;
use crate::frame::Frame;
use crate::reply::{Answered, Reply};
use crate::service::Service;
use crate::session::Want;
use crate::table::Dispatcher;
use crate::time::Instant;

#[cfg(doc)]
use super::Commands;
#[cfg(doc)]
use crate::table::Table;

/// Answers requests, and may wait for something else meanwhile. Implemented by [`Commands`], by a
/// bound [`Table`], and by [`Immediate`] for any other [`Service`].
///
/// One connection's requests are answered one after another, in the order in which they came. To
/// serve several connections with one state, give each its own service: a handle to what they
/// share.
///
/// Replies that are ready are sent before a handler is waited for; see [`Batched`].
pub trait AsyncService: Sized {
    /// Answers one request. A name that it doesn't know is
    /// `reply.error(Code::UnknownCommand, request.name)`.
    ///
    /// Cancellation: when the front's future is dropped while this waits, so is this, and the
    /// request is answered `ERR failed`. It is not carried out again. Nothing is read from the peer
    /// meanwhile, so a peer that disconnects does not cancel it.
    async fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered;

    /// The session refused, by itself, a frame that no handler saw. For counting and logging.
    fn refused(&mut self, _code: Code) {}

    /// Carries out all requests that a connection has received. A method of this trait, so that a
    /// service which never waits brings no code for waiting with it.
    #[doc(hidden)]
    fn pump<W: Write>(
        &mut self,
        connection: &mut Connection<'_, '_>,
        writer: &mut W,
        now: Instant,
    ) -> impl Future<Output = Result<Want, ServeError<W::Error>>> {
        connection.pump(writer, self, now, Early)
    }
}

impl<T: AsyncService> AsyncService for &mut T {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> impl Future<Output = Answered> {
        (**self).call(request, reply)
    }

    fn refused(&mut self, code: Code) {
        (**self).refused(code);
    }

    fn pump<W: Write>(
        &mut self,
        connection: &mut Connection<'_, '_>,
        writer: &mut W,
        now: Instant,
    ) -> impl Future<Output = Result<Want, ServeError<W::Error>>> {
        (**self).pump(connection, writer, now)
    }
}

/// A service that answers at once, in the async front. A bound table needs no such wrapper.
///
/// All requests that have arrived are carried out before their replies are sent, as far as the
/// output has room for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Immediate<T>(pub T);

impl<T: Service> AsyncService for Immediate<T> {
    async fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        self.0.call(request, reply)
    }

    fn refused(&mut self, code: Code) {
        self.0.refused(code);
    }

    async fn pump<W: Write>(
        &mut self,
        connection: &mut Connection<'_, '_>,
        _writer: &mut W,
        now: Instant,
    ) -> Result<Want, ServeError<W::Error>> {
        Ok(connection.pump_now(&mut self.0, now))
    }
}

impl<S, B: BorrowMut<S>> AsyncService for Dispatcher<'_, S, B> {
    async fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        Service::call(self, request, reply)
    }

    async fn pump<W: Write>(
        &mut self,
        connection: &mut Connection<'_, '_>,
        _writer: &mut W,
        now: Instant,
    ) -> Result<Want, ServeError<W::Error>> {
        Ok(connection.pump_now(self, now))
    }
}

/// A service whose replies wait for a handler that waits: less code, for a device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Batched<T>(pub T);

impl<T: AsyncService> AsyncService for Batched<T> {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> impl Future<Output = Answered> {
        self.0.call(request, reply)
    }

    fn refused(&mut self, code: Code) {
        self.0.refused(code);
    }

    fn pump<W: Write>(
        &mut self,
        connection: &mut Connection<'_, '_>,
        writer: &mut W,
        now: Instant,
    ) -> impl Future<Output = Result<Want, ServeError<W::Error>>> {
        connection.pump(writer, &mut self.0, now, Late)
    }
}
