//! Time: frame timeout, idle timeout, stopping, the paused clock.

use std::time::Duration;

use linecard_core::{Instant, Limits, OutBuf, Session, Step, Want};

use crate::support::{SMALL, Server, TestService};

const TIMEOUT: &str = "ERR\ntimeout\n";
const STOPPING: &str = "ERR\nstopping\n";

#[test]
fn the_frame_timeout_runs_from_the_first_byte() {
    for start in ["E", "ECHO #1\nh", "ECHO 9 #1\nhi", "ECHO 20 #1\nhi"] {
        let mut server = Server::new(&SMALL);
        server.at(70);
        server.feed(start);
        assert_eq!(server.session.deadline(), Some(Instant::from_millis(1_070)));
        server.at(900);
        server.feed("x");
        assert_eq!(
            server.session.deadline(),
            Some(Instant::from_millis(1_070)),
            "another byte moved the deadline"
        );
        assert_eq!(server.at(1_069), "");
        assert_eq!((server.at(1_070).as_str(), server.is_closed()), (TIMEOUT, true));
        assert_eq!(server.session.deadline(), None);
    }
}

#[test]
fn a_whole_frame_is_accepted_even_after_its_deadline() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let mut buf = vec![0; 1_000];
    let mut out = OutBuf::new(&mut buf);
    let (_, step) = session.step(Instant::from_millis(0), b"ECHO #1\nhi", false, &mut out);
    assert!(matches!(step, Step::Wait(Want::Input { .. })));
    let (_, step) = session.step(Instant::from_millis(60_000), b"ECHO #1\nhi\n", false, &mut out);
    assert!(matches!(step, Step::Request(_)), "{step:?}");
}

#[test]
fn the_idle_timeout_runs_from_the_last_frame() {
    let mut server = Server::new(&SMALL);
    assert_eq!(server.session.deadline(), Some(Instant::from_millis(5_000)));
    server.at(4_999);
    assert_eq!(server.feed("ECHO #1\nhi\n"), "OK #1\nhi\n");
    assert_eq!(server.session.deadline(), Some(Instant::from_millis(9_999)));
    assert_eq!(server.at(9_998), "");
    assert_eq!((server.at(9_999).as_str(), server.is_closed()), (TIMEOUT, true));
}

#[test]
fn a_skipped_frame_restarts_the_idle_timeout() {
    let mut server = Server::new(&SMALL);
    server.at(3_000);
    server.feed(format!("ECHO 20\n{}\n", "x".repeat(20)));
    assert_eq!(server.session.deadline(), Some(Instant::from_millis(8_000)));
}

#[test]
fn each_frame_has_its_own_timeout() {
    let mut server = Server::new(&SMALL);
    server.feed("ECHO\na");
    server.at(600);
    server.feed("\nECHO\nb");
    assert_eq!(server.session.deadline(), Some(Instant::from_millis(1_600)));
    server.at(1_599);
    assert_eq!(server.feed("\n"), "OK\nb\n");
}

#[test]
fn an_endless_timeout_never_ends() {
    let limits = Limits { idle_timeout: Duration::MAX, frame_timeout: Duration::MAX, ..SMALL };
    let mut server = Server::new(&limits);
    assert_eq!(server.at(u64::MAX - 1), "");
    server.feed("ECHO\n");
    assert_eq!(server.session.deadline(), Some(Instant::MAX));
    assert_eq!(server.at(u64::MAX - 1), "");
    assert_eq!(server.feed("x\n"), "OK\nx\n");
}

#[test]
fn a_clock_that_goes_backwards_is_harmless() {
    let mut server = Server::new(&SMALL);
    server.at(3_000);
    server.feed("ECHO\n");
    assert_eq!(server.at(0), "");
    server.session.block(Instant::from_millis(0));
    assert_eq!(server.at(10), "");
    assert_eq!(server.feed("x\n"), "OK\nx\n");
}

#[test]
fn the_frame_timeout_is_paused_while_output_is_blocked() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let mut enough = vec![0; SMALL.max_reply_frame_len()];
    let mut none = [0; 0];
    let frame = b"ECHO #1\nhi";
    let (_, step) =
        session.step(Instant::from_millis(0), frame, false, &mut OutBuf::new(&mut enough));
    assert!(matches!(step, Step::Wait(Want::Input { .. })));
    for now in [400, 10_000, 50_000] {
        let (consumed, step) =
            session.step(Instant::from_millis(now), frame, false, &mut OutBuf::new(&mut none));
        assert!(matches!(step, Step::Wait(Want::Output { .. })));
        assert_eq!((consumed, session.deadline()), (0, None));
    }
    let (_, step) =
        session.step(Instant::from_millis(60_000), frame, false, &mut OutBuf::new(&mut enough));
    assert!(matches!(step, Step::Wait(Want::Input { .. })), "{step:?}");
    assert_eq!(
        session.deadline(),
        Some(Instant::from_millis(60_600)),
        "400 of 1,000 ms had passed"
    );
    let mut out = OutBuf::new(&mut enough);
    let (_, step) = session.step(Instant::from_millis(60_600), frame, false, &mut out);
    assert!(matches!(step, Step::Refused(_)));
    assert_eq!(out.written(), TIMEOUT.as_bytes());
}

#[test]
fn the_idle_timeout_is_paused_while_output_is_blocked() {
    let mut server = Server::new(&SMALL);
    server.at(1_000);
    server.session.block(Instant::from_millis(2_000));
    server.session.block(Instant::from_millis(3_000));
    assert_eq!(server.session.deadline(), None);
    assert_eq!(server.at(100_000), "");
    assert_eq!(server.session.deadline(), Some(Instant::from_millis(103_000)));
}

#[test]
fn unblocking_resumes_the_clock_where_it_was_paused() {
    let at = Instant::from_millis;
    let mut session = Session::new(&SMALL, at(0));
    session.block(at(2_000));
    session.unblock(at(60_000));
    assert_eq!(session.deadline(), Some(at(63_000)), "2 of 5 s had passed");
    session.unblock(at(61_000));
    assert_eq!(session.deadline(), Some(at(63_000)), "a running clock just goes on");
    session.block(at(62_999));
    session.unblock(at(62_999));
    assert_eq!(session.deadline(), Some(at(63_000)));
}

#[test]
fn restarting_gives_the_whole_timeout_again() {
    let at = Instant::from_millis;
    let mut server = Server::new(&SMALL);
    server.session.restart_timeout(at(4_000));
    assert_eq!(server.session.deadline(), Some(at(9_000)), "the idle timeout");
    server.at(4_000);
    server.feed("ECHO\nh");
    server.session.restart_timeout(at(4_900));
    assert_eq!(server.session.deadline(), Some(at(5_900)), "the frame timeout");
    server.session.block(at(5_500));
    server.session.restart_timeout(at(6_000));
    assert_eq!(server.session.deadline(), None, "it doesn't resume the clock");
    server.session.unblock(at(7_000));
    assert_eq!(server.session.deadline(), Some(at(8_000)));
    assert_eq!(server.at(7_999), "");
    assert_eq!((server.at(8_000).as_str(), server.is_closed()), (TIMEOUT, true));
    server.session.restart_timeout(at(8_000));
    assert_eq!(server.session.deadline(), None, "a closed session has no deadline");
}

#[test]
fn a_stop_between_frames_closes_at_once() {
    for by in [Instant::from_millis(500), Instant::MAX] {
        let mut server = Server::new(&SMALL);
        server.feed("ECHO\nhi\n");
        server.session.stop(by);
        assert_eq!((server.at(1).as_str(), server.is_closed()), (STOPPING, true));
    }
}

#[test]
fn a_stop_lets_only_the_current_frame_finish() {
    let mut server = Server::new(&SMALL);
    server.feed("ECHO #1\nhi");
    server.session.stop(Instant::from_millis(500));
    assert_eq!(server.session.deadline(), Some(Instant::from_millis(500)));
    assert_eq!(server.at(499), "");
    let sent = server.feed("\nECHO #2\nnever run\n");
    assert_eq!((sent, server.is_closed()), (format!("OK #1\nhi\n{STOPPING}"), true));
    assert_eq!(server.service.log, ["ECHO hi", "! stopping"]);
}

#[test]
fn after_a_stop_no_new_request_is_carried_out() {
    let mut server = Server::new(&SMALL);
    server.session.stop(Instant::from_millis(500));
    assert_eq!(server.feed("ECHO #1\nhi\n"), STOPPING);
    assert_eq!(server.service.log, ["! stopping"]);
}

#[test]
fn a_stop_ends_at_its_deadline() {
    let mut server = Server::new(&SMALL);
    server.feed("ECHO 20 #1\nhi");
    server.session.stop(Instant::from_millis(500));
    assert_eq!((server.at(500).as_str(), server.is_closed()), (STOPPING, true));
}

#[test]
fn a_stop_leaves_an_earlier_deadline_in_force() {
    let mut server = Server::new(&SMALL);
    server.feed("ECHO #1\nhi");
    server.session.stop(Instant::from_millis(2_000));
    assert_eq!(server.session.deadline(), Some(Instant::from_millis(1_000)));
    assert_eq!((server.at(1_000).as_str(), server.is_closed()), (TIMEOUT, true));
}

#[test]
fn a_fatal_error_while_stopping_is_reported() {
    let mut server = Server::new(&SMALL);
    server.feed("ECHO 2\nhi");
    server.session.stop(Instant::from_millis(500));
    assert_eq!((server.feed("!").as_str(), server.is_closed()), ("ERR\ndesync\n", true));
}

#[test]
fn the_end_of_the_stream_while_stopping_just_closes() {
    let mut server = Server::new(&SMALL);
    server.feed("ECHO 2\nhi");
    server.session.stop(Instant::from_millis(0));
    assert_eq!((server.end().as_str(), server.is_closed()), ("", true));
    let _: &TestService = &server.service;
}

#[test]
fn instants_and_durations_never_wrap() {
    let (early, late) = (Instant::from_millis(5), Instant::from_millis(7));
    assert_eq!(early.saturating_add(Duration::from_millis(2)), late);
    assert_eq!(early.saturating_add(Duration::MAX), Instant::MAX);
    assert_eq!(late.saturating_sub(Duration::from_millis(2)), early);
    assert_eq!(late.saturating_sub(Duration::MAX), Instant::default());
    assert_eq!(late.saturating_duration_since(early), Duration::from_millis(2));
    assert_eq!(early.saturating_duration_since(late), Duration::ZERO);
    assert_eq!(Instant::default().saturating_add(Duration::from_micros(1_999)).as_millis(), 1);
}
