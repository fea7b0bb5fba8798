//! See ../src/asynch.rs.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linecard_fuzz::asynch::check(data));
