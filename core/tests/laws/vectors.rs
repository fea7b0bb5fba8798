//! tests/vectors.json: every vector, at once, by single bytes and by sevens.

use linecard_core::wire::Head;
use linecard_core::{
    Body, ClientSession, Code, Command, Fault, Incoming, Instant, Limits, OutBuf, Payload as _,
    Postcard, Refusal, Text, refuse,
};
use linecard_demo::{Complex, Demo, Levels, table};
use linecard_suite::bytes::{from_pieces, show};
use linecard_suite::oracle;
use linecard_suite::replies;
use linecard_suite::vectors::{HeadMeaning, ServerVector, Then, Vectors};
use serde_json::Value;

use crate::support::Server;

/// The limits of a vector, or the smallest ones under which every vector without limits holds.
pub(crate) fn limits_of(limits: Option<oracle::Limits>) -> Limits {
    let u32 = |bytes: usize| u32::try_from(bytes).expect("32 bits");
    limits.map_or(Limits::DEVICE, |limits| Limits {
        max_body_len: u32(limits.max_body),
        max_reply_len: u32(limits.max_reply),
        skip_budget: u32(limits.skip_budget),
        ..Limits::DEVICE
    })
}

/// Whether `bytes` are what `meaning` says.
fn is_head(bytes: &[u8], meaning: &HeadMeaning) -> bool {
    let mut server = Server::new(&Limits::DEVICE);
    let sent = server.feed(bytes);
    let is_bad = sent == "ERR\nbad-head\n";
    let line = bytes.iter().position(|&byte| byte == b'\n').map(|lf| &bytes[..lf]);
    let head = line.filter(|_| !is_bad).and_then(Head::parse);
    match meaning {
        HeadMeaning::Bad => is_bad,
        HeadMeaning::Incomplete => !is_bad && head.is_none() && !server.is_closed(),
        HeadMeaning::Head(want) => head.is_some_and(|head| {
            (head.name, head.len, head.tag) == (&*want.name, want.length, want.tag)
        }),
    }
}

#[test]
fn heads() {
    for vector in Vectors::load().heads {
        assert!(is_head(&vector.bytes, &vector.meaning), "{}", vector.name);
    }
}

/// What a server sends for a vector, and whether it closes.
fn served(vector: &ServerVector, piece: usize) -> (Vec<u8>, bool) {
    if vector.then == Then::Full {
        let mut buf = [0; 100];
        let mut out = OutBuf::new(&mut buf);
        return (if refuse(Code::Busy, &mut out) { out.written().to_vec() } else { vec![] }, true);
    }
    let limits = limits_of(vector.limits);
    let table = table();
    let mut server = Server::with(&limits, table.bind(Demo));
    for bytes in vector.send.chunks(piece) {
        server.receive(bytes);
    }
    let mut sent = server.take_sent();
    let then = match vector.then {
        Then::HalfClose => server.end(),
        Then::FrameDeadline => server.at(millis(limits.frame_timeout)),
        Then::IdleTimeout => server.at(millis(limits.idle_timeout)),
        Then::Stop => {
            server.session.stop(Instant::from_millis(0));
            server.at(0)
        }
        Then::Nothing | Then::Full => String::new(),
    };
    sent.extend(then.bytes());
    (sent, server.is_closed())
}

#[test]
fn servers() {
    for vector in Vectors::load().server {
        for piece in [usize::MAX, 1, 7] {
            let (sent, closes) = served(&vector, piece);
            let (got, want) = (replies::all(&sent), replies::all(&vector.expect));
            let same = replies::compare(&want.expect("a vector"), &got.expect("replies"));
            assert_eq!(same, Ok(()), "{}: {}", vector.name, show(&sent));
            assert_eq!(closes, vector.closes, "{}", vector.name);
        }
    }
}

/// A client with the vector's calls in flight.
fn client(vector: &Value) -> ClientSession<8> {
    let in_flight: Vec<u64> =
        vector["in_flight"].as_array().expect("tags").iter().filter_map(Value::as_u64).collect();
    let capacity = vector["capacity"].as_u64().unwrap_or(4_096);
    let mut client = ClientSession::new(u32::try_from(capacity).expect("32 bits"), 1_000);
    for tag in 0..=*in_flight.iter().max().expect("a call") {
        let mut buf = [0; 64];
        let called =
            client.call_named("CALL", &Text(""), &mut OutBuf::new(&mut buf)).expect("called");
        assert_eq!(u64::from(called), tag);
        if !in_flight.contains(&tag) {
            client.forget(called);
        }
    }
    client
}

/// A refusal as a vector writes it.
fn refusal_as_json(refusal: &Refusal<&str>, mut into: Value) -> Value {
    into["error"] = refusal.code.as_str().into();
    into["words"] = refusal.message.into();
    if refusal.name != refusal.code.as_str() {
        into["sent"] = refusal.name.into();
    }
    into
}

/// A report of the client as a vector writes it; bytes are escaped.
fn as_json(incoming: &Incoming<'_>) -> Option<Value> {
    Some(match incoming {
        Incoming::Reply { tag, body: Ok(body) } => {
            let counted = matches!(body, Body::Counted(_));
            let bytes = body.bytes().escape_ascii().to_string();
            serde_json::json!({"tag": tag, "reply": bytes, "counted": counted})
        }
        Incoming::Reply { tag, body: Err(refusal) } => {
            refusal_as_json(refusal, serde_json::json!({"tag": tag}))
        }
        Incoming::TooLarge { tag, len } => serde_json::json!({"tag": tag, "too_large": len}),
        Incoming::Disconnected(refusal) => {
            refusal_as_json(refusal, serde_json::json!({"fault": "told"}))
        }
        Incoming::Closed(Fault::End | Fault::Truncated) => serde_json::json!({"fault": "end"}),
        Incoming::Closed(Fault::Desync) => serde_json::json!({"fault": "desync"}),
        Incoming::Closed(Fault::Order) => serde_json::json!({"fault": "order"}),
        Incoming::Closed(Fault::Grammar) => serde_json::json!({"fault": "grammar"}),
        Incoming::Event(_) | Incoming::Skipped | Incoming::NeedInput { .. } => return None,
    })
}

fn expected(vector: &Value) -> Vec<Value> {
    let mut expected = vector["expect"].as_array().expect("a list").clone();
    for incoming in &mut expected {
        if incoming.get("reply").is_some() {
            incoming["reply"] = from_pieces(&incoming["reply"]).escape_ascii().to_string().into();
        }
    }
    expected
}

/// What a client reports for the bytes of a vector, `piece` of them at a time.
fn reported(vector: &Value, piece: usize) -> Vec<Value> {
    let send = from_pieces(&vector["send"]);
    let mut client = client(vector);
    let mut found = Vec::new();
    let (mut start, mut shown) = (0, 0);
    loop {
        let end = shown == send.len() && vector["then"] == "end";
        let (consumed, incoming) = client.step(&send[start..shown], end);
        start += consumed;
        found.extend(as_json(&incoming));
        assert!(found.len() <= send.len() + 1, "it loops without end");
        match incoming {
            Incoming::NeedInput { .. } if shown < send.len() => {
                shown = shown.saturating_add(piece).min(send.len());
            }
            Incoming::NeedInput { .. } | Incoming::Closed(_) | Incoming::Disconnected(_) => {
                return found;
            }
            _ => {}
        }
    }
}

#[test]
fn clients() {
    for vector in Vectors::load().client {
        for piece in [usize::MAX, 1, 7] {
            assert_eq!(reported(&vector, piece), expected(&vector), "{}", vector["name"]);
        }
    }
}

/// The oracle's value as the demo's type.
fn to_demo(value: &oracle::complex::Complex) -> Complex {
    Complex {
        n: value.n,
        s: value.s.clone(),
        m: value.m.iter().cloned().collect(),
        p: value.p.clone(),
        c: value.c.as_deref().map(|inner| Box::new(to_demo(inner))),
    }
}

#[test]
fn complex_payloads() {
    for vector in Vectors::load().complex {
        let decoded = Postcard::<Levels<'_>>::decode(Body::Counted(&vector.bytes)).ok();
        let mut buf = vec![0; 4_096];
        let again = decoded
            .as_ref()
            .map(|levels| postcard::to_slice(&levels.0, &mut buf).expect("room").to_vec());
        assert_eq!(again, vector.value.is_some().then_some(vector.shortest), "{}", vector.name);
        let value = decoded.map(|levels| Complex::from(levels.0));
        assert_eq!(value, vector.value.as_ref().map(to_demo), "{}", vector.name);
    }
}

#[test]
fn the_demo_commands_are_named_as_the_vectors_name_them() {
    assert_eq!(linecard_demo::StringCommand::NAME, "STRING");
    assert_eq!(linecard_demo::ComplexCommand::NAME, "COMPLEX");
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("64 bits")
}
