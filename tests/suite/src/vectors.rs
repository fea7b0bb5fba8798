//! tests/vectors.json, parsed into plain structs.

use serde_json::Value;

use crate::bytes::{from_hex, from_pieces};
use crate::oracle::complex::Complex;
use crate::oracle::{Head, Limits};

/// Everything in the file.
#[derive(Debug)]
pub struct Vectors {
    /// Heads on their own.
    pub heads: Vec<HeadVector>,
    /// What a server answers.
    pub server: Vec<ServerVector>,
    /// What a client reports for a server's bytes. In JSON, which the tests of clients read.
    pub client: Vec<Value>,
    /// Values of `COMPLEX` and their bytes.
    pub complex: Vec<ComplexVector>,
    /// What a handler's refusal is sent as.
    pub errors: Vec<ErrorVector>,
    /// Values of other types and their bytes.
    pub values: Vec<ValueVector>,
}

/// Bytes at the front of an input, and what they mean.
#[derive(Debug)]
pub struct HeadVector {
    /// Unique.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
    /// Its meaning.
    pub meaning: HeadMeaning,
}

/// What the bytes of a head vector mean.
#[derive(Debug, PartialEq, Eq)]
pub enum HeadMeaning {
    /// A head.
    Head(Head),
    /// Not a head, whatever follows.
    Bad,
    /// More bytes are needed.
    Incomplete,
}

/// What happens after all was sent and its replies were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// The client closes its direction.
    HalfClose,
    /// Silence for the frame deadline.
    FrameDeadline,
    /// Silence for the idle timeout.
    IdleTimeout,
    /// The server stops.
    Stop,
    /// The server had as many connections as it serves.
    Full,
}

/// A connection to a server of the demo commands.
#[derive(Debug)]
pub struct ServerVector {
    /// Unique.
    pub name: String,
    /// The section of docs/PROTOCOL.md.
    pub section: String,
    /// The limits it needs. `None`: any limits that are large enough.
    pub limits: Option<Limits>,
    /// The bytes sent.
    pub send: Vec<u8>,
    /// What happens after that.
    pub then: Then,
    /// The bytes of the replies.
    pub expect: Vec<u8>,
    /// Whether the server closes the connection.
    pub closes: bool,
}

/// A payload of `COMPLEX`.
#[derive(Debug)]
pub struct ComplexVector {
    /// Unique.
    pub name: String,
    /// The body.
    pub bytes: Vec<u8>,
    /// Its value, or `None` if the reply is `bad-payload`.
    pub value: Option<Complex>,
    /// The value as a sender encodes it.
    pub shortest: Vec<u8>,
}

/// A refusal by a handler.
#[derive(Debug)]
pub struct ErrorVector {
    /// Unique.
    pub name: String,
    /// Of the request.
    pub tag: Option<u32>,
    /// What the handler refuses with.
    pub code: String,
    /// Its words.
    pub words: String,
    /// The reply, as bytes.
    pub expect: Vec<u8>,
}

/// A value of a type other than COMPLEX's.
#[derive(Debug)]
pub struct ValueVector {
    /// Unique.
    pub name: String,
    /// In the notation of docs/PROTOCOL.md §7.4.
    pub value_type: String,
    /// The body.
    pub bytes: Vec<u8>,
    /// The value as the file's notes say, or `None` for `bad-payload`.
    pub value: Option<Value>,
    /// The value as a sender encodes it.
    pub shortest: Vec<u8>,
}

impl Vectors {
    /// Parses the file, which is compiled in.
    ///
    /// # Panics
    /// If the file is not in its own format.
    #[must_use]
    pub fn load() -> Self {
        let file: Value =
            serde_json::from_str(include_str!("../../vectors.json")).expect("vectors.json is JSON");
        Self {
            heads: each(&file["head"], head),
            server: each(&file["server"], server),
            client: each(&file["client"], Value::clone),
            complex: each(&file["complex"], complex),
            errors: each(&file["errors"], error),
            values: each(&file["values"], value),
        }
    }
}

/// The value of `COMPLEX` in a vector's JSON.
///
/// # Panics
/// If a field is missing or of another type.
#[must_use]
pub fn complex_value(value: &Value) -> Complex {
    let entry = |entry: &Value| (text(&entry[0]), entry[1].as_i64().expect("an i64"));
    Complex {
        n: value["n"].as_i64().expect("n is an i64"),
        s: text(&value["s"]),
        m: each(&value["m"], entry),
        p: from_hex(value["p"].as_str().expect("p is hexadecimal")),
        c: if value["c"].is_null() { None } else { Some(Box::new(complex_value(&value["c"]))) },
    }
}

fn each<T>(array: &Value, parse: impl FnMut(&Value) -> T) -> Vec<T> {
    array.as_array().expect("an array").iter().map(parse).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

fn size(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a size")).expect("a size in memory")
}

fn head(vector: &Value) -> HeadVector {
    let number = |value: &Value| value.as_u64().map(|n| u32::try_from(n).expect("32 bits"));
    let is = &vector["is"];
    let meaning = match is.as_str() {
        Some("bad-head") => HeadMeaning::Bad,
        Some("incomplete") => HeadMeaning::Incomplete,
        Some(other) => panic!("unknown meaning {other}"),
        None => HeadMeaning::Head(Head {
            name: text(&is["name"]),
            length: number(&is["length"]),
            tag: number(&is["tag"]),
        }),
    };
    HeadVector { name: text(&vector["name"]), bytes: from_pieces(&vector["octets"]), meaning }
}

fn server(vector: &Value) -> ServerVector {
    ServerVector {
        name: text(&vector["name"]),
        section: text(&vector["section"]),
        limits: vector.get("limits").map(limits),
        send: from_pieces(&vector["send"]),
        then: then(vector),
        expect: from_pieces(&vector["expect"]),
        closes: vector["closes"].as_bool().expect("closes is a bool"),
    }
}

fn limits(limits: &Value) -> Limits {
    Limits {
        max_body: size(&limits["max_body"]),
        max_reply: size(&limits["max_reply"]),
        skip_budget: size(&limits["skip_budget"]),
    }
}

fn then(vector: &Value) -> Then {
    if vector["room"] == Value::Bool(false) {
        return Then::Full;
    }
    match vector["then"].as_str() {
        None => Then::Nothing,
        Some("half-close") => Then::HalfClose,
        Some("frame-deadline") => Then::FrameDeadline,
        Some("idle-timeout") => Then::IdleTimeout,
        Some("stop") => Then::Stop,
        Some(other) => panic!("unknown `then` {other}"),
    }
}

fn error(vector: &Value) -> ErrorVector {
    ErrorVector {
        name: text(&vector["name"]),
        tag: vector["tag"].as_u64().map(|tag| u32::try_from(tag).expect("32 bits")),
        code: text(&vector["code"]),
        words: String::from_utf8(from_pieces(&vector["words"])).expect("words are UTF-8"),
        expect: from_pieces(&vector["expect"]),
    }
}

fn value(vector: &Value) -> ValueVector {
    let bytes = from_pieces(&vector["octets"]);
    assert_ne!(vector.get("value").is_some(), vector.get("error").is_some(), "a value or an error");
    ValueVector {
        name: text(&vector["name"]),
        value_type: text(&vector["type"]),
        shortest: vector.get("shortest").map_or_else(|| bytes.clone(), from_pieces),
        value: vector.get("value").cloned(),
        bytes,
    }
}

fn complex(vector: &Value) -> ComplexVector {
    let bytes = from_pieces(&vector["octets"]);
    ComplexVector {
        name: text(&vector["name"]),
        shortest: vector.get("shortest").map_or_else(|| bytes.clone(), from_pieces),
        value: vector.get("value").map(complex_value),
        bytes,
    }
}
