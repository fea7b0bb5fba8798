//! What core writes for a value is what the postcard crate writes.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "any number will do"
)]

use std::collections::BTreeMap;
use std::fmt;

use linecard_core::{ClientSession, OutBuf, Postcard};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i16, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(u64),
    Two(u8, bool),
    Named { a: char, b: Option<i32> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct All {
    unsigned: (u8, u16, u32, u64, u128),
    signed: (i8, i16, i32, i64, i128),
    floats: (f32, f64),
    text: String,
    flag: Option<bool>,
    choices: Vec<Choice>,
    map: BTreeMap<String, i64>,
    unit: Unit,
    newtype: Newtype,
    pair: Pair,
}

/// Serialized by `collect_str`.
#[derive(Clone, Debug, PartialEq)]
struct Shown(u16, String);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("only serialized"))
    }
}

/// The body that core writes.
fn encoded<T: Serialize + serde::de::DeserializeOwned>(value: T) -> Vec<u8> {
    let mut buf = vec![0; 65_536];
    let mut out = OutBuf::new(&mut buf);
    ClientSession::<1>::new(0, 0).call_named("A", &Postcard(value), &mut out).expect("it fits");
    let frame = out.written();
    let head_end = frame.iter().position(|&byte| byte == b'\n').expect("a head") + 1;
    frame[head_end..frame.len() - 1].to_vec()
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Nothing),
        any::<u64>().prop_map(Choice::One),
        any::<(u8, bool)>().prop_map(|(a, b)| Choice::Two(a, b)),
        any::<(char, Option<i32>)>().prop_map(|(a, b)| Choice::Named { a, b }),
    ]
}

/// Numbers of any size, not only huge ones.
fn wide() -> impl Strategy<Value = u128> {
    (any::<u128>(), 0_u32..128).prop_map(|(number, shift)| number >> shift)
}

proptest! {
    #[test]
    fn every_kind_of_value_is_encoded_as_postcard_encodes_it(
        (a, b, c) in (wide(), wide(), any::<(f32, f64)>()),
        text in ".{0,200}",
        flag in any::<Option<bool>>(),
        choices in proptest::collection::vec(choice(), 0..5),
        map in proptest::collection::btree_map(".{0,5}", any::<i64>(), 0..5),
    ) {
        let all = All {
            unsigned: (a as u8, a as u16, a as u32, a as u64, a),
            signed: (b as i8, b as i16, b as i32, b as i64, b as i128),
            floats: c,
            text: text.clone(),
            flag,
            choices,
            map,
            unit: Unit,
            newtype: Newtype(b as u32),
            pair: Pair(a as i16, text.clone()),
        };
        let shown = Shown(a as u16, text);
        prop_assert_eq!(encoded(all.clone()), postcard::to_allocvec(&all).unwrap());
        prop_assert_eq!(encoded(shown.clone()), postcard::to_allocvec(&shown).unwrap());
    }
}

#[test]
fn numbers_at_the_edges_of_a_varint_are_encoded_as_postcard_encodes_them() {
    for shift in 0..128 {
        for number in [(1_u128 << shift) - 1, 1 << shift, !0 >> shift] {
            assert_eq!(encoded(number), postcard::to_allocvec(&number).unwrap(), "{number}");
            let signed = number.cast_signed();
            assert_eq!(encoded(signed), postcard::to_allocvec(&signed).unwrap(), "{signed}");
            if let Ok(small) = u64::try_from(number) {
                assert_eq!(encoded(small), postcard::to_allocvec(&small).unwrap(), "{small}");
            }
        }
    }
}

#[test]
fn types_that_ask_are_encoded_in_their_compact_form() {
    let address = std::net::Ipv4Addr::LOCALHOST;
    assert_eq!(encoded(address), [127, 0, 0, 1]);
    assert_eq!(encoded(address), postcard::to_allocvec(&address).unwrap());
}
