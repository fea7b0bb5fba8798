//! As many hostile connections as the limit of open descriptors allows.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::plan::Plan;

/// Descriptors beside the held connections: clients, malformed frames, connects, and the server's
/// connections that linger.
const OTHERS: usize = 600;

/// Raises this process's limit of open descriptors as far as allowed; the server does the same for
/// itself. If that is not enough, scales the plan down, and returns a warning for the user as well.
#[must_use]
pub fn fit(plan: Plan) -> (Plan, Option<String>) {
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    let _checked_below = setrlimit(Resource::Nofile, raised);
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
    let needed = plan.held_connections() + OTHERS;
    if allowed >= needed {
        return (plan, None);
    }
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let scale = allowed.saturating_sub(OTHERS) as f64 / plan.held_connections() as f64;
    let warning = format!(
        "WARNING: {needed} descriptors are needed and only {allowed} are allowed, so all attackers \
         are scaled down to {:.0} %. To run the whole plan, raise the hard limit \
         (ulimit -Hn {needed}, or LimitNOFILE= / limits.conf).",
        100.0 * scale
    );
    (plan.scaled(scale), Some(warning))
}
