//! The oracle agrees with the vectors, and doesn't depend on how an input is cut.

use linecard_suite::generate::{Random, complex, hostile_payload, stream};
use linecard_suite::oracle::complex::Complex;
use linecard_suite::oracle::{Limits, Line, Outcome, Refusal, Reply, head, serve};
use linecard_suite::replies;
use linecard_suite::vectors::{HeadMeaning, Then, Vectors};

#[test]
fn heads_agree_with_the_vectors() {
    for vector in Vectors::load().heads {
        let meaning = match head(&vector.bytes) {
            Line::Incomplete => HeadMeaning::Incomplete,
            Line::Bad => HeadMeaning::Bad,
            Line::Head(head, _) => HeadMeaning::Head(head),
        };
        assert_eq!(meaning, vector.meaning, "{}", vector.name);
    }
}

#[test]
fn replies_agree_with_the_vectors() {
    for vector in Vectors::load().server {
        if !matches!(vector.then, Then::Nothing | Then::HalfClose) {
            continue;
        }
        let limits = vector.limits.unwrap_or(Limits::DEVICE);
        let outcome = serve(&vector.send, vector.then == Then::HalfClose, &limits);
        let want = replies::all(&vector.expect).expect("a vector's replies");
        replies::compare(&want, &outcome.replies)
            .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(outcome.closes, vector.closes, "{}", vector.name);
    }
}

#[test]
fn values_agree_with_the_vectors() {
    for vector in Vectors::load().complex {
        assert_eq!(Complex::decode(&vector.bytes), vector.value, "{}", vector.name);
        if let Some(value) = vector.value {
            assert_eq!(value.encode(), vector.shortest, "{}", vector.name);
        }
    }
}

#[test]
fn errors_are_what_the_vectors_say() {
    for vector in Vectors::load().errors {
        let mut words: Vec<u8> = vector.words.bytes().take(96).collect();
        for byte in &mut words {
            if *byte < b' ' || *byte > b'~' {
                *byte = b'?';
            }
        }
        let message = (!words.is_empty()).then(|| String::from_utf8(words).expect("ASCII"));
        let result = Err(Refusal { code: vector.code, message });
        let reply = Reply { tag: vector.tag, result };
        assert_eq!(reply.to_bytes(), vector.expect, "{}", vector.name);
        assert_eq!(replies::all(&vector.expect), Ok(vec![reply]), "{}", vector.name);
    }
}

#[test]
fn every_code_of_the_error_table_has_a_vector() {
    let vectors = Vectors::load();
    let answered: Vec<String> = vectors
        .server
        .iter()
        .flat_map(|vector| replies::all(&vector.expect).expect("a vector's replies"))
        .filter_map(|reply| reply.result.err().map(|refusal| refusal.code))
        .collect();
    let reported: Vec<&str> = vectors
        .client
        .iter()
        .flat_map(|vector| vector["expect"].as_array().expect("a list"))
        .filter_map(|report| report["error"].as_str())
        .collect();
    let demo_never_fails = "failed";
    for code in [
        "bad-head",
        "too-large",
        "desync",
        "unknown-command",
        "bad-payload",
        "bad-text",
        "reply-too-large",
        "failed",
        "busy",
        "timeout",
        "stopping",
    ] {
        assert!(
            code == demo_never_fails || answered.iter().any(|had| had == code),
            "server: {code}"
        );
        assert!(reported.contains(&code), "client: {code}");
    }
}

#[test]
fn replies_do_not_depend_on_the_cut() {
    for seed in 0..200 {
        let limits = Limits { max_body: 300, max_reply: 300, skip_budget: 600 };
        let bytes = stream(&mut Random::new(seed), &limits);
        let whole = serve(&bytes, false, &limits);
        let (mut replies, mut unconsumed, mut closes) = (Vec::new(), Vec::new(), false);
        for byte in &bytes {
            unconsumed.push(*byte);
            let part: Outcome = serve(&unconsumed, false, &limits);
            unconsumed.drain(..part.consumed);
            replies.extend(part.replies);
            if part.closes {
                closes = true;
                break;
            }
        }
        assert_eq!((replies, closes), (whole.replies, whole.closes), "seed {seed}");
    }
}

#[test]
fn encoded_values_decode_to_themselves() {
    for seed in 0..500 {
        let value = complex(&mut Random::new(seed));
        assert_eq!(Complex::decode(&value.encode()), Some(value), "seed {seed}");
    }
}

#[test]
fn hostile_payloads_are_mostly_invalid() {
    let mut random = Random::new(1);
    let valid = (0..1_000).filter_map(|_| Complex::decode(&hostile_payload(&mut random))).count();
    assert!((1..500).contains(&valid), "{valid} of 1,000 are values");
}
