//! See ../src/session.rs.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| linecard_fuzz::session::check(data));
