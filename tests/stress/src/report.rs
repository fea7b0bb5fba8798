//! The results of a run, and which checks failed.

use std::fmt;
use std::time::Duration;

use crate::attacker::Tally;
use crate::plan::Plan;

/// A 99th percentile up to this passes in any case.
const P99_FLOOR: Duration = Duration::from_millis(5);
/// Otherwise it may be so many times the baseline's.
const P99_FACTOR: u32 = 5;

/// What a process uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Resident memory in KiB: anonymous, and pages of its program.
    pub resident: u64,
    /// Anonymous resident memory in KiB.
    pub anonymous: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Usage {
    /// The larger of each figure.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            resident: self.resident.max(other.resident),
            anonymous: self.anonymous.max(other.anonymous),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }

    /// Whether descriptors are exactly as before, and memory is within 5 % of it.
    #[must_use]
    pub fn is_back_to(&self, before: &Self) -> bool {
        self.descriptors == before.descriptors && !self.uses_more_memory(before)
    }

    fn uses_more_memory(&self, before: &Self) -> bool {
        self.resident * 100 > before.resident * 105
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident, anonymous, descriptors } = self;
        write!(f, "{resident:>7} KiB ({anonymous:>6} anonymous), {descriptors:>5} descriptors")
    }
}

/// Results of the well-behaved clients. Latencies count from when a call was due.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Calls due.
    pub made: u32,
    /// Calls with the right reply.
    pub right: u32,
    /// Connections made.
    pub connects: u32,
    /// How the first few of the others failed.
    pub failures: Vec<String>,
    /// Sorted.
    pub(crate) latencies: Vec<Duration>,
}

impl Calls {
    /// The latency within which `part` of a thousand calls were answered.
    #[must_use]
    pub fn per_mille(&self, part: usize) -> Duration {
        let at = (self.latencies.len() * part).div_ceil(1_000).saturating_sub(1);
        self.latencies.get(at).copied().unwrap_or_default()
    }

    fn p99(&self) -> Duration {
        self.per_mille(990)
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, p999, max] =
            [500, 990, 999, 1_000].map(|part| self.per_mille(part).as_secs_f64() * 1e3);
        let rate = 100.0 * f64::from(self.right) / f64::from(self.made.max(1));
        write!(
            f,
            "{} of {} right ({rate:.3} %), {} connects; ms: p50 {p50:.2}  p99 {p99:.2}  \
             p99.9 {p999:.2}  max {max:.2}",
            self.right, self.made, self.connects
        )
    }
}

/// The results of a run.
#[derive(Debug)]
pub struct Report {
    /// What was run.
    pub plan: Plan,
    /// The clients' results without hostile peers.
    pub baseline: Calls,
    /// The clients' results beside hostile peers.
    pub under_attack: Calls,
    /// What the server used: when it started; after the warm-up and before the attack; at most
    /// during the attack; and after it.
    pub usage: [Usage; 4],
    /// The most memory of the kernel's TCP buffers during the attack, of both sides, in KiB.
    pub socket_kib: u64,
    /// The attackers' results.
    pub attackers: Vec<Tally>,
    /// CPU seconds of the server during the attack.
    pub cpu: f64,
    /// The server's exit status.
    pub status: Option<i32>,
    /// Its verbose log.
    pub log: String,
}

impl Report {
    /// The limit for the 99th percentile under attack.
    #[must_use]
    pub fn p99_limit(&self) -> Duration {
        P99_FLOOR.max(self.baseline.p99() * P99_FACTOR)
    }

    /// Whether the 99th percentile under attack is over its limit.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.under_attack.p99() > self.p99_limit()
    }

    /// The checks that failed, of those that don't depend on how busy the machine is.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for calls in [&self.baseline, &self.under_attack] {
            if calls.right != calls.made {
                let lost = calls.made - calls.right;
                failures.push(format!(
                    "{lost} calls did not get the right reply: {:?}",
                    calls.failures
                ));
            }
        }
        let [_, before, _, after] = &self.usage;
        if after.descriptors != before.descriptors {
            failures.push("the number of descriptors is not as before".into());
        }
        if after.uses_more_memory(before) {
            failures.push("memory is more than 5 % over what it was before".into());
        }
        if self.status != Some(0) || self.log.contains("panicked") {
            failures.push(format!("the server did not exit cleanly: {:?}", self.status));
        }
        failures
    }

    /// The attackers that did less than planned, so that the run proves less than it claims.
    pub fn weak(&self) -> impl Iterator<Item = &Tally> {
        self.attackers.iter().filter(|tally| tally.is_weak())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cold, before, during, after] = &self.usage;
        writeln!(f, "baseline      {}", self.baseline)?;
        writeln!(f, "under attack  {}", self.under_attack)?;
        writeln!(
            f,
            "              the limit of p99 is {:.2} ms",
            self.p99_limit().as_secs_f64() * 1e3
        )?;
        writeln!(f, "at start      {cold}")?;
        writeln!(f, "before        {before} (after the warm-up)")?;
        writeln!(f, "during        {during}, server CPU {:.1} s", self.cpu)?;
        writeln!(
            f,
            "              TCP buffers of both sides in the kernel: {} KiB",
            self.socket_kib
        )?;
        writeln!(f, "after         {after}")?;
        for tally in &self.attackers {
            let Tally { name, planned, done, connects, refused, closed, blocked } = tally;
            writeln!(
                f,
                "attacker      {name:<9} {done} of {planned:.0} actions, {connects} connects \
                 ({refused} failed), {closed} closed by the server, {blocked} writes blocked"
            )?;
        }
        self.log.lines().try_for_each(|line| writeln!(f, "server        {line}"))
    }
}
