//! The TAP examples against the kernel's TCP, each test in a network namespace of its own. They
//! need neither root nor set-up.
//!
//! A test here runs this program again inside `examples/tap`, with the test of the same name in
//! `inside`. Where no TAP device is available, this is reported on standard error, and with
//! `CI=true` the test fails.

#![cfg(target_os = "linux")]

#[path = "tap/inside.rs"]
mod inside;

use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use linecard_suite::prerequisite;
use linecard_suite::process::{self, Finished};

/// Longer than any test takes, on a busy machine.
const LIMIT: Duration = Duration::from_mins(9);

fn script() -> String {
    format!("{}/examples/tap", env!("CARGO_MANIFEST_DIR"))
}

fn in_tap(command: &[&str]) -> Finished {
    process::run(&script(), command, LIMIT)
}

/// Whether a TAP device is available. Builds the examples that the tests run, which
/// `cargo test --test tap` doesn't.
fn is_ready() -> bool {
    static READY: OnceLock<bool> = OnceLock::new();
    *READY.get_or_init(|| {
        let probe = in_tap(&["true"]);
        if probe.status != Some(0) {
            prerequisite::missing(probe.stderr.trim());
            return false;
        }
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--locked",
            "--example",
            "tap_server",
            "--example",
            "tap_client",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo").success());
        true
    })
}

fn inside(name: &str) {
    if is_ready() {
        let program = std::env::current_exe().expect("this program");
        let program = program.to_str().expect("UTF-8");
        let name = format!("inside::{name}");
        let done = in_tap(&[program, "--exact", &name, "--ignored", "--nocapture"]);
        let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status == Some(0), "{stdout}\n{}", done.stderr);
        assert!(stdout.contains("1 passed"), "{stdout}");
        eprint!("{}", done.stderr);
    }
}

#[test]
fn each_ignored_test_is_run_by_one_that_is_not() {
    let program = std::env::current_exe().expect("this program");
    let program = program.to_str().expect("UTF-8");
    let listed = |options: &[&str]| {
        let list = process::run(program, options, LIMIT).stdout;
        let list = String::from_utf8(list).expect("UTF-8");
        list.lines().filter_map(|line| line.strip_suffix(": test").map(str::to_owned)).collect()
    };
    let all: Vec<String> = listed(&["--list"]);
    let ignored: Vec<String> = listed(&["--list", "--ignored"]);
    assert!(!ignored.is_empty(), "{all:?}");
    for name in ignored {
        let outside = name.strip_prefix("inside::").expect("only those inside are ignored");
        assert!(all.iter().any(|name| name == outside), "nothing runs {name}");
    }
}

#[test]
fn the_suite_passes() {
    inside("the_suite_passes");
}

#[test]
fn the_suites_timeouts_pass() {
    inside("the_suites_timeouts_pass");
}

#[test]
fn the_tool_calls_the_example_server() {
    inside("the_tool_calls_the_example_server");
}

#[test]
fn the_example_client_calls_the_tools_server() {
    inside("the_example_client_calls_the_tools_server");
}

#[test]
fn after_thousands_of_connects_and_resets_every_slot_is_alive() {
    inside("after_thousands_of_connects_and_resets_every_slot_is_alive");
}

#[test]
fn among_hostile_peers_a_client_is_answered_and_every_slot_is_alive() {
    inside("among_hostile_peers_a_client_is_answered_and_every_slot_is_alive");
}

#[test]
fn with_loss_and_corruption_every_call_completes_and_no_reply_is_wrong() {
    inside("with_loss_and_corruption_every_call_completes_and_no_reply_is_wrong");
}

#[test]
fn a_deleted_device_ends_the_server_with_one_line() {
    inside("a_deleted_device_ends_the_server_with_one_line");
}

#[test]
fn each_wrong_option_is_reported_in_one_line() {
    inside("each_wrong_option_is_reported_in_one_line");
}

#[test]
fn the_script_passes_status_and_signals_through() {
    if !is_ready() {
        return;
    }
    assert_eq!(in_tap(&["sh", "-c", "exit 7"]).status, Some(7));
    assert_eq!(in_tap(&["sh", "-c", "kill -TERM $$"]).status, None, "ended by the signal");
    let usage = in_tap(&[]);
    assert_eq!((usage.status, usage.stderr.lines().count()), (Some(1), 1), "{usage:?}");
}
