//! says: assertion failed: table.insert_command::<Second>().is_ok()

use linecard_core::{Failed, Handler, Postcard, Table, Empty, commands};

commands! {
    First = "FIRST": empty => empty;
    Second = "SECOND": u8 => empty;
}

struct Board;

impl Handler<First> for Board {
    fn handle<'a>(&'a mut self, _: Empty) -> Result<Empty, Failed<'a>> {
        Ok(Empty)
    }
}

impl Handler<Second> for Board {
    fn handle<'a>(&'a mut self, _: Postcard<u8>) -> Result<Empty, Failed<'a>> {
        Ok(Empty)
    }
}

static TABLE: Table<Board, 1> = {
    let mut table = Table::new();
    assert!(table.insert_command::<First>().is_ok());
    assert!(table.insert_command::<Second>().is_ok());
    table
};

fn main() {
    let _service = TABLE.bind(Board);
}
