//! What a process holds, from /proc.

use std::fs;
use std::time::{Duration, Instant};

use crate::report::Held;

/// What a process holds now.
///
/// # Panics
/// If it is gone.
pub(crate) fn held(process: u32) -> Held {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a running server");
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("a running server");
    Held {
        resident: kibibytes(&status, "VmRSS:"),
        anonymous: kibibytes(&status, "RssAnon:"),
        descriptors: descriptors.count(),
    }
}

/// Waits until what it holds is as wished, for so long at most; gives back the last look.
pub(crate) fn held_when(process: u32, limit: Duration, is_so: impl Fn(&Held) -> bool) -> Held {
    let end = Instant::now() + limit;
    loop {
        let held = held(process);
        if is_so(&held) || Instant::now() > end {
            return held;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Memory in the kernel's TCP buffers, of all sockets here.
pub(crate) fn socket_kibibytes() -> u64 {
    let stat = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp = stat.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let pages = tcp.split(' ').skip_while(|word| *word != "mem").nth(1);
    4 * pages.and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default()
}

fn kibibytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
