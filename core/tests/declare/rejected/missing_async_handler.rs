//! says: `Board` has no handler for the command `ReadTemp`

use linecard_core::asynch::Commands;
use linecard_core::commands;

commands! {
    ReadTemp = "READ-TEMP": empty => i16;
}

struct Board;

fn main() {
    let _service = Commands::<(ReadTemp,), Board>::new(Board);
}
