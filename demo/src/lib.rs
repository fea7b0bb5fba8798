//! The demo commands that every Linecard platform serves: desktop, TAP and firmware.
//!
//! - `STRING` takes a text and replies `Thank you.`
//! - `COMPLEX` takes a recursive struct, decodes it, and replies with the same value encoded again.
//!
//! Their bodies are in docs/PROTOCOL.md §9.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod nested;

#[cfg(feature = "std")]
pub use nested::{CapacityError, Complex};

use linecard_core::{
    BoundedBytes, BoundedStr, Chain, Command, Failed, Handler, Postcard, Table, Text, UniqueMap,
};
use serde::{Deserialize, Serialize};

/// The most bytes of a level's string.
pub const STRING_CAP: usize = 64;
/// The most entries of a level's map.
pub const MAP_CAP: usize = 8;
/// The most bytes of a map's key.
pub const KEY_CAP: usize = 16;
/// The most bytes of a level's block.
pub const BLOCK_CAP: usize = 64;
/// The most levels, with the outermost.
pub const LEVELS_CAP: usize = 4;

/// `STRING`: a text in, `Thank you.` out.
#[derive(Debug)]
pub struct StringCommand;

impl Command for StringCommand {
    const NAME: &'static str = "STRING";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}

/// `COMPLEX`: a recursive struct in, the same one out.
#[derive(Debug)]
pub struct ComplexCommand;

impl Command for ComplexCommand {
    const NAME: &'static str = "COMPLEX";
    type Request<'i> = Postcard<Levels<'i>>;
    type Reply<'i> = Postcard<Levels<'i>>;
}

linecard_core::commands! {
    /// `READ-TEMP`: a temperature in hundredths of a degree Celsius. Served by the async examples,
    /// whose handlers wait for a sensor.
    pub ReadTemp = "READ-TEMP": empty => i16;
}

/// The recursive struct as a chain of its levels, outermost first.
pub type Levels<'i> = Chain<Level<'i>, LEVELS_CAP>;

/// One level: the struct without its last field, the optional next level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level<'i> {
    /// A number.
    pub n: i64,
    /// A string of up to 64 bytes.
    #[serde(borrow)]
    pub s: BoundedStr<'i, STRING_CAP>,
    /// Up to 8 numbers by name; a name has up to 16 bytes.
    #[serde(borrow)]
    pub m: UniqueMap<BoundedStr<'i, KEY_CAP>, i64, MAP_CAP>,
    /// A block of up to 64 bytes.
    #[serde(borrow)]
    pub p: BoundedBytes<'i, BLOCK_CAP>,
}

/// The handlers' state. The demo commands need none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demo;

impl Handler<StringCommand> for Demo {
    fn handle<'a>(&'a mut self, _text: Text<'a>) -> Result<Text<'a>, Failed<'a>> {
        Ok(Text("Thank you."))
    }
}

impl Handler<ComplexCommand> for Demo {
    fn handle<'a>(
        &'a mut self,
        levels: Postcard<Levels<'a>>,
    ) -> Result<Postcard<Levels<'a>>, Failed<'a>> {
        Ok(levels)
    }
}

/// A table with both commands.
#[must_use]
pub const fn table() -> Table<Demo, 2> {
    let mut table = Table::new();
    let string = table.insert_command::<StringCommand>();
    let complex = table.insert_command::<ComplexCommand>();
    debug_assert!(
        string.is_ok() && complex.is_ok(),
        "two entries of different names in a table of two"
    );
    table
}
