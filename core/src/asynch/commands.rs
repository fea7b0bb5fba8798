use core::borrow::BorrowMut;
use core::fmt;
use core::future::{Future, ready};
use core::marker::PhantomData;

use super::AsyncService;
use crate::code::Code;
use crate::command::{Command, Failed, Handler};
use crate::declare::{is_command_name, is_unique};
use crate::frame::{Body, Frame};
use crate::payload::Payload;
use crate::reply::{Answered, Reply};

/// Carries a command out, and may wait meanwhile: for a sensor, a bus, another server. Implemented
/// by the application's state, once for each command. Every [`Handler`] is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handler for the command `{C}`",
    label = "no `Handler<{C}>` and no `AsyncHandler<{C}>` for `{Self}`"
)]
pub trait AsyncHandler<C: Command> {
    /// Called once for each request that decoded, in the order of their arrival. While it waits,
    /// nothing else of this connection is carried out; other connections are served by other tasks.
    ///
    /// Cancellation: it is dropped where the front's future is, and the request then answered
    /// `ERR failed`; what it did until then stays done. It is not called again for that request.
    ///
    /// # Errors
    /// [`Failed`], which the client gets as `ERR failed`.
    async fn handle_async<'a>(
        &'a mut self,
        request: C::Request<'a>,
    ) -> Result<C::Reply<'a>, Failed<'a>>;
}

impl<C: Command, S: Handler<C>> AsyncHandler<C> for S {
    /// Not an `async fn`, whose future would hold the request beside the reply.
    fn handle_async<'a>(
        &'a mut self,
        request: C::Request<'a>,
    ) -> impl Future<Output = Result<C::Reply<'a>, Failed<'a>>> {
        ready(self.handle(request))
    }
}

/// A list of commands that `S` has handlers for: a tuple of up to 16.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of 1 to 16 commands that `{S}` has handlers for"
)]
pub trait Dispatch<S> {
    /// The commands' names.
    const NAMES: &'static [&'static str];

    /// Has the command of the request's name carried out.
    async fn dispatch(state: &mut S, request: &Frame<'_>, reply: Reply<'_>) -> Answered;
}

/// A service of the commands `L`, a tuple, over a state with handlers of both kinds. No table, no
/// pointers to functions, no allocation: a name is looked for in the order of the tuple.
///
/// ```
/// # use linecard_core::{Command, Failed, Handler, Text};
/// use linecard_core::asynch::{AsyncHandler, Commands};
///
/// # struct Echo;
/// # impl Command for Echo {
/// #     const NAME: &'static str = "ECHO";
/// #     type Request<'i> = Text<'i>;
/// #     type Reply<'i> = Text<'i>;
/// # }
/// # struct ReadTemp;
/// # impl Command for ReadTemp {
/// #     const NAME: &'static str = "READ-TEMP";
/// #     type Request<'i> = Text<'i>;
/// #     type Reply<'i> = Text<'i>;
/// # }
/// struct Board;
/// impl Handler<Echo> for Board {
///     fn handle<'a>(&'a mut self, text: Text<'a>) -> Result<Text<'a>, Failed<'a>> { Ok(text) }
/// }
/// impl AsyncHandler<ReadTemp> for Board {
///     async fn handle_async<'a>(&'a mut self, _: Text<'a>) -> Result<Text<'a>, Failed<'a>> {
///         // sensor.read().await
///         Ok(Text("21.5"))
///     }
/// }
/// let service = Commands::<(Echo, ReadTemp), Board>::new(Board);
/// ```
pub struct Commands<L, S, B = S> {
    state: B,
    marker: PhantomData<fn(&mut S) -> L>,
}

impl<L, S, B> Commands<L, S, B> {
    /// Over a state, an `S` or a `&mut S`. A name that is not legal, or that two commands have,
    /// does not compile.
    #[must_use]
    pub const fn new(state: B) -> Self
    where
        L: Dispatch<S>,
        B: BorrowMut<S>,
    {
        const {
            let mut names = L::NAMES;
            while let [name, rest @ ..] = names {
                assert!(is_command_name(name), "a command's name is not legal, or reserved");
                assert!(is_unique(name, names), "two commands have the same name");
                names = rest;
            }
        }
        Self { state, marker: PhantomData }
    }

    /// The state.
    pub fn state(&mut self) -> &mut S
    where
        B: BorrowMut<S>,
    {
        self.state.borrow_mut()
    }
}

impl<L, S, B: fmt::Debug> fmt::Debug for Commands<L, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Commands").field(&self.state).finish()
    }
}

impl<L: Dispatch<S>, S, B: BorrowMut<S>> AsyncService for Commands<L, S, B> {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> impl Future<Output = Answered> {
        L::dispatch(self.state.borrow_mut(), request, reply)
    }
}

/// bytes → request → handler → reply → bytes
async fn run<C: Command, S: AsyncHandler<C>>(
    state: &mut S,
    body: &Body<'_>,
    reply: Reply<'_>,
) -> Answered {
    match C::Request::decode(*body) {
        Err(error) => reply.error(error.code(), ""),
        Ok(request) => match state.handle_async(request).await {
            Ok(value) => reply.send(&value),
            Err(Failed(words)) => reply.error(Code::Failed, words),
        },
    }
}

macro_rules! dispatch {
    ($($command:ident)+) => {
        impl<S, $($command: Command),+> Dispatch<S> for ($($command,)+)
        where
            $(S: AsyncHandler<$command>),+
        {
            const NAMES: &'static [&'static str] = &[$($command::NAME),+];

            async fn dispatch(state: &mut S, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
                $(
                    if request.name == $command::NAME {
                        return run::<$command, S>(state, &request.body, reply).await;
                    }
                )+
                reply.error(Code::UnknownCommand, request.name)
            }
        }
    };
}

dispatch!(A);
dispatch!(A B);
dispatch!(A B C);
dispatch!(A B C D);
dispatch!(A B C D E);
dispatch!(A B C D E F);
dispatch!(A B C D E F G);
dispatch!(A B C D E F G H);
dispatch!(A B C D E F G H I);
dispatch!(A B C D E F G H I J);
dispatch!(A B C D E F G H I J K);
dispatch!(A B C D E F G H I J K L);
dispatch!(A B C D E F G H I J K L M);
dispatch!(A B C D E F G H I J K L M N);
dispatch!(A B C D E F G H I J K L M N O);
dispatch!(A B C D E F G H I J K L M N O P);
