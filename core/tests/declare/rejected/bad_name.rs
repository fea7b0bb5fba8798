//! says: not a legal command name, or a reserved one: SET PIN

use linecard_core::commands;

commands! {
    SetPin = "SET PIN": (u8, bool) => empty;
}

fn main() {}
