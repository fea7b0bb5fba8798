//! What a process uses, from /proc.

use std::fs;
use std::time::{Duration, Instant};

use crate::report::Usage;

/// What a process uses now.
///
/// # Panics
/// If the process has exited.
pub(crate) fn usage(process: u32) -> Usage {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a running server");
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("a running server");
    Usage {
        resident: kibibytes(&status, "VmRSS:"),
        anonymous: kibibytes(&status, "RssAnon:"),
        descriptors: descriptors.count(),
    }
}

/// Polls until `condition` holds, or `timeout` is over. Returns the last usage seen.
pub(crate) fn usage_when(
    process: u32,
    timeout: Duration,
    condition: impl Fn(&Usage) -> bool,
) -> Usage {
    let end = Instant::now() + timeout;
    loop {
        let usage = usage(process);
        if condition(&usage) || Instant::now() > end {
            return usage;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Memory in the kernel's TCP buffers, of all sockets on this machine, in KiB.
pub(crate) fn socket_kibibytes() -> u64 {
    let stat = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp = stat.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let pages = tcp.split(' ').skip_while(|word| *word != "mem").nth(1);
    4 * pages.and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default()
}

/// CPU time that a process has used, in seconds.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The process name may hold anything. After it come the fields from the third on.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn kibibytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
