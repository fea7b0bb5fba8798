//! A session with the demo commands, against an oracle that shares no code with it.

use linecard_core::{Body, Frame, Limits, Payload as _, Postcard};
use linecard_demo::{Demo, Levels, table};
use linecard_suite::bytes::show;
use linecard_suite::generate::{Random, complex, hostile_payload, stream};
use linecard_suite::oracle;
use linecard_suite::replies;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{SMALL, Server};
use crate::vectors::limits_of;

/// Limits that random streams often reach.
const TIGHT: oracle::Limits = oracle::Limits { max_body: 120, max_reply: 100, skip_budget: 400 };

/// What a server sends for `bytes` in random pieces and, if `end`, the end of the stream; and
/// whether it closes.
fn serve(limits: &Limits, bytes: &[u8], random: &mut Random, end: bool) -> (Vec<u8>, bool) {
    let table = table();
    let mut server = Server::with(limits, table.bind(Demo));
    let mut rest = bytes;
    while !rest.is_empty() {
        let most = if random.one_in(2) { 4 } else { 200 };
        let (piece, after) = rest.split_at((1 + random.below(most)).min(rest.len()));
        server.receive(piece);
        rest = after;
    }
    let mut sent = server.take_sent();
    if end {
        sent.extend(server.end().bytes());
    }
    (sent, server.is_closed())
}

/// Compares the session's bytes with the oracle's replies.
fn agrees(bytes: &[u8], want: &oracle::Outcome, sent: &[u8], closes: bool) -> Result<(), String> {
    let got = replies::all(sent)?;
    replies::compare(&want.replies, &got)
        .map_err(|why| format!("{why}\nsent by the client: {}", show(bytes)))?;
    if want.closes == closes { Ok(()) } else { Err(format!("closes: {closes}: {}", show(bytes))) }
}

#[test]
fn random_streams_are_answered_as_the_oracle_answers() {
    for seed in 0..600 {
        let limits = if seed % 2 == 0 { TIGHT } else { oracle::Limits::DEVICE };
        let mut random = Random::new(seed);
        let bytes = stream(&mut random, &limits);
        let end = random.one_in(2);
        let want = oracle::serve(&bytes, end, &limits);
        let (sent, closes) = serve(&limits_of(Some(limits)), &bytes, &mut random, end);
        let agrees = agrees(&bytes, &want, &sent, closes);
        assert!(agrees.is_ok(), "seed {seed}: {}", agrees.unwrap_err());
    }
}

#[test]
fn random_payloads_decode_as_the_oracle_says() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let bytes = if random.one_in(4) {
            complex(&mut random).encode()
        } else {
            hostile_payload(&mut random)
        };
        let want = oracle::complex::Complex::decode(&bytes).map(|value| value.encode());
        let mut buf = vec![0; 2_048];
        let got = Postcard::<Levels<'_>>::decode(Body::Counted(&bytes)).ok().map(|levels| {
            postcard::to_slice(&levels.0, &mut buf).expect("the longest value fits").to_vec()
        });
        assert_eq!(got, want, "seed {seed}: {}", show(&bytes));
    }
}

/// Random bytes, with more heads and bodies in them than by chance.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        4 => prop::sample::select(vec![
            "STRING", "COMPLEX", "FROB", "OK", "ERR", " ", "#", "\n", "\n", "\r\n", "\r", "\n\n",
            "0", "1", "5", "16", "17", "32", "33", " 5\n", " #7\n", "01", "4294967295",
            "4294967296", "abcde", "é",
        ])
        .prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..40),
        1 => (1usize..70).prop_map(|len| vec![b'x'; len]),
    ];
    vec(word, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_bytes_get_the_replies_that_the_oracle_gives(
        bytes in bytes(), seed in any::<u64>(), end in any::<bool>(),
    ) {
        let limits = oracle::Limits { max_body: 16, max_reply: 64, skip_budget: 32 };
        let want = oracle::serve(&bytes, end, &limits);
        let (sent, closes) = serve(&SMALL, &bytes, &mut Random::new(seed), end);
        prop_assert_eq!(agrees(&bytes, &want, &sent, closes), Ok(()));
    }

    #[test]
    fn any_frame_is_parsed_as_the_oracle_parses_it(bytes in bytes()) {
        let unlimited = usize::try_from(u32::MAX).expect("64 bits");
        let unlimited =
            oracle::Limits { max_body: unlimited, max_reply: unlimited, skip_budget: unlimited };
        let got = Frame::parse(&bytes);
        let oracle::Frame::Whole { head, body, len } = oracle::frame(&bytes, &unlimited) else {
            prop_assert_eq!(got, None);
            return Ok(());
        };
        let (frame, got_len) = got.expect("a frame");
        prop_assert_eq!((frame.name, frame.tag, got_len), (&*head.name, head.tag, len));
        let got = match frame.body {
            Body::Line(line) => oracle::Body::Line(line.to_vec()),
            Body::Counted(bytes) => oracle::Body::Counted(bytes.to_vec()),
        };
        prop_assert_eq!(got, body);
    }

    #[test]
    fn after_any_counted_body_the_next_request_is_answered(bytes in bytes(), seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let name = random.pick(&["STRING", "COMPLEX", "FROB"]);
        let head = format!("{name} {}\n", bytes.len());
        let frame = [head.as_bytes(), &bytes, b"\nSTRING #9\n\n"].concat();
        let limits = Limits { max_body_len: 100, skip_budget: 10_000, ..Limits::DEVICE };
        let (sent, closes) = serve(&limits, &frame, &mut random, false);
        let replies = replies::all(&sent).expect("replies");
        prop_assert_eq!((replies.len(), closes), (2, false));
        prop_assert!(sent.ends_with(b"OK #9\nThank you.\n"));
    }
}
