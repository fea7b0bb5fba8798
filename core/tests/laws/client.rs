//! The client session: tags, order, late, forgotten and over-long replies, faults, the window.

use linecard_core::{
    Body, Bytes, ClientSession, Code, Command, Fault, Incoming, OutBuf, Postcard, Refusal,
    RequestError, Text,
};

struct Say;

impl Command for Say {
    const NAME: &'static str = "SAY";
    type Request<'i> = Text<'i>;
    type Reply<'i> = Text<'i>;
}

/// A client with `calls` calls in flight, with the tags 0, 1, …
fn waiting(calls: u32) -> ClientSession<8> {
    waiting_with(calls, 200)
}

fn waiting_with(calls: u32, max_reply_len: u32) -> ClientSession<8> {
    let mut client = ClientSession::new(max_reply_len, 1_000);
    for tag in 0..calls {
        let mut buf = [0; 64];
        assert_eq!(client.call::<Say>(&Text("hi"), &mut OutBuf::new(&mut buf)), Ok(tag));
    }
    client
}

/// What a client reports for `bytes`, received one by one, and then the end of the stream.
fn reports(mut client: ClientSession<8>, bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bytes = bytes.as_ref();
    let mut found = Vec::new();
    let (mut start, mut shown) = (0, 0);
    while found.last().is_none_or(|last: &String| !last.starts_with("Closed")) {
        let (consumed, incoming) = client.step(&bytes[start..shown], shown == bytes.len());
        start += consumed;
        assert!(found.len() <= bytes.len(), "it loops without end");
        match incoming {
            Incoming::NeedInput { .. } => shown += 1,
            Incoming::Reply { tag, body: Ok(Body::Line(line)) } => {
                found.push(format!("{tag} = {}", line.escape_ascii()));
            }
            Incoming::Reply { tag, body: Ok(Body::Counted(bytes)) } => {
                found.push(format!("{tag} == {}", bytes.escape_ascii()));
            }
            Incoming::Reply { tag, body: Err(Refusal { code, name, message }) } => {
                found.push(format!("{tag} ! {code} {name}: {message}"));
            }
            Incoming::TooLarge { tag, len } => found.push(format!("{tag} > {len}")),
            Incoming::Event(event) => found.push(format!("event {}", event.name)),
            Incoming::Skipped => found.push("skipped".into()),
            Incoming::Disconnected(Refusal { code, name, message }) => {
                found.push(format!("disconnected {code} {name}: {message}"));
            }
            Incoming::Closed(fault) => found.push(format!("Closed {fault:?}")),
        }
    }
    assert_eq!(client.step(b"OK #0\nhi\n", false), (0, Incoming::Closed(Fault::End)));
    let mut buf = [0; 64];
    let call = client.call::<Say>(&Text("hi"), &mut OutBuf::new(&mut buf));
    assert_eq!(call, Err(RequestError::Closed));
    found
}

#[test]
fn a_call_is_written_with_its_tag() {
    let mut client = ClientSession::<8>::new(200, 1_000);
    let mut buf = [0; 100];
    let mut out = OutBuf::new(&mut buf);
    assert_eq!(client.call::<Say>(&Text("hi"), &mut out), Ok(0));
    assert_eq!(client.call::<Say>(&Text("a\nb"), &mut out), Ok(1));
    assert_eq!(client.call_named("RAW", &Bytes(b""), &mut out), Ok(2));
    assert_eq!(client.call_named("ADD", &Postcard((1_u8, -1_i32)), &mut out), Ok(3));
    assert_eq!(out.written(), b"SAY #0\nhi\nSAY 3 #1\na\nb\nRAW 0 #2\n\nADD 2 #3\n\x01\x01\n");
    assert_eq!(client.unanswered(), 4);
}

#[test]
fn replies_are_matched_by_tag() {
    let bytes = "OK #0\na\nERR #1\nfailed no way\nOK 3 #2\nb\nc\n";
    assert_eq!(
        reports(waiting(3), bytes),
        ["0 = a", "1 ! failed failed: no way", "2 == b\\nc", "Closed End"]
    );
}

#[test]
fn late_replies_and_events_are_skipped() {
    let bytes = "OK #9\nlate\nTICK\nx\nERR #9\nfailed\nMORE #0\nx\nOK #0\na\nOK #0\nagain\n";
    assert_eq!(
        reports(waiting(1), bytes),
        ["skipped", "event TICK", "skipped", "event MORE", "0 = a", "skipped", "Closed End"]
    );
}

#[test]
fn the_reply_to_a_forgotten_call_is_skipped() {
    let mut client = waiting(3);
    client.forget(0);
    assert_eq!(client.unanswered(), 3);
    let answered = reports(client, "OK #0\na\nOK #1\nb\nERR #2\nfailed\n");
    assert_eq!(answered, ["skipped", "1 = b", "2 ! failed failed: ", "Closed End"]);

    let mut client = waiting(3);
    client.forget(0);
    client.forget(1);
    let (_, incoming) = client.step(b"OK #2\nc\n", false);
    assert_eq!(incoming, Incoming::Reply { tag: 2, body: Ok(Body::Line(b"c")) });
    assert_eq!(client.unanswered(), 0);
}

#[test]
fn a_given_up_call_answered_before_its_turn_is_nobodys() {
    let mut client = waiting(3);
    client.forget(1);
    let (consumed, incoming) = client.step(b"OK #1\n\nOK #0\na\n", false);
    assert_eq!((consumed, incoming), (7, Incoming::Skipped));
    assert_eq!(client.unanswered(), 3);
    assert_eq!(reports(client, "OK #0\na\nOK #2\nc\n"), ["0 = a", "2 = c", "Closed End"]);
}

#[test]
fn a_late_call_is_known_as_such() {
    let mut client = waiting(2);
    assert!(!client.is_late());
    client.forget(1);
    assert!(!client.is_late(), "the oldest is waited for");
    client.forget(0);
    assert!(client.is_late());
    let (_, incoming) = client.step(b"OK #1\n\n", false);
    assert_eq!((incoming, client.is_late()), (Incoming::Skipped, false));
}

#[test]
fn a_restart_forgets_calls_faults_and_halves_and_goes_on_with_fresh_tags() {
    let mut client = waiting(8);
    assert_eq!(client.step(b"OK 300 #0\nxx", false).0, 12);
    client.restart();
    assert_eq!(client.unanswered(), 0);
    let mut buf = [0; 64];
    assert_eq!(client.call::<Say>(&Text("hi"), &mut OutBuf::new(&mut buf)), Ok(8));
    assert_eq!(client.step(b"\n", false), (0, Incoming::Closed(Fault::Grammar)));
    client.restart();
    assert_eq!(client.call::<Say>(&Text("hi"), &mut OutBuf::new(&mut buf)), Ok(9));
    assert_eq!(reports(client, "OK #8\nlate\nOK #9\nb\n"), ["skipped", "9 = b", "Closed End"]);
}

#[test]
fn a_reply_out_of_order_is_a_fault() {
    assert_eq!(reports(waiting(2), "OK #1\nb\nOK #0\na\n"), ["Closed Order"]);
    let mut client = waiting(3);
    client.forget(1);
    assert_eq!(reports(client, "OK #2\nb\nOK #0\na\n"), ["Closed Order"]);
}

#[test]
fn an_untagged_error_is_for_the_connection() {
    let bytes = "OK #0\na\nERR\nstopping see you\nOK #1\nnever\n";
    assert_eq!(
        reports(waiting(2), bytes),
        ["0 = a", "disconnected stopping stopping: see you", "Closed End"]
    );
}

#[test]
fn an_unknown_code_counts_as_failed() {
    let bytes = "ERR #0\nquota-exceeded try tomorrow\n";
    assert_eq!(
        reports(waiting(1), bytes),
        ["0 ! failed quota-exceeded: try tomorrow", "Closed End"]
    );
    for code in Code::ALL {
        let bytes = format!("ERR #0\n{code} a  b \n");
        assert_eq!(reports(waiting(1), bytes)[0], format!("0 ! {code} {code}: a  b "));
    }
}

#[test]
fn frames_that_no_server_sends_are_faults() {
    for bytes in [
        "OK\nhi\n",
        "OK 2\nhi\n",
        "ERR 6 #0\nfailed\n",
        "ERR 6\nfailed\n",
        "ERR #0\n\n",
        "ERR\n\n",
        "ERR #0\n words\n",
        "ERR #0\nfa\tiled\n",
        "ERR #0\nfailed caf\u{e9}\n",
        "ERR #0\n\u{7f}\n",
        "\n",
        "!\n",
        "OK #x\nhi\n",
        "ERR #0\nfailed\r\r\n",
    ] {
        assert_eq!(reports(waiting(1), bytes), ["Closed Grammar"], "{bytes:?}");
    }
    assert_eq!(reports(waiting(1), b"ERR #0\nfail\xff\n"), ["Closed Grammar"]);
    assert_eq!(reports(waiting(1), "O".repeat(57)), ["Closed Grammar"]);
    assert_eq!(reports(waiting(1), "OK 1 #0\nhi\n"), ["Closed Desync"]);
    assert_eq!(reports(waiting(1), format!("OK 201 #0\n{}", "x".repeat(202))), ["Closed Desync"]);
}

#[test]
fn an_end_between_frames_differs_from_one_within() {
    assert_eq!(reports(waiting(1), ""), ["Closed End"]);
    assert_eq!(reports(waiting(1), "OK #0\nhi\n"), ["0 = hi", "Closed End"]);
    for cut in
        ["O", "OK #0\n", "OK #0\nhi", "OK 2 #0\nh", "OK 2 #0\nhi", "OK 201 #0\n", "OK 201 #0\nx"]
    {
        assert_eq!(reports(waiting(1), cut), ["Closed Truncated"], "{cut:?}");
    }
    assert_eq!(reports(waiting(1), format!("OK #0\n{}", "x".repeat(300))), ["Closed Truncated"]);
}

#[test]
fn an_end_within_a_skipped_reply_is_truncation() {
    for bytes in [format!("OK 201 #0\n{}", "x".repeat(201)), format!("OK #0\n{}", "x".repeat(300))]
    {
        let mut client = waiting(1);
        let (consumed, incoming) = client.step(bytes.as_bytes(), false);
        assert_eq!((consumed, incoming), (bytes.len(), Incoming::NeedInput { frame_len: None }));
        assert_eq!(client.step(b"", true), (0, Incoming::Closed(Fault::Truncated)));
    }
}

#[test]
fn a_reply_at_the_capacity_is_taken_and_a_longer_one_reported() {
    let full = "x".repeat(200);
    for head in ["OK 200 #0", "OK #0"] {
        assert!(reports(waiting(1), format!("{head}\n{full}\n"))[0].starts_with("0 ="), "{head}");
    }
    for head in ["OK 201 #0", "OK #0"] {
        let bytes = format!("{head}\n{full}x\nOK #1\nhi\n");
        assert_eq!(reports(waiting(2), bytes), ["0 > 201", "1 = hi", "Closed End"], "{head}");
    }
    let late = format!("OK 201 #9\n{full}x\nOK #0\nhi\n");
    assert_eq!(reports(waiting(1), late), ["skipped", "0 = hi", "Closed End"]);
    let event = format!("TICK 201\n{full}x\nOK #0\nhi\n");
    assert_eq!(reports(waiting(1), event), ["skipped", "0 = hi", "Closed End"]);
    let untagged = format!("OK 201\n{full}x\n");
    assert_eq!(reports(waiting(1), untagged), ["Closed Grammar"]);
    let error = format!("ERR #0\nfailed {full}\n");
    assert_eq!(reports(waiting(1), error), ["Closed Grammar"]);
    let order = format!("OK 201 #1\n{full}x\n");
    assert_eq!(reports(waiting(2), order), ["Closed Order"]);
}

#[test]
fn a_forgotten_reply_over_the_capacity_is_skipped() {
    let mut client = waiting(1);
    client.forget(0);
    let bytes = format!("OK 201 #0\n{}\n", "x".repeat(201));
    assert_eq!(reports(client, bytes), ["skipped", "Closed End"]);
}

#[test]
fn the_longest_error_fits_every_client() {
    let words = "w".repeat(96);
    let bytes = format!("ERR #0\nunknown-command {words}\n");
    let expected = format!("0 ! unknown-command unknown-command: {words}");
    assert_eq!(reports(waiting_with(1, 0), bytes), [&*expected, "Closed End"]);
}

#[test]
fn an_error_over_112_bytes_is_a_fault_whatever_the_capacity() {
    let longest = format!("unknown-command {}", "w".repeat(96));
    assert_eq!(longest.len(), 112);
    for capacity in [0, 112, 113, 200, 70_000] {
        for tag in [" #0", ""] {
            let bytes = format!("ERR{tag}\n{longest}w\n");
            assert_eq!(reports(waiting_with(1, capacity), bytes), ["Closed Grammar"]);
            let bytes = format!("ERR{tag}\n{longest}\r\n");
            let first = &reports(waiting_with(1, capacity), bytes)[0];
            assert!(first.contains("unknown-command"), "{first}");
        }
    }
    let line = |text: String| Refusal::parse(Body::Line(text.as_bytes())).map(|_| text.len());
    assert_eq!((line(longest.clone()), line(longest + "w")), (Some(112), None));
}

#[test]
fn a_huge_reply_is_not_buffered() {
    let mut client = waiting(1);
    let (consumed, incoming) = client.step(b"OK 4294967295 #0\nxxx", false);
    assert_eq!((consumed, incoming), (20, Incoming::NeedInput { frame_len: None }));
}

#[test]
fn the_window_limits_unanswered_bytes() {
    let mut client = ClientSession::<3>::new(200, 22);
    let mut buf = [0; 200];
    let mut out = OutBuf::new(&mut buf);
    assert_eq!(client.call::<Say>(&Text("four"), &mut out), Ok(0));
    assert_eq!(client.call::<Say>(&Text(""), &mut out), Ok(1));
    let written = out.written().len();
    assert_eq!(written, 12 + 8);
    assert_eq!(client.call::<Say>(&Text(""), &mut out), Err(RequestError::Window));
    assert_eq!(out.written().len(), written, "a refused call was written");
    let (_, incoming) = client.step(b"OK #0\n\n", false);
    assert!(matches!(incoming, Incoming::Reply { tag: 0, .. }));
    assert_eq!(client.call::<Say>(&Text("sixsix"), &mut out), Ok(2), "8 + 14 is the window");
}

#[test]
fn a_call_over_the_window_is_sent_alone() {
    let mut client = ClientSession::<3>::new(200, 0);
    let mut buf = [0; 200];
    let mut out = OutBuf::new(&mut buf);
    assert_eq!(client.call::<Say>(&Text("long"), &mut out), Ok(0));
    assert_eq!(client.call::<Say>(&Text(""), &mut out), Err(RequestError::Window));
}

#[test]
fn calls_in_flight_are_limited() {
    let mut client = ClientSession::<2>::new(200, 1_000);
    let mut buf = [0; 200];
    let mut out = OutBuf::new(&mut buf);
    assert_eq!(client.call::<Say>(&Text(""), &mut out), Ok(0));
    assert_eq!(client.call::<Say>(&Text(""), &mut out), Ok(1));
    assert_eq!(client.call::<Say>(&Text(""), &mut out), Err(RequestError::Window));
    assert_eq!(out.written(), b"SAY #0\n\nSAY #1\n\n");
    client.forget(0);
    assert_eq!(client.call::<Say>(&Text(""), &mut out), Err(RequestError::Window));
}

#[test]
fn a_refused_call_changes_nothing() {
    let mut client = ClientSession::<2>::new(200, 1_000);
    let mut buf = [0; 11];
    let mut out = OutBuf::new(&mut buf);
    assert_eq!(client.call::<Say>(&Text("12345"), &mut out), Err(RequestError::NoRoom));
    for name in ["", "9", "A B", "A\n", &"n".repeat(33)] {
        assert_eq!(client.call_named(name, &Text(""), &mut out), Err(RequestError::Name));
    }
    assert_eq!((out.written(), client.unanswered()), (&b""[..], 0));
    assert_eq!(client.call::<Say>(&Text("123"), &mut out), Ok(0));
    assert_eq!(out.written(), b"SAY #0\n123\n");
}

#[test]
fn a_refusal_is_parsed_from_its_line() {
    let refusal = Refusal { code: Code::Failed, name: "failed", message: "no" };
    assert_eq!(Refusal::parse(Body::Line(b"failed no")), Some(refusal));
    assert_eq!(Refusal::parse(Body::Counted(b"failed no")), None);
    assert_eq!(Refusal::parse(Body::Line(b"")), None);
    assert_eq!(Refusal::parse(Body::Line(b" ~")), None);
    let refusal = Refusal { code: Code::Failed, name: "~", message: "" };
    assert_eq!(Refusal::parse(Body::Line(b"~ ")), Some(refusal));
}
