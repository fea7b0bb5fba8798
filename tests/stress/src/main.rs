//! A load test with hostile peers, on loopback: `cargo run --release -p linecard-stress`.
//!
//! Prints the figures. Exits with 1 when a check fails.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;
    use std::path::PathBuf;
    use std::process::{Command, ExitCode};
    use std::time::Duration;

    use clap::Parser;
    use linecard_stress::{Plan, fit, run};

    /// Attacks `linecard serve` in four ways at once, while well-behaved clients call and are timed
    #[derive(Debug, Parser)]
    struct Options {
        /// Share of the hostile peers: 0.1 is a tenth of each kind
        #[arg(long, default_value_t = 1.0)]
        scale: f64,

        /// How long the attack takes, in seconds
        #[arg(long, default_value_t = 30)]
        seconds: u64,

        /// How long the clients run alone before it, in seconds
        #[arg(long, alias = "calm", default_value_t = 10)]
        baseline: u64,

        /// The server program; by default, this workspace's is built
        #[arg(long)]
        linecard: Option<PathBuf>,
    }

    pub(crate) fn main() -> Result<ExitCode, Box<dyn Error>> {
        let options = Options::parse();
        let linecard = options.linecard.map_or_else(build, Ok)?;
        let plan = Plan {
            baseline: Duration::from_secs(options.baseline),
            attack: Duration::from_secs(options.seconds),
            ..Plan::FULL.scaled(options.scale)
        };
        let (plan, warning) = fit(plan);
        warn(warning.as_ref());
        println!("{plan}");
        let report = run(&linecard.to_string_lossy(), plan)?;
        print!("{report}");
        // Again, because the first one may have scrolled away.
        warn(warning.as_ref());

        let mut failures = report.failures();
        if report.is_slow() {
            failures.push("the 99th percentile is over its limit".into());
        }
        failures.extend(
            report.weak().map(|attacker| format!("{} did less than planned", attacker.name)),
        );
        for failure in &failures {
            println!("FAILED  {failure}");
        }
        if failures.is_empty() {
            println!("every check passed");
            return Ok(ExitCode::SUCCESS);
        }
        Ok(ExitCode::FAILURE)
    }

    fn warn(warning: Option<&String>) {
        if let Some(warning) = warning {
            eprintln!("{warning}");
        }
    }

    /// Builds the server with this program's profile, and returns its path.
    fn build() -> Result<PathBuf, Box<dyn Error>> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let profile: &[&str] = if cfg!(debug_assertions) { &[] } else { &["--release"] };
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "linecard", "--bin", "linecard"])
            .args(profile)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()?;
        if !built.success() {
            return Err("linecard can't be built".into());
        }
        Ok(std::env::current_exe()?.with_file_name("linecard"))
    }
}

#[cfg(target_os = "linux")]
fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("this needs /proc, which only Linux has");
    std::process::ExitCode::from(2)
}
