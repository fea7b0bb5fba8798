//! The client session against a server that may send anything.
//!
//! ```text
//! data:  calls made │ forgotten calls, one bit each │ number n of cuts │ n cuts │ server's bytes
//! ```
//!
//! What the client reports does not depend on how the server's bytes are cut into pieces.

use linecard_core::{Body, Bytes, ClientSession, Fault, Incoming, OutBuf, Text};

use crate::byte;

/// The longest reply body that the client accepts.
const CAPACITY: u32 = 150;

pub fn check(mut data: &[u8]) {
    let calls = byte(&mut data) % 9;
    let forgotten = byte(&mut data);
    let cuts_len = byte(&mut data).min(data.len());
    let (cuts, bytes) = data.split_at(cuts_len);
    let log = run(calls, forgotten, cuts, bytes);
    assert_eq!(log, run(calls, forgotten, &[u8::MAX], bytes), "the cut changed the result");
}

/// Everything the client reports until the connection is over.
fn run(calls: usize, forgotten: usize, cuts: &[u8], bytes: &[u8]) -> Vec<String> {
    let mut client = client(calls, forgotten);
    let mut cuts = cuts.iter().cycle();
    let mut log = Vec::new();
    let mut last_tag = None;
    let (mut start, mut shown) = (0, 0);
    loop {
        let end = shown == bytes.len();
        let (consumed, incoming) = client.step(&bytes[start..shown], end);
        assert!(consumed <= shown - start);
        start += consumed;
        match incoming {
            Incoming::NeedInput { frame_len } => {
                assert!(!end, "it waits after the end");
                let pending = shown - start;
                let longest = CAPACITY as usize + 59;
                assert!(pending < longest, "it waits with more input than the longest reply");
                assert!(
                    frame_len.is_none_or(|len| len as usize > pending && len as usize <= longest)
                );
                shown +=
                    cuts.next().map_or(1, |cut| 1 + usize::from(*cut)).min(bytes.len() - shown);
            }
            Incoming::Reply { tag, .. } | Incoming::TooLarge { tag, .. } => {
                check_order(tag, calls, forgotten, &mut last_tag);
                if let Incoming::Reply {
                    body: Ok(Body::Line(body) | Body::Counted(body)), ..
                } = incoming
                {
                    assert!(body.len() <= CAPACITY as usize);
                }
                log.push(format!("{incoming:?}"));
            }
            Incoming::Event(_) | Incoming::Skipped | Incoming::Disconnected(_) => {
                log.push(format!("{incoming:?}"))
            }
            Incoming::Closed(fault) => {
                log.push(format!("{fault:?}"));
                break;
            }
        }
        assert!(log.len() <= bytes.len() + 2, "more results than input");
    }
    assert_eq!(client.step(bytes, true), (0, Incoming::Closed(Fault::End)));
    let mut buf = [0; 100];
    assert!(client.call_named("A", &Text(""), &mut OutBuf::new(&mut buf)).is_err());
    log
}

/// Replies come in the order of the calls, and no call that was not forgotten is skipped.
fn check_order(tag: u32, calls: usize, forgotten: usize, last: &mut Option<u32>) {
    let next = last.map_or(0, |last| last as usize + 1);
    let expected = (next..calls).find(|tag| forgotten >> tag & 1 == 0);
    assert_eq!(expected, Some(tag as usize), "after {last:?}");
    *last = Some(tag);
}

fn client(calls: usize, forgotten: usize) -> ClientSession<8> {
    let mut client = ClientSession::new(CAPACITY, 10_000);
    for tag in 0..calls {
        let mut buf = [0; 100];
        let mut out = OutBuf::new(&mut buf);
        let called = client.call_named("CALL", &Bytes(b"x"), &mut out).expect("called");
        assert_eq!(out.written(), format!("CALL 1 #{tag}\nx\n").as_bytes());
        if forgotten >> tag & 1 == 1 {
            client.forget(called);
        }
    }
    client
}
