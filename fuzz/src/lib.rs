//! What each fuzz target asserts. A target is one function of bytes that panics where a promise is
//! broken; fuzz_targets/ hands it to libFuzzer, and tests/kept.rs runs it over all that is kept here.

#![forbid(unsafe_code)]

pub mod chain;
pub mod client;
pub mod ethernet;
pub mod frames;
pub mod session;

/// A target by its name.
pub const TARGETS: [(&str, fn(&[u8])); 5] = [
    ("frames", frames::check),
    ("session", session::check),
    ("client", client::check),
    ("chain", chain::check),
    ("ethernet", ethernet::check),
];

/// Takes the first byte off, 0 where there is none.
pub(crate) fn byte(data: &mut &[u8]) -> usize {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    *data = rest;
    usize::from(*first)
}
