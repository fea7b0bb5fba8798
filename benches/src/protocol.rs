//! The protocol without a socket: bytes of requests in, bytes of replies out.

use std::hint::black_box;

use linecard_core::wire::Head;
use linecard_core::{ClientSession, Frame, Instant, Limits, OutBuf, Postcard, Session, pump};
use linecard_demo::{Complex, Demo, table};

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[
    Piece { name: "head: STRING", run: |count| parse_heads(b"STRING", count) },
    Piece { name: "head: COMPLEX 87 #4294967295", run: |count| parse_heads(LONG_HEAD, count) },
    Piece { name: "session: STRING, 64 to a batch", run: |count| serve(STRING, count) },
    Piece { name: "session: COMPLEX, 64 to a batch", run: |count| serve(&complex(), count) },
    Piece { name: "session: unknown command", run: |count| serve(b"FROB\nx\n", count) },
    Piece { name: "client: COMPLEX, call and reply", run: call },
];

const LONG_HEAD: &[u8] = b"COMPLEX 87 #4294967295";
const STRING: &[u8] = b"STRING\nAdditional data.\n";

/// Requests in a batch: as many as a pipelining client may send at once.
const BATCH: usize = 64;

/// An untagged request with the sample value.
fn complex() -> Vec<u8> {
    let body = postcard::to_allocvec(&Complex::sample()).expect("an encoding");
    [format!("COMPLEX {}\n", body.len()).as_bytes(), &body, b"\n"].concat()
}

fn parse_heads(line: &[u8], count: u64) {
    for _ in 0..count {
        black_box(Head::parse(black_box(line)));
    }
}

/// Serves `count` requests, a batch at a time.
fn serve(request: &[u8], count: u64) {
    let limits = Limits::DESKTOP;
    let mut tx = vec![0; 2 * limits.max_reply_frame_len()];
    let input = request.repeat(BATCH);
    let table = table();
    let mut service = table.bind(Demo);
    let mut session = Session::new(&limits, Instant::from_millis(0));
    for _ in 0..count / BATCH as u64 {
        let mut out = OutBuf::new(&mut tx);
        let input = black_box(input.as_slice());
        let (consumed, _want) =
            pump(&mut session, &mut service, Instant::from_millis(1), input, false, &mut out);
        assert_eq!(consumed, input.len());
        black_box(out.written());
    }
}

/// Makes `count` calls. Each has a new client, so that all have the tag 0 and the same reply.
fn call(count: u64) {
    let value = Complex::sample();
    let request = Postcard(value.levels().expect("within its limits"));
    let (mut tx, mut reply) = ([0; 4_096], Vec::new());
    for _ in 0..count {
        let mut client = ClientSession::<1>::new(65_536, 65_536);
        let mut out = OutBuf::new(&mut tx);
        let _tag = client.call_named("COMPLEX", black_box(&request), &mut out);
        if reply.is_empty() {
            let (sent, _) = Frame::parse(out.written()).expect("a whole frame");
            reply = [b"OK 87 #0\n", sent.body.bytes(), b"\n"].concat();
        }
        let (consumed, incoming) = client.step(black_box(&reply), false);
        assert_eq!(consumed, reply.len());
        let _used = black_box(incoming);
    }
}
