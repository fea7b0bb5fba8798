//! The TAP examples against the kernel's own TCP, each test in a network namespace of its own: no
//! root, no set-up.
//!
//! A test here runs this program again inside `examples/tap`, where the test of the same name in
//! `inside` does the work. Where no TAP device is to be had, that is said on standard error, and
//! under `CI=true` it is a failure.

#![cfg(target_os = "linux")]

#[path = "tap/inside.rs"]
mod inside;

use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use linecard_suite::prerequisite;
use linecard_suite::process::{self, Finished};

/// More than any test here takes, on a busy machine.
const LIMIT: Duration = Duration::from_mins(9);

fn script() -> String {
    format!("{}/examples/tap", env!("CARGO_MANIFEST_DIR"))
}

fn in_tap(command: &[&str]) -> Finished {
    process::run(&script(), command, LIMIT)
}

/// Whether there is a TAP device to be had, and the examples that the tests run: `cargo test --test
/// tap` alone would not build them.
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
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status == Some(0), "{said}\n{}", done.stderr);
        assert!(said.contains("1 passed"), "{said}");
        eprint!("{}", done.stderr);
    }
}

/// What is ignored here is run there.
#[test]
fn each_test_inside_has_one_outside() {
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
fn the_suites_deadlines_pass() {
    inside("the_suites_deadlines_pass");
}

#[test]
fn the_tool_and_the_server_understand_each_other() {
    inside("the_tool_and_the_server_understand_each_other");
}

#[test]
fn the_client_and_the_tool_understand_each_other() {
    inside("the_client_and_the_tool_understand_each_other");
}

#[test]
fn thousands_come_and_are_reset_and_every_slot_is_alive() {
    inside("thousands_come_and_are_reset_and_every_slot_is_alive");
}

#[test]
fn among_enemies_of_every_kind_a_caller_is_answered_and_every_slot_is_alive() {
    inside("among_enemies_of_every_kind_a_caller_is_answered_and_every_slot_is_alive");
}

#[test]
fn in_loss_and_corruption_every_call_completes_and_no_reply_is_wrong() {
    inside("in_loss_and_corruption_every_call_completes_and_no_reply_is_wrong");
}

#[test]
fn a_link_that_goes_away_ends_the_server_with_one_line() {
    inside("a_link_that_goes_away_ends_the_server_with_one_line");
}

#[test]
fn what_cannot_be_is_one_clear_line() {
    inside("what_cannot_be_is_one_clear_line");
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
