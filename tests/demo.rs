//! `linecard` without arguments, and `linecard demo`.

use std::time::Duration;

use linecard_suite::process::{self, Finished};

const LINECARD: &str = env!("CARGO_BIN_EXE_linecard");

fn run(args: &[&str]) -> Finished {
    process::run(LINECARD, args, Duration::from_mins(1))
}

fn shows_both_exchanges(ended: &Finished) {
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
    let text = String::from_utf8(ended.stdout.clone()).expect("UTF-8");
    let times = |words: &str| text.matches(words).count();
    for words in ["STRING", "Additional data.", "Thank you.", "COMPLEX"] {
        assert!(times(words) >= 1, "no {words:?} in:\n{text}");
    }
    // The struct on both sides, outer and inner.
    for words in ["string data", "Recursive structs? Piece of cake!"] {
        assert!(times(words) >= 2, "{words:?} less than twice in:\n{text}");
    }
}

#[test]
fn without_arguments_it_shows_both_exchanges() {
    shows_both_exchanges(&run(&[]));
}

#[test]
fn demo_shows_both_exchanges() {
    shows_both_exchanges(&run(&["demo"]));
}

#[test]
fn two_demos_can_run_at_once() {
    let other = std::thread::spawn(|| run(&["demo"]));
    shows_both_exchanges(&run(&["demo"]));
    shows_both_exchanges(&other.join().expect("a demo"));
}

#[test]
fn help_and_version_succeed() {
    for args in [&["--help"] as &[&str], &["serve", "--help"], &["call", "--help"], &["--version"]]
    {
        let ended = run(args);
        assert_eq!(ended.status, Some(0), "{args:?}: {ended:?}");
        assert!(!ended.stdout.is_empty(), "{args:?}: {ended:?}");
    }
}
