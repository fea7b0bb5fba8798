//! The sample value of COMPLEX, encoded and decoded with Linecard's types.

use std::hint::black_box;

use linecard_core::{Body, Payload, Postcard};
use linecard_demo::{Complex, Levels};

use crate::Piece;

pub(crate) const PIECES: &[Piece] = &[
    Piece { name: "struct, bounded: decode", run: decode },
    Piece { name: "struct, bounded: encode", run: encode },
    Piece { name: "struct, bounded: decode and to boxes", run: decode_to_boxes },
];

pub(crate) fn sample() -> Vec<u8> {
    postcard::to_allocvec(&Complex::sample()).expect("an encoding")
}

fn decode(count: u64) {
    let bytes = sample();
    for _ in 0..count {
        let body = Body::Counted(black_box(&bytes));
        black_box(&Postcard::<Levels>::decode(body).expect("a value"));
    }
}

fn encode(count: u64) {
    let value = Complex::sample();
    let levels = value.levels().expect("within its limits");
    let mut bytes = [0; 128];
    for _ in 0..count {
        let encoded = postcard::to_slice(black_box(&levels), &mut bytes);
        black_box(encoded.expect("it fits"));
    }
}

fn decode_to_boxes(count: u64) {
    let bytes = sample();
    for _ in 0..count {
        let body = Body::Counted(black_box(&bytes));
        let Postcard(levels) = Postcard::<Levels>::decode(body).expect("a value");
        black_box(Complex::from(levels));
    }
}
