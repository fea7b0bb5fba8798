//! The load test with hostile peers, small. The full one: `cargo run --release -p linecard-stress`.
//!
//! Latencies are printed and not checked: other tests run at the same time.
#![cfg(target_os = "linux")]

use std::time::Duration;

use linecard_stress::{Plan, fit, run};
use linecard_suite::prerequisite;

#[test]
fn clients_are_served_under_a_tenth_of_the_attack() {
    let plan = Plan {
        baseline: Duration::from_secs(1),
        attack: Duration::from_secs(4),
        ..Plan::FULL.scaled(0.1)
    };
    let (plan, warning) = fit(plan);
    if let Some(warning) = warning {
        prerequisite::missing(&warning);
    }
    let report = run(env!("CARGO_BIN_EXE_linecard"), plan).expect("resources for the clients");
    println!("{report}");
    assert!(report.failures().is_empty(), "{:#?}", report.failures());
}
