//! Prerequisites that a machine may lack. A check that can't run must not count as passed.

use std::net::TcpListener;

/// Prints that a check is skipped, with what is missing and how to get it. With `CI=true` it fails.
///
/// # Panics
/// With `CI=true`.
pub fn missing(what: &str) {
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "a check can't run: {what}");
    eprintln!("SKIPPED: {what}");
}

/// Whether there is an IPv6 loopback address. If not, it is reported as [`missing`].
#[must_use]
pub fn ipv6() -> bool {
    let exists = TcpListener::bind("[::1]:0").is_ok();
    if !exists {
        missing("no IPv6 loopback; enable it with `sysctl net.ipv6.conf.lo.disable_ipv6=0`");
    }
    exists
}
