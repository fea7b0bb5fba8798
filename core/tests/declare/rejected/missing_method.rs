//! says: no method named `set_pin`

use linecard_core::{commands, serves};

commands! {
    SetPin = "SET-PIN": (u8, bool) => empty;
}

struct Board;

serves!(Board, TABLE: SetPin => set_pin);

fn main() {
    let _service = TABLE.bind(Board);
}
