//! Replies on the wire: how text is delimited, limits, error messages, one reply a request.

use std::cell::Cell;

use linecard_core::wire::{EncodeError, Encoded, Encoder};
use linecard_core::{
    Answered, Body, Bytes, ClientSession, Code, DecodeError, Frame, Instant, Limits, OutBuf,
    Payload, Postcard, Reply, RequestError, Service, Session, Step, Text,
};
use serde::{Serialize, Serializer, ser::Error as _};

use crate::support::{SMALL, Server, answer};

/// Answers one request, with the tag 7, and returns what was sent.
fn sent(limits: &Limits, answer: impl FnOnce(Reply<'_>) -> Answered) -> (Vec<u8>, Option<Code>) {
    let mut session = Session::new(limits, Instant::from_millis(0));
    let mut buf = vec![0; limits.max_reply_frame_len()];
    let mut out = OutBuf::new(&mut buf);
    let (_, step) = session.step(Instant::from_millis(0), b"A #7\n\n", false, &mut out);
    assert!(matches!(step, Step::Request(_)));
    let code = answer(session.reply(&mut out)).code();
    (out.written().to_vec(), code)
}

fn wire(answer: impl FnOnce(Reply<'_>) -> Answered) -> String {
    String::from_utf8(sent(&SMALL, answer).0).expect("UTF-8")
}

#[test]
fn a_text_is_a_line_if_possible() {
    assert_eq!(wire(|reply| reply.text("hi")), "OK #7\nhi\n");
    assert_eq!(wire(|reply| reply.text("")), "OK #7\n\n");
    assert_eq!(wire(|reply| reply.text("a\rb")), "OK #7\na\rb\n");
    assert_eq!(wire(|reply| reply.text("\0é")), "OK #7\n\0é\n");
    assert_eq!(wire(|reply| reply.text("a\r")), "OK 2 #7\na\r\n");
    assert_eq!(wire(|reply| reply.text("a\nb")), "OK 3 #7\na\nb\n");
    assert_eq!(wire(|reply| reply.text("\n")), "OK 1 #7\n\n\n");
    assert_eq!(wire(|reply| reply.send(&Text("\r"))), "OK 1 #7\n\r\n");
}

#[test]
fn bytes_and_values_are_always_counted() {
    assert_eq!(wire(|reply| reply.bytes(b"hi")), "OK 2 #7\nhi\n");
    assert_eq!(wire(|reply| reply.bytes(b"")), "OK 0 #7\n\n");
    assert_eq!(wire(|reply| reply.send(&Bytes(b"\n"))), "OK 1 #7\n\n\n");
    assert_eq!(wire(|reply| reply.postcard("hi")), "OK 3 #7\n\u{2}hi\n");
    assert_eq!(wire(|reply| reply.postcard(&())), "OK 0 #7\n\n");
    assert_eq!(wire(|reply| reply.send(&Postcard("0123456789"))), "OK 11 #7\n\n0123456789\n");
}

#[test]
fn a_reply_at_the_limit_is_sent_and_one_byte_more_is_refused() {
    let too_large = "ERR #7\nreply-too-large over 64\n";
    let full = "x".repeat(64);
    let over = "x".repeat(65);
    assert_eq!(wire(|reply| reply.text(&full)), format!("OK #7\n{full}\n"));
    assert_eq!(wire(|reply| reply.text(&over)), too_large);
    assert_eq!(wire(|reply| reply.bytes(full.as_bytes())), format!("OK 64 #7\n{full}\n"));
    assert_eq!(wire(|reply| reply.bytes(over.as_bytes())), too_large);
    assert_eq!(wire(|reply| reply.postcard(&full[..63])), format!("OK 64 #7\n?{}\n", &full[..63]));
    assert_eq!(wire(|reply| reply.postcard(&full)), too_large);
    let lines = "\n".repeat(64);
    assert_eq!(wire(|reply| reply.text(&lines)), format!("OK 64 #7\n{lines}\n"));
    assert_eq!(wire(|reply| reply.text(&"\n".repeat(65))), too_large);
}

#[test]
fn a_limit_too_small_for_an_error_does_not_limit_errors() {
    let limits = Limits { max_reply_len: 0, ..SMALL };
    assert_eq!(sent(&limits, |reply| reply.text("")).0, b"OK #7\n\n");
    assert_eq!(sent(&limits, |reply| reply.postcard(&())).0, b"OK 0 #7\n\n");
    assert_eq!(sent(&limits, |reply| reply.text("x")).0, b"ERR #7\nreply-too-large over 0\n");
    assert_eq!(sent(&limits, |reply| reply.postcard(&1_u8)).0, b"ERR #7\nreply-too-large over 0\n");
}

#[test]
fn the_reply_limit_does_not_depend_on_free_space() {
    for spare in [0, 1, 1_000] {
        let mut session = Session::new(&SMALL, Instant::from_millis(0));
        let mut buf = vec![0; SMALL.max_reply_frame_len() + spare];
        let mut out = OutBuf::new(&mut buf);
        let _request = session.step(Instant::from_millis(0), b"A #7\n\n", false, &mut out);
        let sent = session.reply(&mut out).postcard(&vec![0_u8; 65]);
        assert_eq!(sent.code(), Some(Code::ReplyTooLarge), "{spare} spare");
    }
}

#[test]
fn the_longest_error_fits_the_smallest_output() {
    let mut session = Session::new(&SMALL, Instant::from_millis(0));
    let mut buf = vec![0; SMALL.max_reply_frame_len()];
    let mut out = OutBuf::new(&mut buf);
    let _request = session.step(Instant::from_millis(0), b"A #4294967295\n\n", false, &mut out);
    let sent = session.reply(&mut out).error(Code::UnknownCommand, &"w".repeat(200));
    assert_eq!(sent.code(), Some(Code::UnknownCommand));
    assert_eq!(out.written().len(), "ERR #4294967295\nunknown-command ".len() + 96 + 1);
}

struct FailsToSerialize;

impl Serialize for FailsToSerialize {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no"))
    }
}

#[test]
fn a_value_that_cannot_be_encoded_is_a_failure() {
    let (bytes, code) = sent(&SMALL, |reply| reply.postcard(&FailsToSerialize));
    assert_eq!(bytes, b"ERR #7\nfailed the reply can't be encoded\n");
    assert_eq!(code, Some(Code::Failed));
    let (bytes, _) = sent(&SMALL, |reply| reply.postcard(&("written before", FailsToSerialize)));
    assert_eq!(bytes, b"ERR #7\nfailed the reply can't be encoded\n");
}

#[test]
fn messages_are_cut_and_made_printable() {
    let error = |message: &str| wire(|reply| reply.error(Code::Failed, message));
    assert_eq!(error(""), "ERR #7\nfailed\n");
    assert_eq!(error("no more"), "ERR #7\nfailed no more\n");
    assert_eq!(error("a\nOK #8\r\nx"), "ERR #7\nfailed a?OK #8??x\n");
    assert_eq!(error("\u{7f}\u{1f} ~\t\0"), "ERR #7\nfailed ?? ~??\n");
    assert_eq!(error("é"), "ERR #7\nfailed ??\n");
    assert_eq!(error(&"w".repeat(96)), format!("ERR #7\nfailed {}\n", "w".repeat(96)));
    assert_eq!(error(&"w".repeat(97)), format!("ERR #7\nfailed {}\n", "w".repeat(96)));
    assert_eq!(error(&"é".repeat(49)), format!("ERR #7\nfailed {}\n", "?".repeat(96)));
}

#[test]
fn every_code_can_be_sent() {
    for code in Code::ALL {
        let (bytes, sent_code) = sent(&SMALL, |reply| reply.error(code, ""));
        assert_eq!(bytes, format!("ERR #7\n{code}\n").into_bytes());
        assert_eq!(sent_code, Some(code));
    }
    assert_eq!(sent(&SMALL, |reply| reply.text("")).1, None);
}

#[test]
fn only_the_first_answer_counts() {
    let twice = wire(|mut reply| {
        let _first = reply.reborrow().text("first");
        let second = reply.reborrow().text("second");
        assert_eq!(second.code(), None);
        reply.error(Code::Failed, "third")
    });
    assert_eq!(twice, "OK #7\nfirst\n");
}

/// A payload that is over a limit of its own.
#[derive(Debug)]
struct OverItsLimit;

impl<'i> Payload<'i> for OverItsLimit {
    fn decode(_body: Body<'i>) -> Result<Self, DecodeError> {
        Err(DecodeError::Payload)
    }

    fn encode(&self, _encoder: Encoder<'_>) -> Result<Encoded, EncodeError> {
        Err(EncodeError::TooLong { limit: 1 })
    }
}

#[test]
fn a_payload_may_have_a_limit_of_its_own() {
    assert_eq!(wire(|reply| reply.send(&OverItsLimit)), "ERR #7\nreply-too-large over 64\n");
}

/// A payload that records why it couldn't be encoded.
#[derive(Debug, Default)]
struct Recorder(Cell<Option<EncodeError>>);

impl<'i> Payload<'i> for Recorder {
    fn decode(_body: Body<'i>) -> Result<Self, DecodeError> {
        Err(DecodeError::Payload)
    }

    fn encode(&self, encoder: Encoder<'_>) -> Result<Encoded, EncodeError> {
        encoder.postcard(&vec![0_u8; 64]).inspect_err(|&error| self.0.set(Some(error)))
    }
}

#[test]
fn too_long_and_no_room_are_different_errors() {
    let recorder = Recorder::default();
    wire(|reply| reply.send(&recorder));
    assert_eq!(recorder.0.get(), Some(EncodeError::TooLong { limit: 64 }));
    for len in 0..92 {
        let recorder = Recorder::default();
        let mut buf = vec![0; len];
        let mut out = OutBuf::new(&mut buf);
        let call = ClientSession::<1>::new(200, 1_000).call_named("AB", &recorder, &mut out);
        assert_eq!((call, out.is_empty()), (Err(RequestError::NoRoom), true), "{len}");
        assert_eq!(recorder.0.get(), Some(EncodeError::NoRoom), "{len}");
    }
    let mut buf = [0; 92];
    let call =
        ClientSession::<1>::new(200, 1_000).call_named("AB", &recorder, &mut OutBuf::new(&mut buf));
    assert_eq!(
        call,
        Ok(0),
        "2 bytes of the name, 24 of the rest of the head, 65 of the value, an LF"
    );
}

struct Wrapped<S>(S, usize);

impl<S: Service> Service for Wrapped<S> {
    fn call(&mut self, request: &Frame<'_>, reply: Reply<'_>) -> Answered {
        self.1 += 1;
        self.0.call(request, reply)
    }
}

#[test]
fn a_service_wraps_another() {
    let mut service = crate::support::TestService::default();
    let mut server = Server::with(&SMALL, Wrapped(&mut service, 0));
    assert_eq!(server.feed("ECHO\nhi\n!\n"), "OK\nhi\nERR\nbad-head\n");
    assert_eq!(server.service.1, 1);
    assert_eq!(service.log, ["ECHO hi"]);
    let mut server = Server::with(&SMALL, &mut service);
    server.feed("!\n");
    assert_eq!(service.log, ["ECHO hi", "! bad-head"]);
    assert_eq!(answer(&SMALL, "FAIL\nno\n"), "ERR\nfailed no\n");
}

#[test]
fn output_is_counted_in_bytes() {
    let mut buf = [0; 16];
    let mut out = OutBuf::new(&mut buf);
    assert!(out.is_empty());
    assert!(linecard_core::refuse(Code::Busy, &mut out));
    assert_eq!((out.is_empty(), out.free(), out.written().len()), (false, 7, 9));
    out.clear();
    assert_eq!((out.is_empty(), out.free()), (true, 16));
}
