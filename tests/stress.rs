//! Load with hostile peers in it, in small. The whole thing: `cargo run --release -p linecard-stress`.
//!
//! How long calls take is printed and not judged here: other tests run at the same time.
#![cfg(target_os = "linux")]

use std::time::Duration;

use linecard_stress::{Plan, fit, run};
use linecard_suite::prerequisite;

#[test]
fn a_tenth_of_the_enemies() {
    let plan = Plan {
        calm: Duration::from_secs(1),
        storm: Duration::from_secs(4),
        ..Plan::FULL.scaled(0.1)
    };
    let (plan, scaled_down) = fit(plan);
    if let Some(words) = scaled_down {
        prerequisite::missing(&words);
    }
    let report = run(env!("CARGO_BIN_EXE_linecard"), plan).expect("what the clients need");
    println!("{report}");
    assert!(report.broken().is_empty(), "{:#?}", report.broken());
}
