//! Properties over random bytes in random pieces.

use linecard_core::{
    Body, Bytes, ClientSession, Code, Frame, Incoming, Limits, OutBuf, Payload, Postcard, Refusal,
    Text,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{SMALL, Server};

/// A frame that leaves the stream in sync, and the tag of its reply.
fn well_formed() -> impl Strategy<Value = (Vec<u8>, Option<u32>)> {
    let body = prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(|bytes| (Some(bytes.len()), bytes)),
        "[^\r\n]{0,10}".prop_map(|line| (None, line.into_bytes())),
    ];
    let name = prop_oneof!["ECHO|FAIL", "[A-Za-z][A-Za-z0-9._-]{0,31}"]
        .prop_filter("FILL needs a number as its body", |name| name != "FILL");
    (name, body, any::<Option<u32>>(), any::<bool>()).prop_map(|(name, (len, body), tag, cr)| {
        let len = len.map(|len| format!(" {len}")).unwrap_or_default();
        let tag_word = tag.map(|tag| format!(" #{tag}")).unwrap_or_default();
        let cr = if cr { "\r" } else { "" };
        ([format!("{name}{len}{tag_word}{cr}\n").as_bytes(), &body, b"\n"].concat(), tag)
    })
}

/// The tag of each reply, and whether it is `OK`.
fn parse_replies(mut bytes: &[u8]) -> Vec<(Option<u32>, bool)> {
    let mut replies = Vec::new();
    while let Some((frame, len)) = Frame::parse(bytes) {
        assert!(matches!(frame.name, "OK" | "ERR"), "{frame:?}");
        replies.push((frame.tag, frame.name == "OK"));
        bytes = &bytes[len..];
    }
    assert!(bytes.is_empty(), "a truncated reply");
    replies
}

fn in_pieces(limits: &Limits, bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, bool) {
    let mut server = Server::new(limits);
    let mut rest = bytes;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let at = cuts.next().map_or(1, |cut| 1 + cut % 32).min(rest.len());
        server.receive(&rest[..at]);
        rest = &rest[at..];
    }
    (server.take_sent(), server.is_closed())
}

/// What a client reports for `bytes` in such pieces, and then the end.
fn client_in_pieces(bytes: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut client = ClientSession::<4>::new(120, 1_000);
    let mut buf = [0; 200];
    let mut out = OutBuf::new(&mut buf);
    for _call in 0..3 {
        client.call_named("A", &Text(""), &mut out).expect("called");
    }
    client.forget(1);
    let (mut start, mut shown) = (0, 0);
    let mut cuts = cuts.iter().cycle();
    let mut found = Vec::new();
    loop {
        let (consumed, incoming) = client.step(&bytes[start..shown], shown == bytes.len());
        start += consumed;
        match incoming {
            Incoming::NeedInput { .. } => {
                assert!(shown < bytes.len(), "it waits after the end");
                shown = (shown + cuts.next().map_or(1, |cut| 1 + cut % 32)).min(bytes.len());
            }
            Incoming::Closed(fault) => {
                found.push(format!("{fault:?}"));
                assert!(found.len() <= bytes.len() + 1, "more reports than input");
                return found;
            }
            incoming => found.push(format!("{incoming:?}")),
        }
    }
}

/// Bytes of a server that mostly conforms.
fn replies() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        4 => (0u32..4, vec(any::<u8>(), 0..150)).prop_map(|(tag, body)| {
            [format!("OK {} #{tag}\n", body.len()).as_bytes(), &body, b"\n"].concat()
        }),
        4 => (0u32..4, "[^\r\n]{0,40}")
            .prop_map(|(tag, line)| format!("OK #{tag}\n{line}\n").into_bytes()),
        2 => (0u32..4, "[ -~]{0,130}")
            .prop_map(|(tag, line)| format!("ERR #{tag}\n{line}\n").into_bytes()),
        1 => "[ -~]{0,130}".prop_map(|line| format!("ERR\n{line}\n").into_bytes()),
        2 => "[A-Z]{1,3}\n[^\n]{0,130}\n".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..80),
    ];
    vec(frame, 0..8).prop_map(|frames| frames.concat())
}

/// The frame of one call, as written.
fn written<'p>(name: &str, payload: &impl Payload<'p>) -> Vec<u8> {
    let mut client = ClientSession::<1>::new(100, 1_000);
    let mut buf = vec![0; 1_000];
    let mut out = OutBuf::new(&mut buf);
    client.call_named(name, payload, &mut out).expect("called");
    out.written().to_vec()
}

proptest! {
    #[test]
    fn replies_do_not_depend_on_the_cut(
        bytes in vec(any::<u8>(), 0..300), cuts in vec(0usize..64, 1..9),
    ) {
        prop_assert_eq!(in_pieces(&SMALL, &bytes, &cuts), in_pieces(&SMALL, &bytes, &[31]));
    }

    #[test]
    fn every_frame_gets_one_reply_in_order(
        frames in vec(well_formed(), 0..12), cuts in vec(0usize..64, 1..9),
    ) {
        let limits = Limits { skip_budget: 64, ..SMALL };
        let bytes: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let (sent, closed) = in_pieces(&limits, &bytes, &cuts);
        let got: Vec<_> = parse_replies(&sent).into_iter().map(|(tag, _)| tag).collect();
        let want: Vec<_> = frames.iter().map(|(_, tag)| *tag).collect();
        prop_assert_eq!((got, closed), (want, false));
        let (whole, _) = in_pieces(&limits, &bytes, &[31]);
        prop_assert_eq!(sent, whole);
    }

    #[test]
    fn after_any_payload_the_next_command_is_answered(
        body in vec(any::<u8>(), 0..=32), cuts in vec(0usize..64, 1..9),
    ) {
        let bytes =
            [format!("ECHO {} #1\n", body.len()).as_bytes(), &body, b"\nECHO #2\nhere\n"].concat();
        let (sent, closed) = in_pieces(&SMALL, &bytes, &cuts);
        prop_assert!(!closed && sent.ends_with(b"OK #2\nhere\n"));
        prop_assert_eq!(parse_replies(&sent).len(), 2);
    }

    #[test]
    fn client_reports_do_not_depend_on_the_cut(
        bytes in replies(), cuts in vec(0usize..64, 1..9),
    ) {
        prop_assert_eq!(client_in_pieces(&bytes, &cuts), client_in_pieces(&bytes, &[31]));
    }

    #[test]
    fn a_client_copes_with_any_bytes(
        bytes in vec(any::<u8>(), 0..300), cuts in vec(0usize..64, 1..9),
    ) {
        prop_assert_eq!(client_in_pieces(&bytes, &cuts), client_in_pieces(&bytes, &[31]));
    }

    #[test]
    fn encoded_payloads_decode_to_themselves(
        text in "(.|\r|\n){0,40}", bytes in vec(any::<u8>(), 0..60),
    ) {
        let frame = written("TEXT", &Text(&text));
        let (parsed, len) = Frame::parse(&frame).expect("a frame");
        prop_assert_eq!((parsed.name, parsed.tag, len), ("TEXT", Some(0), frame.len()));
        prop_assert_eq!(Text::decode(parsed.body), Ok(Text(&text)));
        let counted = text.contains('\n') || text.ends_with('\r');
        prop_assert_eq!(matches!(parsed.body, Body::Counted(_)), counted);

        let frame = written("BYTES", &Bytes(&bytes));
        let (parsed, _) = Frame::parse(&frame).expect("a frame");
        prop_assert_eq!(Bytes::decode(parsed.body), Ok(Bytes(&bytes)));

        let value = Postcard((bytes.len() as u64, bytes.first().copied(), &*text));
        let frame = written("VALUE", &value);
        let (parsed, _) = Frame::parse(&frame).expect("a frame");
        prop_assert_eq!(Payload::decode(parsed.body), Ok(value));
    }

    #[test]
    fn a_message_cannot_forge_a_reply(message in "(.|\r|\n){0,120}") {
        let head = format!("FAIL {} #1\n", message.len());
        let frame = [head.as_bytes(), message.as_bytes(), b"\n"].concat();
        let (sent, _) = in_pieces(&Limits::DEVICE, &frame, &[31]);
        let (reply, len) = Frame::parse(&sent).expect("a reply");
        prop_assert_eq!((reply.name, reply.tag, len), ("ERR", Some(1), sent.len()));
        let refusal = Refusal::parse(reply.body).expect("printable");
        prop_assert_eq!(refusal.code, Code::Failed);
        prop_assert!(refusal.message.len() <= 96);
    }
}
