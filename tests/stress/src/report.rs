//! What a run showed, and which promises it broke.

use std::fmt;
use std::time::Duration;

use crate::hostile::Tally;
use crate::plan::Plan;

/// What the 99th percentile may be in any case.
const P99_FLOOR: Duration = Duration::from_millis(5);
/// How much slower than in the calm it may be otherwise.
const P99_FACTOR: u32 = 5;

/// What a process holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// Memory in use, in KiB: its own and the pages of its program that it touched.
    pub resident: u64,
    /// Of that its own, in KiB.
    pub anonymous: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Held {
    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            resident: self.resident.max(other.resident),
            anonymous: self.anonymous.max(other.anonymous),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }

    /// Whether it is what it was: descriptors exactly, memory within 5 %.
    #[must_use]
    pub fn is_back_to(&self, before: &Self) -> bool {
        self.descriptors == before.descriptors && !self.has_kept_memory(before)
    }

    fn has_kept_memory(&self, before: &Self) -> bool {
        self.resident * 100 > before.resident * 105
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident, anonymous, descriptors } = self;
        write!(f, "{resident:>7} KiB ({anonymous:>6} anonymous), {descriptors:>5} descriptors")
    }
}

/// What the well-behaved clients met with; times from the moment at which a call was due.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Calls due.
    pub made: u32,
    /// Calls answered right.
    pub right: u32,
    /// Connections made for them.
    pub connects: u32,
    /// How the first few others failed.
    pub failures: Vec<String>,
    pub(crate) times: Vec<Duration>,
}

impl Calls {
    /// The time within which so many of a thousand calls were answered.
    #[must_use]
    pub fn per_mille(&self, part: usize) -> Duration {
        let at = (self.times.len() * part).div_ceil(1_000).saturating_sub(1);
        self.times.get(at).copied().unwrap_or_default()
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

/// What a run showed.
#[derive(Debug)]
pub struct Report {
    /// What it consisted of.
    pub plan: Plan,
    /// The calls without hostile peers.
    pub calm: Calls,
    /// The calls among them.
    pub storm: Calls,
    /// What the server held when it started; behind the first storm, before the second; at most during it;
    /// and after it.
    pub held: [Held; 4],
    /// Most of the kernel's TCP buffers during the storm, in KiB: both sides'.
    pub socket_kib: u64,
    /// The hostile peers.
    pub attackers: Vec<Tally>,
    /// CPU seconds of the server during the storm.
    pub cpu: f64,
    /// The server's exit status.
    pub status: Option<i32>,
    /// What it said, told to be verbose.
    pub words: String,
}

impl Report {
    /// What the 99th percentile may be at most.
    #[must_use]
    pub fn p99_limit(&self) -> Duration {
        P99_FLOOR.max(self.calm.p99() * P99_FACTOR)
    }

    /// Whether the well-behaved clients were kept waiting.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.storm.p99() > self.p99_limit()
    }

    /// The promises that were broken, of those that don't depend on how busy the machine is.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for calls in [&self.calm, &self.storm] {
            if calls.right != calls.made {
                let lost = calls.made - calls.right;
                broken.push(format!("{lost} calls were not answered right: {:?}", calls.failures));
            }
        }
        let [_, before, _, after] = &self.held;
        if after.descriptors != before.descriptors {
            broken.push("the descriptors are not what they were".into());
        }
        if after.has_kept_memory(before) {
            broken.push("more than 5 % of memory was kept".into());
        }
        if self.status != Some(0) || self.words.contains("panicked") {
            broken.push(format!("the server did not end cleanly: {:?}", self.status));
        }
        broken
    }

    /// The hostile peers that were weaker than planned, so that the run shows less than it says.
    pub fn weak(&self) -> impl Iterator<Item = &Tally> {
        self.attackers.iter().filter(|tally| tally.is_weak())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cold, before, during, after] = &self.held;
        writeln!(f, "calm    {}", self.calm)?;
        writeln!(f, "storm   {}", self.storm)?;
        writeln!(f, "        p99 may be {:.2} ms", self.p99_limit().as_secs_f64() * 1e3)?;
        writeln!(f, "cold    {cold}")?;
        writeln!(f, "before  {before} (behind a first storm)")?;
        writeln!(f, "during  {during}, server CPU {:.1} s", self.cpu)?;
        writeln!(f, "        TCP buffers of both sides in the kernel: {} KiB", self.socket_kib)?;
        writeln!(f, "after   {after}")?;
        for tally in &self.attackers {
            let Tally { name, wanted, done, connects, refused, closed, blocked } = tally;
            writeln!(
                f,
                "attacker   {name:<9} {done} of {wanted:.0} acts, {connects} connects ({refused} failed), \
                 {closed} closed by the server, {blocked} writes held up"
            )?;
        }
        self.words.lines().try_for_each(|line| writeln!(f, "server  {line}"))
    }
}
