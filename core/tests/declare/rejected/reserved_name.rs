//! says: not a legal command name, or a reserved one: LC.LIST

use linecard_core::commands;

commands! {
    List = "LC.LIST": empty => text;
}

fn main() {}
