//! The decoder of `Chain`, and the demo's nested value, against the same types with `Box` as serde
//! derives them, and against a naive decoder.

use linecard_core::{Body, Chain, Payload as _, Postcard};
use linecard_demo::{Complex, Levels};
use linecard_suite::oracle;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Longer input may nest so deeply that the derived decoder of the boxed type overflows the stack.
/// `Chain` exists because of that.
const MAX_BOXED_LEN: usize = 2_000;

pub fn check(data: &[u8]) {
    demo(data);
    if data.len() <= MAX_BOXED_LEN {
        links(data);
    }
}

/// The value of `COMPLEX`, decoded in three ways.
fn demo(data: &[u8]) {
    let levels = Postcard::<Levels<'_>>::decode(Body::Counted(data)).ok();
    let naive = oracle::complex::Complex::decode(data);
    let again = levels.as_ref().map(|levels| encode(&levels.0));
    assert_eq!(again, naive.map(|value| value.encode()));
    let Some(again) = again else { return };
    assert!(again.len() <= 1_432, "longer than the longest value");
    let twice = Postcard::<Levels<'_>>::decode(Body::Counted(&again)).ok();
    assert_eq!(twice, levels);
    let boxed: Complex = exactly(data).expect("serde decodes what Chain decodes");
    assert_eq!(levels.map(|levels| Complex::from(levels.0)), Some(boxed));
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    n: i16,
    flag: bool,
    text: String,
    pair: Option<(u8, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Nested {
    n: i16,
    flag: bool,
    text: String,
    pair: Option<(u8, u64)>,
    next: Option<Box<Nested>>,
}

impl Nested {
    fn depth(&self) -> usize {
        1 + self.next.as_ref().map_or(0, |next| next.depth())
    }
}

/// `Chain` accepts exactly what the boxed struct accepts, up to its depth.
fn links(data: &[u8]) {
    let chain: Option<Chain<Link, 5>> = exactly(data);
    let boxed: Option<Nested> = exactly(data).filter(|value: &Nested| value.depth() <= 5);
    assert_eq!(chain.as_ref().map(encode), boxed.as_ref().map(encode));
    let unchained = chain.and_then(|chain| {
        chain.fold_back(|Link { n, flag, text, pair }, next| Nested {
            n,
            flag,
            text,
            pair,
            next: next.map(Box::new),
        })
    });
    assert_eq!(unchained, boxed);
}

/// Decodes a value that fills `data` to its end.
fn exactly<T: DeserializeOwned>(data: &[u8]) -> Option<T> {
    postcard::take_from_bytes(data).ok().filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut buf = vec![0; 16_384];
    postcard::to_slice(value, &mut buf).expect("the buffer is large enough").to_vec()
}
