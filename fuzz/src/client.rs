//! The client against a server that may send anything.
//!
//! ```text
//! data:  the calls made │ those given up, as bits │ the number n of cuts │ n cuts │ what the server sends
//! ```

use linecard_core::{Incoming, Body, ClientSession, Fault, Bytes, OutBuf, Text};

use crate::byte;

/// The longest reply body that the client takes.
const CAPACITY: u32 = 150;

pub fn check(mut data: &[u8]) {
    let calls = byte(&mut data) % 9;
    let given_up = byte(&mut data);
    let cuts_len = byte(&mut data).min(data.len());
    let (cuts, bytes) = data.split_at(cuts_len);
    let story = tell(calls, given_up, cuts, bytes);
    assert_eq!(story, tell(calls, given_up, &[u8::MAX], bytes), "the cut changed what arrived");
}

/// What arrived, until the connection was over.
fn tell(calls: usize, given_up: usize, cuts: &[u8], bytes: &[u8]) -> Vec<String> {
    let mut client = client(calls, given_up);
    let mut cuts = cuts.iter().cycle();
    let mut story = Vec::new();
    let mut last_tag = None;
    let (mut start, mut shown) = (0, 0);
    loop {
        let end = shown == bytes.len();
        let (consumed, arrival) = client.step(&bytes[start..shown], end);
        assert!(consumed <= shown - start);
        start += consumed;
        match arrival {
            Incoming::NeedInput { frame_len } => {
                assert!(!end, "it waits after the end");
                let kept = shown - start;
                let longest = CAPACITY as usize + 59;
                assert!(kept < longest, "it keeps more than the longest reply");
                assert!(frame_len.is_none_or(|len| len as usize > kept && len as usize <= longest));
                shown +=
                    cuts.next().map_or(1, |cut| 1 + usize::from(*cut)).min(bytes.len() - shown);
            }
            Incoming::Reply { tag, .. } | Incoming::TooLarge { tag, .. } => {
                settles(tag, calls, given_up, &mut last_tag);
                if let Incoming::Reply { body: Ok(Body::Line(body) | Body::Counted(body)), .. } =
                    arrival
                {
                    assert!(body.len() <= CAPACITY as usize);
                }
                story.push(format!("{arrival:?}"));
            }
            Incoming::Event(_) | Incoming::Skipped | Incoming::Disconnected(_) => {
                story.push(format!("{arrival:?}"))
            }
            Incoming::Closed(fault) => {
                story.push(format!("{fault:?}"));
                break;
            }
        }
        assert!(story.len() <= bytes.len() + 2, "arrivals out of nothing");
    }
    assert_eq!(client.step(bytes, true), (0, Incoming::Closed(Fault::End)));
    let mut buf = [0; 100];
    assert!(client.call_named("A", &Text(""), &mut OutBuf::new(&mut buf)).is_err());
    story
}

/// Every call that was made and not given up is answered in its turn, and none is passed over.
fn settles(tag: u32, calls: usize, given_up: usize, last: &mut Option<u32>) {
    let next = last.map_or(0, |last| last as usize + 1);
    let due = (next..calls).find(|tag| given_up >> tag & 1 == 0);
    assert_eq!(due, Some(tag as usize), "after {last:?}");
    *last = Some(tag);
}

fn client(calls: usize, given_up: usize) -> ClientSession<8> {
    let mut client = ClientSession::new(CAPACITY, 10_000);
    for tag in 0..calls {
        let mut buf = [0; 100];
        let mut out = OutBuf::new(&mut buf);
        let called = client.call_named("CALL", &Bytes(b"x"), &mut out).expect("called");
        assert_eq!(out.written(), format!("CALL 1 #{tag}\nx\n").as_bytes());
        if given_up >> tag & 1 == 1 {
            client.forget(called);
        }
    }
    client
}
