//! The fuzz targets. Each is one function of bytes that panics when a property doesn't hold.
//! fuzz_targets/ passes it to libFuzzer; tests/corpus.rs runs it over the stored inputs.

#![forbid(unsafe_code)]

pub mod asynch;
pub mod chain;
pub mod client;
pub mod ethernet;
pub mod frames;
pub mod session;

/// Each target with its name.
pub const TARGETS: [(&str, fn(&[u8])); 6] = [
    ("frames", frames::check),
    ("session", session::check),
    ("client", client::check),
    ("chain", chain::check),
    ("ethernet", ethernet::check),
    ("async", asynch::check),
];

/// Removes and returns the first byte, or 0 if there is none.
pub(crate) fn byte(data: &mut &[u8]) -> usize {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    *data = rest;
    usize::from(*first)
}
