//! See ../src/frames.rs.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linecard_fuzz::frames::check(data));
