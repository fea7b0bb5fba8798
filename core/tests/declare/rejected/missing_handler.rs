//! says: `Board` has no handler for the command `SetPin`

use linecard_core::{Table, commands};

commands! {
    SetPin = "SET-PIN": (u8, bool) => empty;
}

struct Board;

fn main() {
    let mut table = Table::<Board, 1>::new();
    let _inserted = table.insert_command::<SetPin>();
}
