//! The wire vectors against the core itself, under the test's own clock, whole and in pieces.

use linecard_commands::{Demo, Levels, table};
use linecard_core::{
    Arrival, Body, Client, Code, Fault, Head, Limits, Millis, Out, Payload, Postcard, Refusal,
    Session, Step, Text, Want, pump, refuse,
};
use linecard_suite::octets::from_pieces;
use linecard_suite::oracle::complex::Complex;
use linecard_suite::oracle::{Body as OracleBody, Head as OracleHead};
use linecard_suite::replies;
use linecard_suite::vectors::{HeadMeaning, ServerVector, Then, Vectors};
use serde_json::{Value, json};

/// Ways to cut an input; nothing may depend on it.
const PIECES: [usize; 4] = [usize::MAX, 4_096, 7, 1];
/// Longer inputs are not cut octet by octet.
const LONG: usize = 10_000;

fn pieces(octets: &[u8]) -> impl Iterator<Item = usize> {
    let long = octets.len() > LONG;
    PIECES.into_iter().filter(move |piece| !long || *piece > 7)
}

// Heads.

#[test]
fn heads() {
    for vector in Vectors::load().heads {
        let limits = Limits::DEVICE;
        let mut octets = vec![0; limits.reply_room()];
        let mut out = Out::new(&mut octets);
        let mut session = Session::new(&limits, Millis(0));
        let (_, step) = session.step(Millis(0), &vector.octets, false, &mut out);
        let bad = matches!(step, Step::Refused(Code::BadHead));
        assert_eq!(bad, vector.meaning == HeadMeaning::Bad, "{}: {step:?}", vector.name);
        let Some(line) = vector.octets.split(|&octet| octet == b'\n').next() else { continue };
        if let HeadMeaning::Head(OracleHead { name, length, tag }) = &vector.meaning {
            let head = Head { name, len: *length, tag: *tag };
            assert_eq!(Head::parse(line), Some(head), "{}", vector.name);
        }
    }
}

// The server.

/// A session with its clock and what it has answered.
struct Server<'l> {
    session: Session<'l>,
    limits: &'l Limits,
    now: Millis,
    input: Vec<u8>,
    answered: Vec<u8>,
    closed: bool,
}

impl<'l> Server<'l> {
    fn new(limits: &'l Limits) -> Self {
        let now = Millis(1_000);
        let session = Session::new(limits, now);
        Self { session, limits, now, input: Vec::new(), answered: Vec::new(), closed: false }
    }

    fn show(&mut self, octets: &[u8], end: bool) {
        self.input.extend_from_slice(octets);
        while !self.closed {
            let mut room = vec![0; self.limits.reply_room()];
            let mut out = Out::new(&mut room);
            let table = table();
            let (consumed, want) = pump(
                &mut self.session,
                &mut table.bind(Demo),
                self.now,
                &self.input,
                end,
                &mut out,
            );
            self.input.drain(..consumed);
            self.answered.extend_from_slice(out.written());
            match want {
                Want::Input { .. } => return,
                Want::Output { .. } => {}
                Want::Close => self.closed = true,
            }
        }
    }

    fn happens(&mut self, then: Then) {
        match then {
            Then::HalfClose => self.show(b"", true),
            Then::FrameDeadline => self.silence(self.limits.frame_deadline),
            Then::IdleTimeout => self.silence(self.limits.idle_timeout),
            Then::Stop => {
                self.session.stop(self.now);
                self.show(b"", false);
            }
            Then::Nothing | Then::NoRoom => {}
        }
    }

    /// Nothing happens one millisecond before the time is over, and then it does.
    fn silence(&mut self, time: Millis) {
        self.now = Millis(self.now.0 + time.0 - 1);
        let before = self.answered.clone();
        self.show(b"", false);
        assert_eq!((before, false), (self.answered.clone(), self.closed), "too early");
        self.now = Millis(self.now.0 + 1);
        self.show(b"", false);
    }
}

fn limits_of(vector: &ServerVector) -> Limits {
    let len = |len: usize| u32::try_from(len).expect("32 bits");
    vector.limits.map_or(Limits::DEVICE, |limits| Limits {
        max_body_len: len(limits.max_body),
        max_reply_len: len(limits.max_reply),
        skip_budget: len(limits.skip_budget),
        ..Limits::DEVICE
    })
}

#[test]
fn servers() {
    for vector in Vectors::load().server {
        if vector.then == Then::NoRoom {
            continue;
        }
        let limits = limits_of(&vector);
        let want = replies::all(&vector.expect).expect("a vector's replies");
        for piece in pieces(&vector.send) {
            let mut server = Server::new(&limits);
            for octets in vector.send.chunks(piece) {
                server.show(octets, false);
            }
            server.happens(vector.then);
            let got = replies::all(&server.answered);
            let same = got.and_then(|got| replies::compare(&want, &got));
            same.unwrap_or_else(|error| panic!("{} by {piece}: {error}", vector.name));
            assert_eq!(server.closed, vector.closes, "{} by {piece}", vector.name);
        }
    }
}

#[test]
fn no_room() {
    let vectors = Vectors::load().server;
    let vector = vectors.iter().find(|vector| vector.then == Then::NoRoom).expect("a vector");
    let mut octets = [0; 64];
    let mut out = Out::new(&mut octets);
    assert!(refuse(Code::Busy, &mut out));
    let got = replies::all(out.written()).expect("a reply");
    replies::compare(&replies::all(&vector.expect).expect("a reply"), &got).expect("busy");
}

// The client.

/// Replies up to here come whole where a vector names no capacity.
const CAPACITY: u32 = 65_536;

fn client_of(vector: &Value) -> Client<8> {
    let number = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("32 bits");
    let capacity = vector.get("capacity").map_or(CAPACITY, number);
    let mut client = Client::new(capacity, 4_096);
    let mut octets = [0; 4_096];
    let mut out = Out::new(&mut octets);
    let in_flight: Vec<u32> =
        vector["in_flight"].as_array().expect("tags").iter().map(number).collect();
    for expected in 0..=in_flight.iter().copied().max().unwrap_or(0) {
        let tag = client.call_named("STRING", &Text("hi"), &mut out).expect("room for a call");
        assert_eq!(tag, expected, "tags are numbers in a row");
        if !in_flight.contains(&tag) {
            client.forget(tag);
        }
    }
    client
}

fn reported(arrival: &Arrival<'_>) -> Option<Value> {
    Some(match arrival {
        Arrival::Reply { tag, body: Ok(body) } => {
            let counted = matches!(body, Body::Counted(_));
            json!({ "tag": tag, "reply": body.octets(), "counted": counted })
        }
        Arrival::Reply { tag, body: Err(refusal) } => told(json!({ "tag": tag }), refusal),
        Arrival::TooLarge { tag, len } => json!({ "tag": tag, "too_large": len }),
        Arrival::Told(refusal) => told(json!({ "fault": "told" }), refusal),
        Arrival::Closed(Fault::End | Fault::CutOff) => json!({ "fault": "end" }),
        Arrival::Closed(Fault::Grammar) => json!({ "fault": "grammar" }),
        Arrival::Closed(Fault::Desync) => json!({ "fault": "desync" }),
        Arrival::Closed(Fault::Order) => json!({ "fault": "order" }),
        Arrival::Event(_) | Arrival::Skipped | Arrival::NeedInput { .. } => return None,
    })
}

fn told(mut report: Value, refusal: &Refusal<'_>) -> Value {
    report["error"] = json!(refusal.code.as_str());
    report["words"] = json!(refusal.words);
    if refusal.name != refusal.code.as_str() {
        report["sent"] = json!(refusal.name);
    }
    report
}

/// What the client reports of the octets, shown so many at a time.
fn reports(vector: &Value, octets: &[u8], piece: usize) -> Vec<Value> {
    let mut client = client_of(vector);
    let (mut input, mut reports) = (Vec::new(), Vec::new());
    let ended = vector["then"] == "end";
    let shown = octets.chunks(piece).map(|octets| (octets, false));
    for (octets, end) in shown.chain(ended.then_some((&[] as &[u8], true))) {
        input.extend_from_slice(octets);
        loop {
            let (consumed, arrival) = client.step(&input, end);
            reports.extend(reported(&arrival));
            let waits = matches!(arrival, Arrival::NeedInput { .. });
            if matches!(arrival, Arrival::Closed(_) | Arrival::Told(_)) {
                return reports;
            }
            input.drain(..consumed);
            if waits {
                break;
            }
        }
    }
    reports
}

#[test]
fn clients() {
    for vector in Vectors::load().client {
        let mut expect = vector["expect"].as_array().expect("a list").clone();
        for report in &mut expect {
            if report.get("reply").is_some() {
                report["reply"] = json!(from_pieces(&report["reply"]));
            }
        }
        let octets = from_pieces(&vector["send"]);
        for piece in PIECES {
            let got = reports(&vector, &octets, piece);
            assert_eq!(got, expect, "{} by {piece}", vector["name"]);
        }
    }
}

// The payload.

#[test]
fn values() {
    for vector in Vectors::load().complex {
        let decoded = Postcard::<Levels<'_>>::decode(linecard_core::Body::Counted(&vector.octets));
        match (decoded, &vector.value) {
            (Ok(Postcard(levels)), Some(value)) => same(&vector.name, &levels, value),
            (Err(_), None) => {}
            (decoded, _) => panic!("{}: {decoded:?}", vector.name),
        }
        comes_back(
            &vector.name,
            &vector.octets,
            vector.value.is_some().then_some(&vector.shortest),
        );
    }
}

fn same(name: &str, levels: &Levels<'_>, value: &Complex) {
    let mut next = Some(value);
    for level in levels.nodes() {
        let value = next.unwrap_or_else(|| panic!("{name}: a level too many"));
        let m: Vec<(String, i64)> = level.m.iter().map(|(key, n)| (key.to_string(), *n)).collect();
        assert_eq!((level.n, &*level.s), (value.n, value.s.as_str()), "{name}");
        assert_eq!((m, &*level.p), (value.m.clone(), value.p.as_slice()), "{name}");
        next = value.c.as_deref();
    }
    assert!(next.is_none(), "{name}: a level too few");
}

fn comes_back(name: &str, octets: &[u8], shortest: Option<&Vec<u8>>) {
    let limits = Limits::DEVICE;
    let mut server = Server::new(&limits);
    let request =
        linecard_suite::generate::frame("COMPLEX", None, &OracleBody::Counted(octets.to_vec()));
    server.show(&request, false);
    let want = match shortest {
        Some(octets) => [format!("OK {}\n", octets.len()).as_bytes(), octets, b"\n"].concat(),
        None => b"ERR\nbad-payload".to_vec(),
    };
    assert!(server.answered.starts_with(&want), "{name}: {}", server.answered.escape_ascii());
}
