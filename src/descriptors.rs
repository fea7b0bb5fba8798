//! The limit of open descriptors: raised as far as it may be.

/// Descriptors beside the connections': standard streams, the listener, what workers wait with, and the
/// connections that linger.
#[cfg(unix)]
const OTHERS: u64 = 256;

/// Raises the limit to what the system allows this process, and says so where that is not enough.
#[cfg(unix)]
pub(crate) fn raise_limit(option: &str, connections: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        log::debug!("the descriptor limit stays as it is: {error}");
    }
    if let Some(allowed) = getrlimit(Resource::Nofile).current
        && allowed < needed
    {
        eprintln!(
            "linecard: only {allowed} descriptors are allowed, and {option} {connections} needs \
             {needed}: raise the limit (ulimit -Hn), or lower the option"
        );
    }
}

/// There is no such limit to raise here.
#[cfg(not(unix))]
pub(crate) fn raise_limit(_option: &str, _connections: usize) {}
