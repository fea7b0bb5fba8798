//! Benchmarks of Linecard's hot paths, each over a fixed input. `pieces.rs` measures their time.
//! The `instructions` program runs them under valgrind, which counts their instructions.
//!
//! A piece is a function that does its work a given number of times. It makes its input once.

mod names;
mod plain;
mod protocol;
mod structs;

/// A piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Its name in the criterion report and in `instructions.txt`.
    pub name: &'static str,
    /// Does the work so many times.
    pub run: fn(u64),
}

/// All pieces.
#[must_use]
pub fn pieces() -> Vec<Piece> {
    [protocol::PIECES, names::PIECES, structs::PIECES, plain::PIECES].concat()
}
