//! says: a handler of this command can't return `u8`

use linecard_core::{commands, serves};

commands! {
    ReadTemp = "READ-TEMP": empty => i16;
}

struct Board;

impl Board {
    fn read_temp(&mut self, (): ()) -> u8 {
        21
    }
}

serves!(Board, TABLE: ReadTemp => read_temp);

fn main() {
    let _service = TABLE.bind(Board);
}
