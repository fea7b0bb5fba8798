//! The limit of open file descriptors.

/// Descriptors that are not connections: standard streams, the listener, what the workers wait
/// with; and connections that are being closed.
#[cfg(unix)]
const OTHERS: u64 = 256;

/// Raises the limit as far as the system allows, and warns if that isn't enough for `connections`,
/// which `option` asks for.
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
            "linecard: {option} {connections} needs {needed} file descriptors, and only {allowed} \
             are allowed: raise the limit (ulimit -Hn), or lower the option"
        );
    }
}

/// This system has no such limit.
#[cfg(not(unix))]
pub(crate) fn raise_limit(_option: &str, _connections: usize) {}
