//! Bounded values: exact capacities, unique keys, and chains encoded exactly as the boxed struct.

use std::collections::BTreeMap;

use linecard_core::wire::is_name;
use linecard_core::{
    Body, BoundedBytes, BoundedStr, Chain, ChainFull, Code, DecodeError, Frame, InsertError,
    Payload as _, Postcard, Text, UniqueMap,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut buf = vec![0; 4_096];
    postcard::to_slice(value, &mut buf).expect("it fits").to_vec()
}

fn decodes<'i, T: Deserialize<'i> + Serialize>(bytes: &'i [u8]) -> Option<T> {
    Postcard::<T>::decode(Body::Counted(bytes)).ok().map(|Postcard(value)| value)
}

/// Decodes all of `bytes` as a type without limits.
fn boxed<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::take_from_bytes(bytes).ok().filter(|(_, rest)| rest.is_empty()).map(|(t, _)| t)
}

#[test]
fn a_string_is_accepted_up_to_its_capacity() {
    assert_eq!(decodes::<BoundedStr<'_, 4>>(&encode(&"four")).as_deref(), Some("four"));
    assert_eq!(decodes::<BoundedStr<'_, 4>>(&encode(&"éé")).map(|text| text.as_str()), Some("éé"));
    assert_eq!(decodes::<BoundedStr<'_, 4>>(&encode(&"fours")), None);
    assert_eq!(decodes::<BoundedStr<'_, 4>>(&encode(&"ééé")), None);
    assert_eq!(decodes::<BoundedStr<'_, 0>>(&encode(&"")).as_deref(), Some(""));
    assert_eq!(decodes::<BoundedStr<'_, 4>>(b"\x01\xff"), None, "not UTF-8");
    assert_eq!(BoundedStr::<4>::new("four").map(|text| encode(&text)), Some(encode(&"four")));
    assert_eq!(BoundedStr::<4>::new("fours"), None);
}

#[test]
fn bytes_are_accepted_up_to_their_capacity() {
    let four: &[u8] = b"\0\n\xffx";
    assert_eq!(decodes::<BoundedBytes<'_, 4>>(&encode(&four)).as_deref(), Some(four));
    assert_eq!(decodes::<BoundedBytes<'_, 4>>(&encode(&"fours")), None);
    assert_eq!(BoundedBytes::<4>::new(four).map(|bytes| encode(&bytes)), Some(encode(&four)));
    assert_eq!(BoundedBytes::<4>::new(four).map(|bytes| bytes.as_slice()), Some(four));
    assert_eq!(BoundedBytes::<3>::new(four), None);
}

#[test]
fn a_declared_length_over_the_input_is_refused() {
    for bytes in
        [&b"\xff\xff\xff\xff\x0f"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x05four"]
    {
        assert_eq!(decodes::<BoundedStr<'_, 100>>(bytes), None);
        assert_eq!(decodes::<BoundedBytes<'_, 100>>(bytes), None);
        assert_eq!(decodes::<UniqueMap<u8, u8, 4>>(bytes), None);
    }
}

type Small = UniqueMap<u8, i32, 3>;

#[test]
fn a_map_keeps_its_order_and_is_encoded_as_serdes_own() {
    let entries = BTreeMap::from([(1_u8, -1), (2, 2), (3, 300)]);
    let map: Small = decodes(&encode(&entries)).expect("three entries");
    assert!(map.iter().map(|(key, value)| (*key, *value)).eq(entries.clone()));
    assert_eq!(encode(&map), encode(&entries));
    assert_eq!((map.len(), map.is_empty()), (3, false));
    assert_eq!((map.get(&2), map.get(&9)), (Some(&2), None));
    let backwards: Small = decodes(b"\x02\x09\x02\x01\x04").expect("any order");
    assert_eq!(encode(&backwards), b"\x02\x09\x02\x01\x04");
    assert_eq!(format!("{backwards:?}"), "{9: 1, 1: 2}");
}

#[test]
fn a_map_refuses_a_key_twice_and_too_many_entries() {
    assert_eq!(decodes::<Small>(b"\x02\x01\x02\x01\x04"), None, "a key twice");
    assert_eq!(decodes::<Small>(b"\x02\x01\x02\x01\x02"), None, "a key twice, with the same value");
    assert!(decodes::<Small>(b"\x03\x01\x00\x02\x00\x03\x00").is_some());
    assert_eq!(decodes::<Small>(b"\x04\x01\x00\x02\x00\x03\x00\x04\x00"), None);
    assert_eq!(decodes::<Small>(b"\x02\x01\x00"), None, "cut off");
    let mut map = Small::default();
    assert!(map.is_empty());
    for key in 0..3 {
        assert_eq!(map.insert(key, 7), Ok(()));
    }
    assert_eq!(map.insert(1, 8), Err(InsertError::Duplicate));
    assert_eq!(map.insert(9, 8), Err(InsertError::Full));
    assert_eq!((map.get(&1), map.len()), (Some(&7), 3));
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    n: u16,
    flag: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Nested {
    n: u16,
    flag: bool,
    next: Option<Box<Nested>>,
}

fn nested(depth: u16) -> Nested {
    (1..depth).fold(Nested { n: depth, flag: true, next: None }, |inner, n| Nested {
        n: depth - n,
        flag: false,
        next: Some(Box::new(inner)),
    })
}

type Links = Chain<Link, 4>;

fn unchain(links: Links) -> Option<Nested> {
    links.fold_back(|Link { n, flag }, inner| Nested { n, flag, next: inner.map(Box::new) })
}

#[test]
fn a_chain_is_encoded_as_the_boxed_struct() {
    for depth in 1..=4 {
        let value = nested(depth);
        let bytes = encode(&value);
        let chain: Links = decodes(&bytes).expect("within the capacity");
        assert_eq!(chain.nodes().len(), usize::from(depth));
        assert_eq!(encode(&chain), bytes);
        assert_eq!(unchain(chain), Some(value));
    }
}

#[test]
fn a_chain_over_its_capacity_is_refused() {
    let bytes = encode(&nested(5));
    assert!(boxed::<Nested>(&bytes).is_some());
    assert_eq!(decodes::<Links>(&bytes), None);
    let endless = vec![1; 100_000];
    assert_eq!(decodes::<Links>(&endless), None, "and no stack overflows");
    assert_eq!(decodes::<Chain<(), 4>>(&endless), None);
}

#[test]
fn a_chain_accepts_what_the_boxed_struct_accepts() {
    let bytes = encode(&nested(3));
    for at in 0..bytes.len() {
        for value in 0..=u8::MAX {
            let mut changed = bytes.clone();
            changed[at] = value;
            for bytes in [&changed[..], &changed[..at]] {
                let expected = boxed::<Nested>(bytes);
                assert_eq!(decodes::<Links>(bytes).and_then(unchain), expected, "{bytes:?}");
            }
        }
    }
    let trailing = [&bytes[..], b"\0"].concat();
    assert_eq!(decodes::<Links>(&trailing), None);
}

#[test]
fn nodes_are_pushed_up_to_the_capacity() {
    let link = |n| Link { n, flag: true };
    let mut chain = Chain::<Link, 2>::new(link(1));
    assert_eq!(chain.push(link(2)), Ok(()));
    assert_eq!(chain.push(link(3)), Err(ChainFull));
    assert_eq!(chain.nodes(), [link(1), link(2)]);
    assert_eq!(format!("{chain:?}"), format!("{:?}", [link(1), link(2)]));
    let folded = chain.fold_back(|Link { n, .. }, inner: Option<String>| format!("{n}{inner:?}"));
    assert_eq!(folded.as_deref(), Some("1Some(\"2None\")"));
}

#[test]
fn decoding_errors_have_messages() {
    let two = serde_json::from_str::<Chain<u8, 2>>("[1, true, 2, false]").expect("two nodes");
    assert_eq!(two.nodes(), [1, 2]);
    let error = |text| serde_json::from_str::<Chain<u8, 2>>(text).expect_err(text).to_string();
    assert!(error("[1, true, 2, true, 3, false]").starts_with("too deep"));
    assert!(error("[1]").starts_with("cut off"));
    assert!(error("7").contains("a chain within its capacity"));
    let error = serde_json::from_str::<Small>("7").expect_err("no map").to_string();
    assert!(error.contains("a map within its capacity, with no key twice"));
    let error = serde_json::from_str::<Small>("{\"1\":1,\"1\":1}").expect_err("twice").to_string();
    assert!(error.starts_with("a key twice, or too many"));
    let error = serde_json::from_str::<BoundedStr<'_, 2>>("7").expect_err("no string").to_string();
    assert!(error.contains("a borrowed string within its capacity"));
}

#[test]
fn text_may_be_a_line_or_counted_and_a_value_is_counted() {
    assert_eq!(Text::decode(Body::Line(b"a\r")), Ok(Text("a\r")));
    assert_eq!(Text::decode(Body::Counted(b"a\n")), Ok(Text("a\n")));
    assert_eq!(Text::decode(Body::Line(b"\xc0\x80")), Err(DecodeError::Text));
    assert_eq!(Postcard::<u8>::decode(Body::Line(b"\x01")), Err(DecodeError::Payload));
    assert_eq!(Postcard::<u8>::decode(Body::Counted(b"\x01\x01")), Err(DecodeError::Payload));
    assert_eq!(Postcard::<u8>::decode(Body::Counted(b"\x01")), Ok(Postcard(1)));
    assert_eq!(
        (DecodeError::Text.code(), DecodeError::Payload.code()),
        (Code::BadText, Code::BadPayload)
    );
}

#[test]
fn a_whole_frame_is_parsed_without_a_session() {
    let frame = Frame { name: "A", tag: Some(1), body: Body::Counted(b"\n") };
    assert_eq!(Frame::parse(b"A 1 #1\n\n\nrest"), Some((frame, 9)));
    let frame = Frame { name: "A", tag: None, body: Body::Line(b"x") };
    assert_eq!(Frame::parse(b"A\nx\r\n"), Some((frame, 5)));
    for bytes in [&b""[..], b"A", b"A\nx", b"!\nx\n", b"A 2\nxxx", b"A 4294967295\nx"] {
        assert_eq!(Frame::parse(bytes), None);
    }
    let long = "x".repeat(100_000);
    let frame = format!("A\n{long}\n");
    assert_eq!(Frame::parse(frame.as_bytes()).map(|(_, len)| len), Some(frame.len()));
}

#[test]
fn names_follow_the_grammar() {
    for name in ["a", "Z", "A9-_.", &"n".repeat(32)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", "9", "-", "_a", ".a", "a b", "a/", "é", "aé", "a\n", &"n".repeat(33)] {
        assert!(!is_name(name), "{name}");
    }
}
