//! The same value without Linecard: postcard with heapless types of the same capacities and with
//! boxes; bincode and JSON with boxes.

use std::hint::black_box;

use heapless::{LinearMap, String, Vec};
use linecard_demo::Complex;
use serde::{Deserialize, Serialize};

use crate::Piece;
use crate::structs::sample;

pub(crate) const PIECES: &[Piece] = &[
    Piece { name: "struct, plain postcard, heapless: decode", run: decode_heapless },
    Piece { name: "struct, plain postcard, heapless: encode", run: encode_heapless },
    Piece { name: "struct, plain postcard, boxes: decode", run: decode_boxes },
    Piece { name: "struct, plain postcard, boxes: encode", run: encode_boxes },
    Piece { name: "struct, bincode 2, boxes: decode", run: decode_bincode },
    Piece { name: "struct, bincode 2, boxes: encode", run: encode_bincode },
    Piece { name: "struct, JSON, boxes: decode", run: decode_json },
    Piece { name: "struct, JSON, boxes: encode", run: encode_json },
];

/// One level, which contains the next by value.
#[derive(Serialize, Deserialize)]
struct Level<T> {
    n: i64,
    s: String<64>,
    m: LinearMap<String<16>, i64, 8>,
    p: Vec<u8, 64>,
    c: Option<T>,
}

/// Two levels, as the sample has. Linecard's type has up to four.
type Heapless = Level<Level<()>>;

fn decode_heapless(count: u64) {
    let bytes = sample();
    for _ in 0..count {
        black_box(&postcard::from_bytes::<Heapless>(black_box(&bytes)).expect("a value"));
    }
}

fn encode_heapless(count: u64) {
    let value: Heapless = postcard::from_bytes(&sample()).expect("a value");
    let mut bytes = [0; 128];
    for _ in 0..count {
        black_box(postcard::to_slice(black_box(&value), &mut bytes).expect("it fits"));
    }
}

fn decode_boxes(count: u64) {
    let bytes = sample();
    for _ in 0..count {
        black_box(&postcard::from_bytes::<Complex>(black_box(&bytes)).expect("a value"));
    }
}

fn encode_boxes(count: u64) {
    let value = Complex::sample();
    let mut bytes = [0; 128];
    for _ in 0..count {
        black_box(postcard::to_slice(black_box(&value), &mut bytes).expect("it fits"));
    }
}

fn decode_bincode(count: u64) {
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(Complex::sample(), config).expect("an encoding");
    for _ in 0..count {
        let decoded = bincode::serde::decode_from_slice::<Complex, _>(black_box(&bytes), config);
        black_box(&decoded.expect("a value"));
    }
}

fn encode_bincode(count: u64) {
    let value = Complex::sample();
    let mut bytes = [0; 128];
    for _ in 0..count {
        let config = bincode::config::standard();
        let encoded = bincode::serde::encode_into_slice(black_box(&value), &mut bytes, config);
        black_box(encoded.expect("it fits"));
    }
}

fn decode_json(count: u64) {
    let bytes = serde_json::to_vec(&Complex::sample()).expect("an encoding");
    for _ in 0..count {
        black_box(&serde_json::from_slice::<Complex>(black_box(&bytes)).expect("a value"));
    }
}

fn encode_json(count: u64) {
    let value = Complex::sample();
    let mut bytes = [0; 256];
    for _ in 0..count {
        serde_json::to_writer(&mut bytes[..], black_box(&value)).expect("it fits");
        black_box(&bytes);
    }
}
