//! What a machine may lack, said loudly: a check that can't run is no check that passed.

use std::net::TcpListener;

/// Says that a check is skipped, what is missing and what to do about it; under `CI=true` that is a failure.
///
/// # Panics
/// Under `CI=true`.
pub fn missing(what: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "a check can't run: {what}");
    eprintln!("SKIPPED: {what}");
}

/// Is there an IPv6 loopback? Says so if not.
#[must_use]
pub fn ipv6() -> bool {
    let there = TcpListener::bind("[::1]:0").is_ok();
    if !there {
        missing("no IPv6 loopback here; enable it with `sysctl net.ipv6.conf.lo.disable_ipv6=0`");
    }
    there
}
