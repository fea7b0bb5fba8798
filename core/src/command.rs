//! Declaring a command once, for both sides.

use crate::payload::Payload;

/// A command: its name, what it takes and what it gives back. Client and server share the
/// declaration.
///
/// An error that a program should tell apart belongs in the reply's type; `ERR failed` and its words
/// are for people.
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
    /// A legal name (docs/PROTOCOL.md §6) that the protocol doesn't keep for itself: not `OK`, `ERR`
    /// or `MORE`, nor anything that begins with `LC.`. An illegal one does not compile.
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

/// The handler's no: `ERR failed`, with words for a person (the first 96 bytes of them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed<'a>(pub &'a str);

/// Carries a command out. Implemented by the application's state, once for each command it serves.
pub trait Handler<C: Command> {
    /// Called once for each request that decoded, in the order of their arrival.
    ///
    /// # Errors
    /// [`Failed`], which the client gets as `ERR failed`.
    fn handle<'a>(&'a mut self, request: C::Request<'a>) -> Result<C::Reply<'a>, Failed<'a>>;
}
