//! says: another command has the name of `First`

use linecard_core::{commands, serves};

commands! {
    First = "SAME": empty => empty;
    Second = "SAME": u8 => empty;
}

struct Board;

impl Board {
    fn first(&mut self, (): ()) {}

    async fn second(&mut self, _: u8) {}
}

serves!(async Board, Served: First => first, async Second => second);

fn main() {
    let _service = Served::new(Board);
}
