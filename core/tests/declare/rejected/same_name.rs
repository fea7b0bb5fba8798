//! says: another command has the name of `First`

use linecard_core::{commands, serves};

commands! {
    First = "SAME": empty => empty;
    Second = "SAME": u8 => empty;
}

struct Board;

impl Board {
    fn first(&mut self, (): ()) {}

    fn second(&mut self, _: u8) {}
}

serves!(Board, TABLE: First => first, Second => second);

fn main() {
    let _service = TABLE.bind(Board);
}
