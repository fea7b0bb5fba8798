//! tests/vectors.json: every vector, at once, by single bytes and by sevens.

use embedded_io::ErrorKind;
use linecard_core::blocking::{Caller, CallerError};
use linecard_core::wire::{EncodeError, Encoded, Encoder, Head};
use linecard_core::{
    Answered, Body, CallError, ClientSession, Code, Command, DecodeError, Fault, Frame, Incoming,
    Instant, Limits, OutBuf, Payload, Postcard, Refusal, Reply, Service, Text, refuse,
};
use linecard_demo::{Complex, Demo, Levels, table};
use linecard_suite::bytes::{from_pieces, show};
use linecard_suite::oracle;
use linecard_suite::replies;
use linecard_suite::vectors::{ErrorVector, HeadMeaning, ServerVector, Then, Vectors};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::blocking::{Action, SILENT, Script};
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

/// Forgotten calls after those that a vector waits for.
const FORGOTTEN: u64 = 3;

/// A client with the vector's calls in flight. Those between them, and some after them, were
/// forgotten.
fn client(vector: &Value) -> ClientSession<8> {
    let in_flight: Vec<u64> =
        vector["in_flight"].as_array().expect("tags").iter().filter_map(Value::as_u64).collect();
    let capacity = vector["capacity"].as_u64().unwrap_or(4_096);
    let mut client = ClientSession::new(u32::try_from(capacity).expect("32 bits"), 1_000);
    for tag in 0..=*in_flight.iter().max().expect("a call") + FORGOTTEN {
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
            let reply = body.bytes().escape_ascii().to_string();
            serde_json::json!({"tag": tag, "reply": reply, "counted": counted})
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

/// A command whose reply may be anything.
struct Any;

impl Command for Any {
    const NAME: &'static str = "CALL";
    type Request<'i> = Text<'i>;
    type Reply<'i> = AnyBody<'i>;
}

struct AnyBody<'i>(Body<'i>);

impl<'i> Payload<'i> for AnyBody<'i> {
    fn decode(body: Body<'i>) -> Result<Self, DecodeError> {
        Ok(Self(body))
    }

    fn encode(&self, encoder: Encoder<'_>) -> Result<Encoded, EncodeError> {
        encoder.bytes(self.0.bytes())
    }
}

/// What the calls of a blocking caller come to, as a vector writes it.
fn received(vector: &Value, piece: usize) -> Vec<Value> {
    let in_flight: Vec<u64> =
        vector["in_flight"].as_array().expect("tags").iter().filter_map(Value::as_u64).collect();
    let last = *in_flight.iter().max().expect("a call") + FORGOTTEN;
    let send = from_pieces(&vector["send"]);
    let given_up = (0..=last).filter(|tag| !in_flight.contains(tag)).map(|_| SILENT);
    let pieces = send.chunks(piece).map(|bytes| Action::Read(bytes.to_vec()));
    let end = if vector["then"] == "end" { vec![] } else { vec![SILENT; 8] };
    let io = Script::reading(given_up.chain(pieces).chain(end));
    let capacity = vector["capacity"].as_u64().unwrap_or(4_096);
    let capacity = usize::try_from(capacity).expect("a size in memory");
    let mut caller = Caller::<_, _, 8>::new(io, vec![0; capacity + 59], vec![0; 512], 1_000);
    let mut wanted = Vec::new();
    for tag in 0..=last {
        let ticket = caller.send::<Any>(&Text("")).expect("sent");
        if in_flight.contains(&tag) {
            wanted.push((tag, ticket));
        } else {
            let error = caller.receive(ticket).err();
            assert!(matches!(error, Some(CallerError::Io(ErrorKind::TimedOut))));
        }
    }
    let mut found = Vec::new();
    for (tag, ticket) in wanted {
        let incoming = match caller.receive(ticket) {
            Ok(AnyBody(body)) => Incoming::Reply { tag: u32_of(tag), body: Ok(body) },
            Err(CallerError::Call(CallError::Refused(refusal))) => {
                Incoming::Reply { tag: u32_of(tag), body: Err(refusal) }
            }
            Err(CallerError::Call(CallError::ReplyTooLarge { len })) => {
                Incoming::TooLarge { tag: u32_of(tag), len }
            }
            Err(CallerError::Call(CallError::Disconnected(refusal))) => {
                Incoming::Disconnected(refusal)
            }
            Err(CallerError::Call(CallError::Closed(fault))) => Incoming::Closed(fault),
            Err(CallerError::Io(ErrorKind::TimedOut)) => break,
            Err(error) => panic!("{error:?}"),
        };
        found.extend(as_json(&incoming));
        if matches!(incoming, Incoming::Disconnected(_) | Incoming::Closed(_)) {
            break;
        }
    }
    found
}

#[test]
fn callers() {
    for vector in Vectors::load().client {
        for piece in [usize::MAX, 1, 7] {
            assert_eq!(received(&vector, piece), expected(&vector), "{}", vector["name"]);
        }
    }
}

fn u32_of(number: u64) -> u32 {
    u32::try_from(number).expect("32 bits")
}

/// Refuses every request.
struct Refusing<'v>(&'v ErrorVector);

impl Service for Refusing<'_> {
    fn call(&mut self, _: &Frame<'_>, reply: Reply<'_>) -> Answered {
        reply.error(Code::parse(&self.0.code).expect("a code"), &self.0.words)
    }
}

#[test]
fn errors() {
    for vector in Vectors::load().errors {
        let tag = vector.tag.map(|tag| format!(" #{tag}")).unwrap_or_default();
        let mut server = Server::with(&Limits::DEVICE, Refusing(&vector));
        server.receive(format!("ANY{tag}\n\n").as_bytes());
        assert_eq!(show(&server.take_sent()), show(&vector.expect), "{}", vector.name);
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
            .map(|levels| postcard::to_slice(&levels.0, &mut buf).expect("it fits").to_vec());
        assert_eq!(again, vector.value.is_some().then_some(vector.shortest), "{}", vector.name);
        let value = decoded.map(|levels| Complex::from(levels.0));
        assert_eq!(value, vector.value.as_ref().map(to_demo), "{}", vector.name);
    }
}

#[derive(Debug, Deserialize, Serialize)]
struct Point {
    x: i16,
    y: i16,
}

#[derive(Debug, Deserialize, Serialize)]
struct Meters(u16);

#[derive(Debug, Deserialize, Serialize)]
enum Shape {
    Point,
    Circle(u8),
    Box { w: u8, h: u8 },
    Pair(u8, u8),
}

/// A value's JSON and its shortest encoding; `None` for `bad-payload`.
fn again<T: DeserializeOwned + Serialize>(
    bytes: &[u8],
    as_json: impl Fn(&T) -> Value,
) -> Option<(Value, Vec<u8>)> {
    let Postcard(value) = Postcard::<T>::decode(Body::Counted(bytes)).ok()?;
    let json = as_json(&value);
    let mut buf = [0; 100];
    let mut out = OutBuf::new(&mut buf);
    ClientSession::<1>::new(0, 0).call_named("A", &Postcard(value), &mut out).expect("encoded");
    let (frame, _) = Frame::parse(out.written()).expect("a frame");
    Some((json, frame.body.bytes().to_vec()))
}

fn plain<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("JSON")
}

/// Wide integers.
fn decimal<T: ToString>(value: &T) -> Value {
    value.to_string().into()
}

/// Infinities aren't JSON.
fn float<T: Copy + Into<f64> + ToString>(value: &T) -> Value {
    let number: f64 = (*value).into();
    if number.is_finite() { number.into() } else { decimal(value) }
}

#[test]
fn values() {
    for vector in Vectors::load().values {
        let bytes = &vector.bytes;
        let got = match &*vector.value_type {
            "()" => again::<()>(bytes, plain),
            "bool" => again::<bool>(bytes, plain),
            "u8" => again::<u8>(bytes, plain),
            "i8" => again::<i8>(bytes, plain),
            "u16" => again::<u16>(bytes, plain),
            "i16" => again::<i16>(bytes, plain),
            "u32" => again::<u32>(bytes, plain),
            "i32" => again::<i32>(bytes, plain),
            "u64" => again::<u64>(bytes, decimal),
            "u128" => again::<u128>(bytes, decimal),
            "i128" => again::<i128>(bytes, decimal),
            "f32" => again::<f32>(bytes, float),
            "f64" => again::<f64>(bytes, float),
            "char" => again::<char>(bytes, plain),
            "(u8,bool)" => again::<(u8, bool)>(bytes, plain),
            "[u16;3]" => again::<[u16; 3]>(bytes, plain),
            "[u16]" => again::<Vec<u16>>(bytes, plain),
            "option<u8>" => again::<Option<u8>>(bytes, plain),
            "result<u8,bool>" => again::<Result<u8, bool>>(bytes, plain),
            "Point{x:i16,y:i16}" => again::<Point>(bytes, plain),
            "Meters(u16)" => again::<Meters>(bytes, plain),
            "enum Shape{Point,Circle(u8),Box{w:u8,h:u8},Pair(u8,u8)}" => {
                again::<Shape>(bytes, plain)
            }
            other => panic!("no such type here: {other}"),
        };
        let want = vector.value.map(|value| (value, vector.shortest));
        assert_eq!(got, want, "{}", vector.name);
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
