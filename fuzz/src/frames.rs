//! The parser of frames against a naive parser that shares no code with it.

use linecard_core::wire::Head;
use linecard_core::{Body, Frame};
use linecard_suite::oracle;

/// The largest numbers that the grammar allows.
const UNLIMITED: oracle::Limits = oracle::Limits {
    max_body: u32::MAX as usize,
    max_reply: u32::MAX as usize,
    skip_budget: u32::MAX as usize,
};

pub fn check(data: &[u8]) {
    head(data);
    frame(data);
}

fn head(data: &[u8]) {
    let Some(lf) = data.iter().position(|&byte| byte == b'\n') else { return };
    let got = Head::parse(&data[..lf]);
    let want = match oracle::head(data) {
        oracle::Line::Head(head, _) => Some(head),
        // The oracle calls an over-long line bad; `frame` below checks those.
        oracle::Line::Bad if lf >= oracle::LONGEST_HEAD_LINE => return,
        oracle::Line::Bad => None,
        oracle::Line::Incomplete => panic!("a line with LF is incomplete to the oracle"),
    };
    let got = got.map(|head| (head.name.to_owned(), head.len, head.tag));
    assert_eq!(got, want.map(|head| (head.name, head.length, head.tag)));
}

fn frame(data: &[u8]) {
    let got = Frame::parse(data);
    let oracle::Frame::Whole { head, body, len } = oracle::frame(data, &UNLIMITED) else {
        assert_eq!(got, None);
        return;
    };
    let (frame, got_len) = got.expect("a frame");
    let got_body = match frame.body {
        Body::Line(line) => oracle::Body::Line(line.to_vec()),
        Body::Counted(bytes) => oracle::Body::Counted(bytes.to_vec()),
    };
    assert_eq!((frame.name, frame.tag, got_body, got_len), (&*head.name, head.tag, body, len));
}
