//! The suite passes against a conforming server. For each flaw of a server, a case fails.

mod server;

use std::time::Duration;

use linecard_suite::cases;
use linecard_suite::oracle::Limits;
use linecard_suite::target::Target;
use linecard_suite::vectors::Vectors;
use server::{Flaw, Settings};

fn target(settings: &Settings) -> Target {
    Target {
        limits: settings.limits,
        frame_deadline: Some(settings.frame_deadline),
        idle_timeout: Some(settings.idle_timeout),
        connection_limit: settings.connection_limit,
        connections: settings.connection_limit.unwrap_or(16),
        ..Target::desktop(server::start(*settings))
    }
}

fn short() -> Settings {
    Settings {
        frame_deadline: Duration::from_millis(400),
        idle_timeout: Duration::from_millis(600),
        ..Settings::default()
    }
}

#[test]
fn all_cases_pass() {
    let target = target(&Settings::default());
    cases::assert_all_pass(&target, &cases::all(&target));
}

#[test]
fn all_cases_pass_with_a_devices_limits() {
    let settings =
        Settings { limits: Limits::DEVICE, connection_limit: Some(4), ..Settings::default() };
    let target = target(&settings);
    cases::assert_all_pass(&target, &cases::all(&target));
}

#[test]
fn timed_cases_pass() {
    let target = target(&short());
    cases::assert_all_pass(&target, &cases::timed(&target));
}

#[test]
fn vectors_pass_at_their_own_limits() {
    let mut seen: Vec<Limits> = Vec::new();
    for limits in Vectors::load().server.into_iter().filter_map(|vector| vector.limits) {
        if !seen.contains(&limits) {
            seen.push(limits);
            let target = target(&Settings { limits, ..Settings::default() });
            cases::assert_all_pass(&target, &cases::at_these_limits(&target));
        }
    }
}

/// The cases that fail against a server with this flaw.
fn failures(flaw: Flaw, settings: Settings, only: &str) -> Vec<String> {
    let mut target = target(&Settings { flaw, ..settings });
    target.patience = Duration::from_secs(3);
    let mut cases = cases::all(&target);
    cases.retain(|case| case.name.contains(only));
    assert!(!cases.is_empty(), "no case named {only}");
    cases::run(&target, &cases, |_, _| {})
}

#[test]
fn running_the_rest_of_a_broken_frame_fails() {
    let failed =
        failures(Flaw::RunsRestOfBrokenFrame, Settings::default(), "vector: counted body longer");
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[test]
fn losing_tags_fails() {
    let failed = failures(Flaw::LosesTags, Settings::default(), "500 requests in one write");
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[test]
fn losing_partial_frames_fails() {
    let failed =
        failures(Flaw::LosesPartialFrames, Settings::default(), "cut in two at every byte");
    assert_eq!(failed.len(), 1, "{failed:?}");
    let failed = failures(Flaw::LosesPartialFrames, Settings::default(), "byte by byte");
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[test]
fn closing_with_a_reset_fails() {
    let failed = failures(Flaw::Resets, Settings::default(), "flood");
    assert_eq!(failed.len(), 6, "{failed:?}");
}

#[test]
fn accepting_one_byte_too_many_fails() {
    let failed = failures(Flaw::AcceptsOneMore, Settings::default(), "around the body limit");
    assert_eq!(failed.len(), 5, "{failed:?}");
}

#[test]
fn moving_the_deadline_fails() {
    let failed = failures(Flaw::MovesDeadline, short(), "trickle in");
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[test]
fn closing_without_busy_fails() {
    let settings = Settings { connection_limit: Some(2), ..Settings::default() };
    let failed = failures(Flaw::SilentWhenFull, settings, "one connection too many");
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[test]
fn accepting_any_payload_fails() {
    let failed = failures(Flaw::AcceptsAnyPayload, Settings::default(), "hostile payloads");
    assert_eq!(failed.len(), 1, "{failed:?}");
}
