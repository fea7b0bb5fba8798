//! As many hostile peers as the limit of open descriptors allows.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::plan::Plan;

/// Descriptors beside the held connections: clients, senders of bad frames, connects on their way, the
/// server's connections that linger.
const OTHERS: usize = 600;

/// Raises this process's limit of open descriptors as far as it may be (the server does the same for
/// itself), and scales the plan down where that is not enough. The second is a sentence that says so.
#[must_use]
pub fn fit(plan: Plan) -> (Plan, Option<String>) {
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    let _judged_below = setrlimit(Resource::Nofile, raised);
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
    let needed = plan.held() + OTHERS;
    if allowed >= needed {
        return (plan, None);
    }
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let scale = allowed.saturating_sub(OTHERS) as f64 / plan.held() as f64;
    let words = format!(
        "ATTENTION: only {allowed} descriptors are allowed and {needed} are needed, so all attackers are \
         scaled down to {:.0} %. For all of them: raise the hard limit (ulimit -Hn {needed}, or \
         LimitNOFILE= / limits.conf), and run again.",
        100.0 * scale
    );
    (plan.scaled(scale), Some(words))
}
