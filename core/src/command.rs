//! Declaring a command once, for both sides.

use core::fmt;

use crate::payload::Payload;

/// A command: its name, its request and its reply. Client and server share the declaration.
///
/// Errors that a program handles belong in the reply's type, as a `Result`. `ERR failed` and its
/// message are for people.
///
/// ```
/// use linecard_core::{Command, Failed, Handler, Postcard};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// enum Refused { NoSuchPin, InUse }
///
/// struct SetPin;
/// impl Command for SetPin {
///     const NAME: &'static str = "SET-PIN";
///     type Request<'i> = Postcard<(u8, bool)>;
///     type Reply<'i> = Postcard<Result<(), Refused>>;
/// }
///
/// struct Board { pins: [bool; 8] }
/// impl Handler<SetPin> for Board {
///     fn handle<'a>(
///         &'a mut self,
///         Postcard((pin, level)): Postcard<(u8, bool)>,
///     ) -> Result<Postcard<Result<(), Refused>>, Failed<'a>> {
///         let pin = self.pins.get_mut(usize::from(pin));
///         Ok(Postcard(pin.map(|pin| *pin = level).ok_or(Refused::NoSuchPin)))
///     }
/// }
/// ```
pub trait Command {
    /// A legal name (docs/PROTOCOL.md §6) that the protocol does not reserve: not `OK`, `ERR` or
    /// `MORE`, nor anything that begins with `LC.`. An illegal one does not compile.
    ///
    /// ```compile_fail
    /// # use linecard_core::{Command, Failed, Handler, Table, Text};
    /// struct Hello;
    /// impl Command for Hello {
    ///     const NAME: &'static str = "LC.hello";
    ///     type Request<'i> = Text<'i>;
    ///     type Reply<'i> = Text<'i>;
    /// }
    /// # impl Handler<Hello> for () {
    /// #     fn handle<'a>(&'a mut self, text: Text<'a>) -> Result<Text<'a>, Failed<'a>> { Ok(text) }
    /// # }
    /// Table::<(), 1>::new().insert_command::<Hello>();
    /// ```
    const NAME: &'static str;

    /// What a request carries. It may borrow from the received bytes.
    type Request<'i>: Payload<'i>;

    /// What an `OK` reply carries. It may borrow from the request, and from the handler's state.
    type Reply<'i>: Payload<'i>;
}

/// A handler's failure, sent as `ERR failed` with a message for a person, cut after 96 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed<'a>(pub &'a str);

impl fmt::Display for Failed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Failed<'_> {}

/// Handles a command. [`serves!`](crate::serves) writes the implementations for handlers that are
/// methods; a handler that is generic, or takes part of a payload apart itself, is written by hand.
///
/// The application's state implements it once for each command it serves.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handler for the command `{C}`",
    label = "no `Handler<{C}>` for `{Self}`"
)]
pub trait Handler<C: Command> {
    /// Called once for each request whose body decoded, in the order of arrival.
    ///
    /// # Errors
    /// [`Failed`], which the client receives as `ERR failed`.
    fn handle<'a>(&'a mut self, request: C::Request<'a>) -> Result<C::Reply<'a>, Failed<'a>>;
}
