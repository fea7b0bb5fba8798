//! Load with hostile peers in it, on loopback: `cargo run --release -p linecard-stress`.
//!
//! Prints the figures, and exits 1 when a promise is broken.
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
        /// Part of the hostile peers: 0.1 is a tenth of each kind
        #[arg(long, default_value_t = 1.0)]
        scale: f64,

        /// How long the hostile peers are there
        #[arg(long, default_value_t = 30)]
        seconds: u64,

        /// How long the clients are alone before
        #[arg(long, default_value_t = 10)]
        calm: u64,

        /// The program; without it, the one of this workspace is built
        #[arg(long)]
        linecard: Option<PathBuf>,
    }

    pub(crate) fn main() -> Result<ExitCode, Box<dyn Error>> {
        let options = Options::parse();
        let linecard = options.linecard.map_or_else(build, Ok)?;
        let plan = Plan {
            calm: Duration::from_secs(options.calm),
            storm: Duration::from_secs(options.seconds),
            ..Plan::FULL.scaled(options.scale)
        };
        let (plan, words) = fit(plan);
        say(words.as_ref());
        println!("{plan}");
        let report = run(&linecard.to_string_lossy(), plan)?;
        print!("{report}");
        say(words.as_ref());

        let mut broken = report.broken();
        if report.is_slow() {
            broken.push("the 99th percentile is over its limit".into());
        }
        broken.extend(
            report.weak().map(|attacker| format!("{} was weaker than planned", attacker.name)),
        );
        for words in &broken {
            println!("BROKEN  {words}");
        }
        if broken.is_empty() {
            println!("every promise was kept");
            return Ok(ExitCode::SUCCESS);
        }
        Ok(ExitCode::FAILURE)
    }

    /// Before the run and after it, lest it scroll away.
    fn say(words: Option<&String>) {
        if let Some(words) = words {
            eprintln!("{words}");
        }
    }

    /// Builds the program as this one was built, and says where it is.
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
    eprintln!("this looks into /proc, which only Linux has");
    std::process::ExitCode::from(2)
}
