//! The test cases, and the loop that runs them.

mod closing;
mod connections;
mod cutting;
mod limits;
mod pipelining;
mod random;
mod time;
mod wire;

use crate::target::Target;

/// The error says what went wrong.
pub type Check = Result<(), String>;

/// One thing a server must do.
pub struct Case {
    /// What it must do.
    pub name: String,
    /// Where docs/PROTOCOL.md says so.
    pub section: String,
    /// Why it doesn't apply to this target, if so.
    pub skipped: Option<String>,
    check: Box<dyn Fn(&Target) -> Check>,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseResult {
    /// The server did what docs/PROTOCOL.md says.
    Passed,
    /// It doesn't apply; the reason.
    Skipped(String),
    /// What went wrong.
    Failed(String),
}

impl Case {
    fn new(section: &str, name: &str, check: impl Fn(&Target) -> Check + 'static) -> Self {
        Self {
            name: name.to_owned(),
            section: section.to_owned(),
            skipped: None,
            check: Box::new(check),
        }
    }

    /// Skips the case where the target lacks what it needs.
    fn needs<T>(mut self, capability: Result<T, String>) -> Self {
        self.skipped = capability.err();
        self
    }

    fn result(&self, target: &Target) -> CaseResult {
        match &self.skipped {
            Some(why) => CaseResult::Skipped(why.clone()),
            None => match (self.check)(target) {
                Ok(()) => CaseResult::Passed,
                Err(why) => CaseResult::Failed(why),
            },
        }
    }
}

/// Every case, for this target.
#[must_use]
pub fn all(target: &Target) -> Vec<Case> {
    let mut cases = wire::cases(target);
    cases.extend(cutting::cases());
    cases.extend(pipelining::cases());
    cases.extend(limits::cases());
    cases.extend(closing::cases());
    cases.extend(connections::cases(target));
    cases.extend(random::cases());
    cases.extend(timed(target));
    cases
}

/// The server vectors that need exactly the target's limits.
#[must_use]
pub fn at_these_limits(target: &Target) -> Vec<Case> {
    wire::at_these_limits(target)
}

/// The cases that wait for a deadline. They want a server with short ones.
#[must_use]
pub fn timed(target: &Target) -> Vec<Case> {
    let mut cases = wire::timed(target);
    cases.extend(time::cases(target));
    cases.extend(pipelining::timed(target));
    cases
}

/// Runs the cases in order, passes each result to `report`, and returns the failures.
pub fn run(
    target: &Target,
    cases: &[Case],
    mut report: impl FnMut(&Case, &CaseResult),
) -> Vec<String> {
    let mut failures = Vec::new();
    for case in cases {
        let result = case.result(target);
        report(case, &result);
        if let CaseResult::Failed(why) = result {
            failures.push(format!("{} (§{}): {why}", case.name, case.section));
        }
    }
    failures
}

/// Runs the cases, and panics with all failures. Skipped cases are named on standard error.
///
/// # Panics
/// If a case fails.
pub fn assert_all_pass(target: &Target, cases: &[Case]) {
    let failures = run(target, cases, |case, result| {
        if let CaseResult::Skipped(why) = result {
            eprintln!("skipped: {}: {why}", case.name);
        }
    });
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}
