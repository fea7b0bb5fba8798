//! Linecard's hot paths, piece by piece, each over a fixed input: `pieces.rs` times them, and the
//! `instructions` program counts them under valgrind.
//!
//! A piece is a function that does its work so many times; what it works on is made once.

mod names;
mod plain;
mod protocol;
mod structs;

/// A piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// What it is, in the criterion report and in `instructions.txt`.
    pub name: &'static str,
    /// Does it so many times.
    pub run: fn(u64),
}

/// All of them.
#[must_use]
pub fn pieces() -> Vec<Piece> {
    [protocol::PIECES, names::PIECES, structs::PIECES, plain::PIECES].concat()
}
