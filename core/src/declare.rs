//! Commands and handlers in a line each: [`commands!`](crate::commands),
//! [`serves!`](crate::serves).
//!
//! ```
//! use linecard_core::{commands, serves};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! pub enum PinError { NoSuchPin }
//!
//! commands! {
//!     /// Sets a pin to a level.
//!     pub SetPin = "SET-PIN": (u8, bool) => Result<(), PinError>;
//!     /// All pins low.
//!     pub Reset = "RESET": empty => empty;
//! }
//!
//! struct Board { pins: [bool; 8] }
//!
//! impl Board {
//!     fn set_pin(&mut self, (pin, level): (u8, bool)) -> Result<(), PinError> {
//!         *self.pins.get_mut(usize::from(pin)).ok_or(PinError::NoSuchPin)? = level;
//!         Ok(())
//!     }
//!
//!     fn reset(&mut self, (): ()) {
//!         self.pins.fill(false);
//!     }
//! }
//!
//! serves!(Board, TABLE: SetPin => set_pin, Reset => reset);
//!
//! let service = TABLE.bind(Board { pins: [false; 8] });
//! ```
//!
//! The macros write implementations of [`Command`](crate::Command), [`Handler`](crate::Handler) and
//! `AsyncHandler`, nothing else: what is declared by hand stands beside what they declare.
//!
//! | payload in `commands!` | type | the handler's value |
//! |---|---|---|
//! | `text` | [`Text`] | `&str` |
//! | `bytes` | [`Bytes`] | `&[u8]` |
//! | `empty` | [`Empty`] | `()` |
//! | a type `T` | [`Postcard<T>`](Postcard) | `T` |

use crate::command::Failed;
use crate::head::is_name;
use crate::payload::{Bytes, Empty, Postcard, Text};

/// A payload as the plain value that a handler takes.
pub trait IntoValue {
    /// The value.
    type Value;

    /// Takes it out.
    fn into_value(self) -> Self::Value;
}

impl<'i> IntoValue for Text<'i> {
    type Value = &'i str;

    fn into_value(self) -> &'i str {
        self.0
    }
}

impl<'i> IntoValue for Bytes<'i> {
    type Value = &'i [u8];

    fn into_value(self) -> &'i [u8] {
        self.0
    }
}

impl<T> IntoValue for Postcard<T> {
    type Value = T;

    fn into_value(self) -> T {
        self.0
    }
}

impl IntoValue for Empty {
    type Value = ();

    fn into_value(self) {}
}

/// What a handler returns for a command whose reply is `P`: the plain value, or a `Result` of it
/// and [`Failed`].
#[diagnostic::on_unimplemented(
    message = "a handler of this command can't return `{Self}`",
    label = "its reply is `{P}`"
)]
pub trait IntoReply<'a, P> {
    /// The reply.
    ///
    /// # Errors
    /// The handler's.
    fn into_reply(self) -> Result<P, Failed<'a>>;
}

impl<'a> IntoReply<'a, Text<'a>> for &'a str {
    fn into_reply(self) -> Result<Text<'a>, Failed<'a>> {
        Ok(Text(self))
    }
}

impl<'a> IntoReply<'a, Text<'a>> for Result<&'a str, Failed<'a>> {
    fn into_reply(self) -> Result<Text<'a>, Failed<'a>> {
        self.map(Text)
    }
}

impl<'a> IntoReply<'a, Bytes<'a>> for &'a [u8] {
    fn into_reply(self) -> Result<Bytes<'a>, Failed<'a>> {
        Ok(Bytes(self))
    }
}

impl<'a> IntoReply<'a, Bytes<'a>> for Result<&'a [u8], Failed<'a>> {
    fn into_reply(self) -> Result<Bytes<'a>, Failed<'a>> {
        self.map(Bytes)
    }
}

impl<'a> IntoReply<'a, Empty> for () {
    fn into_reply(self) -> Result<Empty, Failed<'a>> {
        Ok(Empty)
    }
}

impl<'a> IntoReply<'a, Empty> for Result<(), Failed<'a>> {
    fn into_reply(self) -> Result<Empty, Failed<'a>> {
        self.map(|()| Empty)
    }
}

impl<'a, T> IntoReply<'a, Postcard<T>> for T {
    fn into_reply(self) -> Result<Postcard<T>, Failed<'a>> {
        Ok(Postcard(self))
    }
}

impl<'a, T> IntoReply<'a, Postcard<T>> for Result<T, Failed<'a>> {
    fn into_reply(self) -> Result<Postcard<T>, Failed<'a>> {
        self.map(Postcard)
    }
}

/// Whether a program may have a command of this name: docs/PROTOCOL.md §6. It is a legal name, and
/// not one that the protocol reserves.
#[must_use]
pub const fn is_command_name(name: &str) -> bool {
    is_name(name) && !matches!(name.as_bytes(), b"OK" | b"ERR" | b"MORE" | [b'L', b'C', b'.', ..])
}

/// Whether `name` is at most once among `names`: for checks at compile time.
#[must_use]
pub const fn is_unique(name: &str, mut names: &[&str]) -> bool {
    let mut found = false;
    while let [first, rest @ ..] = names {
        if is_same(name, first) {
            if found {
                return false;
            }
            found = true;
        }
        names = rest;
    }
    true
}

/// `==`, at compile time too.
pub(crate) const fn is_same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while let ([a, one_after @ ..], [b, other_after @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (one_after, other_after);
    }
    one.is_empty() && other.is_empty()
}

/// Declares commands, one a line: `VISIBILITY TYPE = "NAME": REQUEST => REPLY;`. See
/// [`declare`](crate::declare).
///
/// A request or reply is `text`, `bytes`, `empty`, or a type in the postcard encoding; a type that
/// borrows from the received bytes has the lifetime `'i`. Attributes and doc comments before a
/// command are those of its type. A name that is not legal, or reserved, does not compile.
///
/// ```
/// linecard_core::commands! {
///     /// Greets somebody.
///     pub Greet = "GREET": text => text;
///     pub Store = "STORE": (u32, &'i [u8]) => Result<u32, ()>;
/// }
/// ```
#[macro_export]
macro_rules! commands {
    () => {};
    (@reply $command:tt $request:tt text ; $($rest:tt)*) => {
        $crate::commands!(@declare $command $request [$crate::Text<'i>]);
        $crate::commands!($($rest)*);
    };
    (@reply $command:tt $request:tt bytes ; $($rest:tt)*) => {
        $crate::commands!(@declare $command $request [$crate::Bytes<'i>]);
        $crate::commands!($($rest)*);
    };
    (@reply $command:tt $request:tt empty ; $($rest:tt)*) => {
        $crate::commands!(@declare $command $request [$crate::Empty]);
        $crate::commands!($($rest)*);
    };
    (@reply $command:tt $request:tt $reply:ty ; $($rest:tt)*) => {
        $crate::commands!(@declare $command $request [$crate::Postcard<$reply>]);
        $crate::commands!($($rest)*);
    };
    (
        @declare
        [$(#[$attribute:meta])* $vis:vis $command:ident $name:literal]
        [$($request:tt)*]
        [$($reply:tt)*]
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $command;

        impl $crate::Command for $command {
            const NAME: &'static str = $name;
            type Request<'i> = $($request)*;
            type Reply<'i> = $($reply)*;
        }

        const _: () = ::core::assert!(
            $crate::declare::is_command_name($name),
            ::core::concat!("not a legal command name, or a reserved one: ", $name)
        );
    };
    (
        $(#[$attribute:meta])* $vis:vis $command:ident = $name:literal : text => $($rest:tt)*
    ) => {
        $crate::commands!(
            @reply [$(#[$attribute])* $vis $command $name] [$crate::Text<'i>] $($rest)*
        );
    };
    (
        $(#[$attribute:meta])* $vis:vis $command:ident = $name:literal : bytes => $($rest:tt)*
    ) => {
        $crate::commands!(
            @reply [$(#[$attribute])* $vis $command $name] [$crate::Bytes<'i>] $($rest)*
        );
    };
    (
        $(#[$attribute:meta])* $vis:vis $command:ident = $name:literal : empty => $($rest:tt)*
    ) => {
        $crate::commands!(
            @reply [$(#[$attribute])* $vis $command $name] [$crate::Empty] $($rest)*
        );
    };
    (
        $(#[$attribute:meta])* $vis:vis $command:ident = $name:literal : $request:ty =>
        $($rest:tt)*
    ) => {
        $crate::commands!(
            @reply [$(#[$attribute])* $vis $command $name] [$crate::Postcard<$request>] $($rest)*
        );
    };
}

/// Says which methods of a type handle which commands. See [`declare`](crate::declare).
///
/// `serves!(Board, TABLE: SetPin => set_pin, Reset => reset)` implements
/// [`Handler`](crate::Handler) for each command by `board.set_pin(value)`, and declares the `static
/// TABLE` of them: [`Table::bind`](crate::Table::bind) makes a service of it. Before `TABLE` there
/// may be attributes and a visibility. A method takes the plain value of the request, and returns
/// that of the reply, or a `Result` of it and [`Failed`](crate::Failed).
///
/// With `async` before the type, handlers may wait (feature `async`): `serves!(async Board, Served:
/// SetPin => set_pin, async ReadTemp => read_temp)`. Those marked `async` are asynchronous methods,
/// for which it implements `asynch::AsyncHandler`, and `Served` is the type of a service over a
/// `Board`, an alias of `asynch::Commands`: `Served::new(board)`, or `Served::new(&mut board)`. Up
/// to 16 commands.
///
/// ```
/// # #[cfg(feature = "async")] {
/// linecard_core::commands! {
///     SetLevel = "SET-LEVEL": u8 => empty;
///     ReadTemp = "READ-TEMP": empty => i16;
/// }
///
/// struct Board { level: u8 }
///
/// impl Board {
///     fn set_level(&mut self, level: u8) {
///         self.level = level;
///     }
///
///     async fn read_temp(&mut self, (): ()) -> Result<i16, linecard_core::Failed<'_>> {
///         // self.sensor.read().await.map_err(|_| Failed("the sensor does not answer"))
///         Ok(215)
///     }
/// }
///
/// linecard_core::serves!(async Board, Served: SetLevel => set_level, async ReadTemp => read_temp);
///
/// let service = Served::new(Board { level: 0 });
/// # }
/// ```
///
/// A command without its method, two commands of one name: these do not compile, and the message
/// says which.
#[macro_export]
macro_rules! serves {
    (@handler $state:ty, $command:ty, $method:ident) => {
        impl $crate::Handler<$command> for $state {
            fn handle<'a>(
                &'a mut self,
                request: <$command as $crate::Command>::Request<'a>,
            ) -> ::core::result::Result<
                <$command as $crate::Command>::Reply<'a>,
                $crate::Failed<'a>,
            > {
                let value = $crate::declare::IntoValue::into_value(request);
                <_ as $crate::declare::IntoReply<
                    'a,
                    <$command as $crate::Command>::Reply<'a>,
                >>::into_reply(self.$method(value))
            }
        }
    };
    (@async_handler $state:ty, $command:ty, $method:ident) => {
        impl $crate::asynch::AsyncHandler<$command> for $state {
            async fn handle_async<'a>(
                &'a mut self,
                request: <$command as $crate::Command>::Request<'a>,
            ) -> ::core::result::Result<
                <$command as $crate::Command>::Reply<'a>,
                $crate::Failed<'a>,
            > {
                let value = $crate::declare::IntoValue::into_value(request);
                <_ as $crate::declare::IntoReply<
                    'a,
                    <$command as $crate::Command>::Reply<'a>,
                >>::into_reply(self.$method(value).await)
            }
        }
    };
    (@unique $($command:ty),+) => {
        const _: () = {
            let names = [$(<$command as $crate::Command>::NAME),+];
            $(
                ::core::assert!(
                    $crate::declare::is_unique(<$command as $crate::Command>::NAME, &names),
                    ::core::concat!(
                        "another command has the name of `", ::core::stringify!($command), "`"
                    )
                );
            )+
        };
    };
    (@list [$state:ty, $($list:tt)*] [$($done:ty),*]
        async $command:ty => $method:ident $(, $($rest:tt)*)?
    ) => {
        $crate::serves!(@async_handler $state, $command, $method);
        $crate::serves!(@list [$state, $($list)*] [$($done,)* $command] $($($rest)*)?);
    };
    (@list [$state:ty, $($list:tt)*] [$($done:ty),*]
        $command:ty => $method:ident $(, $($rest:tt)*)?
    ) => {
        $crate::serves!(@handler $state, $command, $method);
        $crate::serves!(@list [$state, $($list)*] [$($done,)* $command] $($($rest)*)?);
    };
    (@list [$state:ty, $(#[$attribute:meta])* $vis:vis $list:ident] [$($done:ty),+]) => {
        $crate::serves!(@unique $($done),+);
        $(#[$attribute])*
        $vis type $list<B = $state> = $crate::asynch::Commands<($($done,)+), $state, B>;
    };
    (async $state:ty, $(#[$attribute:meta])* $vis:vis $list:ident : $($commands:tt)+) => {
        $crate::serves!(@list [$state, $(#[$attribute])* $vis $list] [] $($commands)+);
    };
    (
        $state:ty, $(#[$attribute:meta])* $vis:vis $table:ident :
        $($command:ty => $method:ident),+ $(,)?
    ) => {
        $($crate::serves!(@handler $state, $command, $method);)+
        $crate::serves!(@unique $($command),+);
        $(#[$attribute])*
        $vis static $table: $crate::Table<
            $state,
            { [$(::core::stringify!($method)),+].len() },
        > = {
            let mut table = $crate::Table::new();
            $(::core::assert!(table.insert_command::<$command>().is_ok());)+
            table
        };
    };
}
