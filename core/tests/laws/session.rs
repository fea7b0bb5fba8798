//! Frames in, replies out: the error table and its order, limits, skipping, backpressure, the end.

use linecard_core::{
    Answered, Code, Frame, Instant, Limits, OutBuf, Reply, Service, Session, Step, Want, refuse,
};

use crate::support::{SMALL, Server, TestService, answer};

/// What `bytes` get, received one by one.
fn byte_by_byte(limits: &Limits, bytes: &[u8]) -> String {
    let mut server = Server::new(limits);
    bytes.iter().map(|byte| server.feed([*byte])).collect()
}

/// What `bytes` get, at once and byte by byte, and whether the session closes.
fn exchange(bytes: impl AsRef<[u8]>) -> (String, bool) {
    let bytes = bytes.as_ref();
    let mut server = Server::new(&SMALL);
    let whole = server.feed(bytes);
    assert_eq!(whole, byte_by_byte(&SMALL, bytes), "the cut changed the replies");
    (whole, server.is_closed())
}

/// The connection stays open and in sync after `bytes` and their reply.
fn stays(bytes: impl AsRef<[u8]>, reply: &str) {
    assert_eq!(exchange(bytes.as_ref()), (reply.into(), false));
    let then = [bytes.as_ref(), b"ECHO #9\nin sync\n"].concat();
    assert_eq!(exchange(then), (format!("{reply}OK #9\nin sync\n"), false));
}

/// The connection closes after `bytes` and their reply.
fn closes(bytes: impl AsRef<[u8]>, reply: &str) {
    assert_eq!(exchange(bytes.as_ref()), (reply.into(), true));
    let then = [bytes.as_ref(), b"\nECHO #9\nnever\n"].concat();
    assert_eq!(exchange(then), (reply.into(), true));
}

#[test]
fn requests_are_answered_in_order_with_their_tags() {
    stays("ECHO\nhi\n", "OK\nhi\n");
    stays("ECHO #0\nhi\nECHO 2 #4294967295\nho\n", "OK #0\nhi\nOK #4294967295\nho\n");
    stays("ECHO 0\n\nECHO\n\n", "OK\n\nOK\n\n");
    stays("ECHO 5\na\nb\r\n\nECHO\nx\n", "OK 5\na\nb\r\n\nOK\nx\n");
}

#[test]
fn one_cr_before_the_lf_of_a_line_is_dropped() {
    stays("ECHO #1\r\nhi\r\n", "OK #1\nhi\n");
    stays("ECHO 2\r\nhi\n", "OK\nhi\n");
    stays("ECHO\nh\ri\r\r\n", "OK 4\nh\ri\r\n");
    stays("ECHO 3\nhi\r\n", "OK 3\nhi\r\n");
    closes("ECHO 2\nhi\r\n", "ERR\ndesync\n");
    closes("ECHO\r\r\nhi\n", "ERR\nbad-head\n");
    closes("ECHO\r #1\nhi\n", "ERR\nbad-head\n");
}

#[test]
fn a_bad_head_closes() {
    let bad = [
        "",
        " ",
        "\r",
        "9LIVES",
        "-A",
        ".A",
        "_A",
        "#1",
        "A ",
        "A  1",
        "A 1 ",
        "A #",
        "A #x",
        "A # 1",
        "A 01",
        "A 00",
        "A #01",
        "A +1",
        "A -1",
        "A 1x",
        "A 1#2",
        "A 1 2",
        "A #1 2",
        "A 1 #2 ",
        "A #1 #2",
        "A\t1",
        "A 4294967296",
        "A #4294967296",
        "A 99999999999",
        "A/B",
        "A\0",
        "é",
    ];
    for line in bad {
        closes(format!("{line}\n"), "ERR\nbad-head\n");
    }
    closes(b"A\xff\n", "ERR\nbad-head\n");
    closes(format!("{}\n", "n".repeat(33)), "ERR\nbad-head\n");
}

#[test]
fn a_head_is_checked_at_its_lf_or_after_57_bytes() {
    let longest = format!("{} 1 #4294967295", "n".repeat(32));
    assert_eq!(
        answer(&SMALL, format!("{longest}\nx\n")),
        format!("ERR #4294967295\nunknown-command {}\n", "n".repeat(32))
    );
    let longest = format!("{} 4294967295 #4294967295", "n".repeat(32));
    closes(format!("{longest}\r\n"), "ERR #4294967295\ntoo-large over 32\n");
    for filler in ["n", " ", "\0", "\r"] {
        assert_eq!(exchange(filler.repeat(56)), (String::new(), false), "rejected too early");
        closes(filler.repeat(57), "ERR\nbad-head\n");
    }
    closes(format!("{longest}\rx"), "ERR\nbad-head\n");
    closes(format!("{}\n", "n".repeat(56)), "ERR\nbad-head\n");
}

#[test]
fn a_counted_body_without_its_lf_is_a_desync() {
    closes("ECHO 2 #3\nabc", "ERR #3\ndesync\n");
    closes("FROB 2\nabc", "ERR\ndesync\n");
    closes("ECHO 0\nx", "ERR\ndesync\n");
    closes(format!("ECHO 20 #3\n{}", "x".repeat(21)), "ERR #3\ndesync\n");
}

#[test]
fn a_body_at_the_limit_is_legal() {
    let full = "x".repeat(16);
    stays(format!("ECHO 16\n{full}\n"), &format!("OK\n{full}\n"));
    stays(format!("ECHO\n{full}\n"), &format!("OK\n{full}\n"));
    stays(format!("ECHO\n{full}\r\n"), &format!("OK\n{full}\n"));
}

#[test]
fn a_body_over_the_limit_is_skipped() {
    let over = "x".repeat(17);
    let refused = "ERR #3\ntoo-large over 16\n";
    stays(format!("ECHO 17 #3\n{over}\n"), refused);
    stays(format!("ECHO #3\n{over}\n"), refused);
    stays(format!("ECHO #3\n{over}\r\n"), refused);
    stays(format!("ECHO #3\n{}\r\r\n", "x".repeat(16)), refused);
    stays(format!("ECHO 20 #3\n{}\n", "\n\r\n\r".repeat(5)), refused);
}

#[test]
fn a_body_at_the_skip_budget_is_skipped_and_one_byte_more_closes() {
    let skipped = "ERR #3\ntoo-large over 16\n";
    let fatal = "ERR #3\ntoo-large over 32\n";
    let budget = "x".repeat(32);
    stays(format!("ECHO 32 #3\n{budget}\n"), skipped);
    stays(format!("ECHO #3\n{budget}\n"), skipped);
    stays(format!("ECHO #3\n{budget}\r\n"), skipped);
    closes("ECHO 33 #3\n", fatal);
    closes(format!("ECHO #3\n{budget}x\n"), fatal);
    closes(format!("ECHO #3\n{budget}x"), fatal);
    closes(format!("ECHO #3\n{budget}\rx"), fatal);
    closes(format!("ECHO #3\n{budget}\r\r"), fatal);
    assert_eq!(exchange(format!("ECHO #3\n{budget}\r")), (String::new(), false));
}

#[test]
fn a_length_is_refused_before_the_body_arrives() {
    closes("ECHO 4294967295 #3\n", "ERR #3\ntoo-large over 32\n");
    let mut server = Server::new(&SMALL);
    server.feed("ECHO 32\n");
    assert_eq!(server.unconsumed(), 0, "a skipped body is buffered");
    server.feed("x".repeat(31));
    assert_eq!(server.unconsumed(), 0, "a skipped body is buffered");
}

#[test]
fn a_skip_budget_below_the_body_limit_counts_as_the_body_limit() {
    let limits = Limits { skip_budget: 0, ..SMALL };
    let full = "x".repeat(16);
    for frame in [format!("ECHO 16\n{full}\n"), format!("ECHO\n{full}\n")] {
        assert_eq!(answer(&limits, frame), format!("OK\n{full}\n"));
    }
    for frame in ["ECHO 17\n".to_owned(), format!("ECHO\n{full}x")] {
        assert_eq!(answer(&limits, frame), "ERR\ntoo-large over 16\n");
    }
}

#[test]
fn a_body_limit_of_zero_accepts_empty_bodies() {
    let limits = Limits { max_body_len: 0, skip_budget: 1, ..SMALL };
    let frames = "ECHO\n\nECHO 0\n\nECHO\n\r\nECHO 1\nx\nECHO\nx\nECHO\n\n";
    let refused = "ERR\ntoo-large over 0\n";
    let expected = format!("OK\n\nOK\n\nOK\n\n{refused}{refused}OK\n\n");
    assert_eq!(answer(&limits, frames), expected);
    assert_eq!(byte_by_byte(&limits, frames.as_bytes()), expected);
}

#[test]
fn framing_errors_come_before_dispatch() {
    stays(format!("FROB 17 #1\n{}\n", "x".repeat(17)), "ERR #1\ntoo-large over 16\n");
    closes("FROB 2 #1\nabc\n", "ERR #1\ndesync\n");
    stays("FROB 3 #7\nabc\n", "ERR #7\nunknown-command FROB\n");
    for name in ["OK", "ERR", "MORE", "LC.x", "echo"] {
        stays(format!("{name} #1\nx\n"), &format!("ERR #1\nunknown-command {name}\n"));
    }
}

#[test]
fn replies_before_a_fatal_error_are_sent() {
    closes("ECHO #1\na\nECHO #2\nb\n!\n", "OK #1\na\nOK #2\nb\nERR\nbad-head\n");
}

#[test]
fn the_service_is_notified_of_refusals_by_the_session() {
    let mut server = Server::new(&SMALL);
    server.feed(format!("ECHO\na\nECHO 17\n{}\n!\n", "x".repeat(17)));
    assert_eq!(server.service.log, ["ECHO a", "! too-large", "! bad-head"]);
}

#[test]
fn the_length_of_the_frame_is_reported_once_known() {
    let mut server = Server::new(&SMALL);
    let mut wants = |bytes: &str| {
        server.feed(bytes);
        server.want()
    };
    assert_eq!(wants("ECHO 16"), Want::Input { frame_len: None });
    assert_eq!(wants("\n"), Want::Input { frame_len: Some(25) });
    assert_eq!(wants("0123456789abcdef"), Want::Input { frame_len: Some(25) });
    assert_eq!(wants("\n"), Want::Input { frame_len: None });
    assert_eq!(wants("ECHO\nabc"), Want::Input { frame_len: None });
}

/// Steps with `free` bytes of output.
fn step_into(session: &mut Session<'_>, input: &[u8], free: usize) -> (usize, String) {
    let mut buf = vec![0; free];
    let (consumed, step) =
        session.step(Instant::from_millis(0), input, false, &mut OutBuf::new(&mut buf));
    (consumed, format!("{step:?}"))
}

#[test]
fn a_request_is_handed_out_only_when_the_longest_reply_fits() {
    let free = SMALL.max_reply_frame_len();
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let input = b"ECHO #1\nhi\n";
    for _again in 0..3 {
        let (consumed, step) = step_into(&mut session, input, free - 1);
        assert_eq!((consumed, step.as_str()), (0, &*format!("Wait(Output {{ free: {free} }})")));
    }
    let (consumed, step) = step_into(&mut session, input, free);
    assert_eq!(consumed, input.len());
    assert!(step.starts_with("Request"), "{step}");
}

#[test]
fn the_longest_frames_are_computed_exactly() {
    let longest_error = "ERR #4294967295\nunknown-command ".len() + 96 + 1;
    assert_eq!(Limits { max_reply_len: 0, ..SMALL }.max_reply_frame_len(), longest_error);
    let longest_ok = "OK 4294967295 #4294967295\n".len() + 65_536 + 1;
    assert_eq!(Limits::DESKTOP.max_reply_frame_len(), longest_ok);
    assert_eq!(Limits::DEVICE.max_request_frame_len(), 57 + 2_048 + 2);
}

#[test]
fn a_handler_runs_once_however_often_output_is_blocked() {
    let free = SMALL.max_reply_frame_len();
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let mut service = TestService::default();
    let mut input = b"FILL #1\n64\nFILL #2\n64\nFILL #3\n64\n".to_vec();
    let mut sent = Vec::new();
    let mut buf = vec![0; free + 100];
    for round in 0.. {
        assert!(round < 10, "it loops without end");
        let mut out = OutBuf::new(&mut buf);
        let pump = linecard_core::pump;
        let (consumed, want) =
            pump(&mut session, &mut service, Instant::from_millis(0), &input, false, &mut out);
        input.drain(..consumed);
        assert!(matches!(want, Want::Output { .. }) || input.is_empty());
        sent.extend_from_slice(out.written());
        if input.is_empty() {
            break;
        }
    }
    assert_eq!(sent.len(), 3 * 71);
    assert_eq!(service.log, ["FILL 64", "FILL 64", "FILL 64"]);
}

#[test]
fn a_request_left_unanswered_gets_failed() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let mut buf = vec![0; 1_000];
    let mut out = OutBuf::new(&mut buf);
    let input = b"ECHO #5\nhi\nECHO\nho\n";
    let (first, step) = session.step(Instant::from_millis(0), input, false, &mut out);
    assert!(matches!(step, Step::Request(_)));
    let (none, step) = session.step(Instant::from_millis(0), &input[first..], false, &mut out);
    assert!(matches!(step, Step::Refused(Code::Failed)));
    assert_eq!(none, 0);
    let (_, step) = session.step(Instant::from_millis(0), &input[first..], false, &mut out);
    assert!(matches!(step, Step::Request(frame) if frame.body.bytes() == b"ho"));
    assert_eq!(out.written(), b"ERR #5\nfailed no answer\n");
}

/// The next step with enough output refuses the request that has the tag 5.
fn assert_refused_as_unanswered(session: &mut Session<'_>) {
    let mut buf = vec![0; SMALL.max_reply_frame_len()];
    let mut out = OutBuf::new(&mut buf);
    let (_, step) = session.step(Instant::from_millis(0), b"", false, &mut out);
    assert!(matches!(step, Step::Refused(Code::Failed)));
    assert_eq!(out.written(), b"ERR #5\nfailed no answer\n");
}

#[test]
fn the_reply_to_an_unanswered_request_waits_for_output_space() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let (_, step) = step_into(&mut session, b"ECHO #5\nhi\n", SMALL.max_reply_frame_len());
    assert!(step.starts_with("Request"), "{step}");
    let (_, step) = step_into(&mut session, b"", 3);
    assert!(step.starts_with("Wait(Output"), "{step}");
    assert_refused_as_unanswered(&mut session);
}

#[test]
fn a_reply_that_does_not_fit_is_still_pending() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let (_, step) = step_into(&mut session, b"ECHO #5\nhi\n", SMALL.max_reply_frame_len());
    assert!(step.starts_with("Request"), "{step}");
    let _sent = session.reply(&mut OutBuf::new(&mut [0; 3])).text("hi");
    assert_refused_as_unanswered(&mut session);
}

#[test]
fn an_end_inside_a_frame_gets_no_reply() {
    for cut in ["E", "ECHO", "ECHO #1\n", "ECHO #1\nhi", "ECHO 3\nhi", "ECHO 2\nhi", "ECHO 20\nhi"]
    {
        let mut server = Server::new(&SMALL);
        server.feed("ECHO #0\nfirst\n");
        server.feed(cut);
        assert_eq!((server.end().as_str(), server.is_closed()), ("", true), "{cut:?}");
    }
    let mut server = Server::new(&SMALL);
    server.feed(format!("ECHO\n{}", "x".repeat(20)));
    assert_eq!((server.end().as_str(), server.is_closed()), ("", true));
}

/// One pump into `free` bytes of output: what was sent, and what `pump` returned.
fn pump_into(
    session: &mut Session<'_>,
    service: &mut dyn Service,
    now: Instant,
    (input, end): (&str, bool),
    free: usize,
) -> (String, (usize, Want)) {
    let mut buf = vec![0; free];
    let mut out = OutBuf::new(&mut buf);
    let returned = linecard_core::pump(session, service, now, input.as_bytes(), end, &mut out);
    (String::from_utf8_lossy(out.written()).into_owned(), returned)
}

#[test]
fn pending_replies_are_sent_at_the_end() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let input = ("ECHO\na\nECHO\nb\nECHO\nc", true);
    let (sent, (_, want)) =
        pump_into(&mut session, &mut TestService::default(), Instant::from_millis(0), input, 1_000);
    assert_eq!((sent.as_str(), want), ("OK\na\nOK\nb\n", Want::Close));
}

#[test]
fn the_end_after_a_whole_request_closes_at_once() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let input = ("ECHO\na\n", true);
    let (sent, returned) =
        pump_into(&mut session, &mut TestService::default(), Instant::from_millis(0), input, 1_000);
    assert_eq!((sent.as_str(), returned), ("OK\na\n", (7, Want::Close)));
}

/// Answers only every other request, and returns an `Answered` of an earlier one for the rest.
struct ReusesAnswers(Option<Answered>);

impl Service for ReusesAnswers {
    fn call(&mut self, _: &Frame<'_>, mut reply: Reply<'_>) -> Answered {
        self.0.take().unwrap_or_else(|| {
            self.0 = Some(reply.reborrow().text("a"));
            reply.text("b")
        })
    }
}

#[test]
fn an_unanswered_request_gets_failed_in_the_same_pump() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let input = "ECHO #1\nx\nECHO #2\ny\nECHO #3\nx\nECHO #4\ny\n";
    let (sent, returned) = pump_into(
        &mut session,
        &mut ReusesAnswers(None),
        Instant::from_millis(0),
        (input, false),
        1_000,
    );
    assert_eq!(returned, (input.len(), Want::Input { frame_len: None }));
    let replies = "OK #1\na\nERR #2\nfailed no answer\nOK #3\na\nERR #4\nfailed no answer\n";
    assert_eq!(sent, replies);
}

#[test]
fn requests_after_the_close_are_not_carried_out() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let mut service = TestService::default();
    let late = Instant::default().saturating_add(SMALL.idle_timeout);
    let first = pump_into(&mut session, &mut service, late, ("", false), 1_000);
    assert_eq!(first, ("ERR\ntimeout\n".into(), (0, Want::Close)));
    let again = pump_into(&mut session, &mut service, late, ("ECHO\nhi\n", false), 1_000);
    assert_eq!(again, (String::new(), (0, Want::Close)));
}

#[test]
fn a_reply_that_leaves_too_little_space_blocks_at_once() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let free = SMALL.max_reply_frame_len();
    let input = ("ECHO\nhi\n", false);
    let (_, returned) =
        pump_into(&mut session, &mut TestService::default(), Instant::from_millis(0), input, free);
    assert_eq!(returned, (8, Want::Output { free }));
    assert_eq!(session.deadline(), None, "the clock is paused");
}

#[test]
fn the_clock_resumes_when_there_is_output_space() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    session.block(Instant::from_millis(0));
    let (input, now) = (("ECHO\nhi\n", false), Instant::from_millis(7));
    let (_, returned) = pump_into(&mut session, &mut TestService::default(), now, input, 1_000);
    assert_eq!(returned, (8, Want::Input { frame_len: None }));
    assert_eq!(session.deadline(), Some(now.saturating_add(SMALL.idle_timeout)));
}

#[test]
fn a_closed_session_stays_closed_and_consumes_nothing() {
    let mut server = Server::new(&SMALL);
    assert_eq!(server.feed("!\n"), "ERR\nbad-head\n");
    for _again in 0..3 {
        let unconsumed = server.unconsumed();
        assert_eq!(server.feed("ECHO\nhi\n"), "");
        assert_eq!(server.unconsumed(), unconsumed + 8);
        assert!(server.is_closed());
    }
    assert_eq!(server.session.deadline(), None);
    assert_eq!(server.end(), "");
}

#[test]
fn an_untagged_refusal_needs_no_session() {
    let mut buf = [0; 9];
    let mut out = OutBuf::new(&mut buf);
    assert!(refuse(Code::Busy, &mut out));
    assert_eq!(out.written(), b"ERR\nbusy\n");
    let mut out = OutBuf::new(&mut buf[..8]);
    assert!(!refuse(Code::Busy, &mut out));
    assert_eq!(out.written(), b"");
}

#[test]
fn state_is_small() {
    let state = size_of::<Session<'_>>() - size_of::<&Limits>();
    let client = size_of::<linecard_core::ClientSession<8>>();
    println!(
        "a session: {state} bytes and a reference to its limits; a client of 8 calls: {client}"
    );
    if cfg!(target_pointer_width = "64") {
        assert!(state <= 56, "{state}");
        assert!(client <= 168, "{client}");
    }
}
